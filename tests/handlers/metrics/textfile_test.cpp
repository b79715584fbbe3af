#include "handlers/metrics/measurement.hpp"
#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

namespace steward::handlers::metrics::textfile_test {
namespace {

namespace fs = std::filesystem;

struct TextRoom {
  TextRoom() : roots(machine.roots()) {
    roots.textfiles = folder.path / "text";
    fs::create_directories(roots.textfiles);
    measurement.emplace(roots, Filters{}, std::vector<std::string>{"netdev"}, clock);
  }

  std::map<std::string, double> round() {
    measurement->round();
    const auto schema = measurement->schema();
    std::map<std::string, double> values;
    for (std::size_t i = 0; i < schema.series.size(); ++i) {
      if (measurement->numbers()[i] != wire::kAbsent) {
        values[schema.series[i].key] = schema.series[i].value(measurement->numbers()[i]);
      }
    }
    // A station refuses the whole list for one that it would not take.
    REQUIRE(wire::decode_metric_schema(wire::encode(schema)));
    return values;
  }

  Measurement::Standing standing() const {
    for (const auto& one : measurement->standings()) {
      if (one.name == "textfile") {
        return one;
      }
    }
    FAIL("no collector of text files");
    return {};
  }

  void write(const std::string& name, const std::string& text) const {
    folder.write("text/" + name, text);
  }

  std::string mtime(const std::string& name) const {
    return "node_textfile_mtime_seconds{file=\"" + roots.textfiles + "/" + name + "\"}";
  }

  const StillMachine machine;
  const Folder folder;
  const RealClock clock;
  Roots roots;
  std::optional<Measurement> measurement;
};

}  // namespace

TEST_CASE("text files: series of all files, each file's time, and no error") {
  TextRoom room;
  room.write("a.prom", fixture("textfile.prom"));
  room.write("b.prom", "other 2\n");
  room.write("notes.txt", "not of ours\n");
  const auto values = room.round();
  CHECK(values.at("node_reboot_required") == 1);
  CHECK(values.at("other") == 2);
  CHECK(values.at("node_textfile_scrape_error") == 0);
  CHECK(values.at(room.mtime("a.prom")) > 1.6e9);
  CHECK(values.count(room.mtime("notes.txt")) == 0);
  CHECK(values.at("steward_collector_success{collector=\"textfile\"}") == 1);
  CHECK(values.count("no_value") == 0);  // its place is kept, it has no value
}

TEST_CASE("text files: a broken one disturbs no other, and is named") {
  TextRoom room;
  room.write("a.prom", "a 1\n");
  room.write("b.prom", "b {\n");
  room.write("c.prom", std::string(600'000, '\n'));
  fs::create_directory(fs::path(room.roots.textfiles) / "d.prom");
  REQUIRE(::mkfifo((fs::path(room.roots.textfiles) / "e.prom").c_str(), 0600) == 0);
  fs::create_symlink("/nowhere/at/all", fs::path(room.roots.textfiles) / "f.prom");
  room.write("g.prom", "a 2\ng 2\n");
  room.write("z.prom", "z 3\n");
  auto values = room.round();
  CHECK(values.at("a") == 1);
  CHECK(values.at("z") == 3);
  CHECK(values.count("g") == 0);
  CHECK(values.at("node_textfile_scrape_error") == 1);
  CHECK(values.count(room.mtime("b.prom")) == 0);
  CHECK(values.at("node_load1") > 0);
  CHECK(room.standing().trouble.find("b.prom: ") != std::string::npos);
  CHECK(room.standing().trouble.find("line 1") != std::string::npos);
  for (const std::string name : {"b", "c", "e", "f", "g"}) {
    fs::remove(fs::path(room.roots.textfiles) / (name + ".prom"));
  }
  fs::remove(fs::path(room.roots.textfiles) / "d.prom");
  values = room.round();
  CHECK(values.at("node_textfile_scrape_error") == 0);
  CHECK(room.standing().trouble.empty());
}

TEST_CASE("text files: one that changes is read again, one that goes takes its series along") {
  TextRoom room;
  room.write("a.prom", "a 1\n");
  CHECK(room.round().at("a") == 1);
  const auto hash = room.measurement->schema_hash();
  room.write("new", "a 2\n");
  fs::rename(fs::path(room.roots.textfiles) / "new", fs::path(room.roots.textfiles) / "a.prom");
  CHECK(room.round().at("a") == 2);
  CHECK(room.measurement->schema_hash() == hash);
  fs::remove(fs::path(room.roots.textfiles) / "a.prom");
  CHECK(room.round().count("a") == 0);
  CHECK(room.measurement->schema_hash() != hash);
}

TEST_CASE("text files: what the unit measures itself cannot be told by a file") {
  TextRoom room;
  room.write("a.prom", "node_load1 99\nnode_load1{x=\"y\"} 98\nnode_mine 1\n");
  const auto values = room.round();
  CHECK(values.at("node_load1") != 99);
  CHECK(values.count("node_load1{x=\"y\"}") == 0);
  CHECK(values.at("node_mine") == 1);
  CHECK(room.standing().dropped == 2);
}

TEST_CASE("text files: more files than there is room for are an error, the first ones are told") {
  TextRoom room;
  for (int i = 0; i < 70; ++i) {
    room.write("f" + std::to_string(100 + i) + ".prom", "f" + std::to_string(i) + " 1\n");
  }
  const auto values = room.round();
  CHECK(values.at("f0") == 1);
  CHECK(values.at("f63") == 1);
  CHECK(values.count("f64") == 0);
  CHECK(values.at("node_textfile_scrape_error") == 1);
}

TEST_CASE("text files: without the folder there is nothing, and nothing is broken") {
  TextRoom room;
  fs::remove(room.roots.textfiles);
  const auto values = room.round();
  CHECK(values.count("node_textfile_scrape_error") == 0);
  CHECK(values.at("node_load1") > 0);
}

}  // namespace steward::handlers::metrics::textfile_test
