// A command for most of a fleet goes out once, and is the same to everybody as one for each.

#include "tests/support/demo.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace steward::tests::broadcast_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

// Three units of the demo and one beside them.
struct Fleet {
  Fleet() : demo(Demo::start()) {
    if (demo) {
      demo->start_unit("away");
    }
  }

  // The job's id; each run of it adds a line to the file.
  std::string start(std::vector<std::string> target, const std::string& file) const {
    std::vector<std::string> words{"run"};
    words.insert(words.end(), target.begin(), target.end());
    const std::string script = "echo run >> " + (demo->folder() / file).string();
    words.insert(words.end(), {"--no-wait", "-o", "name", "--shell", script});
    const Ended ended = demo->ctl(words);
    REQUIRE_MESSAGE(ended.status == 0, ended.err);
    return ended.out.substr(0, 26);
  }

  std::ptrdiff_t runs(const std::string& file) const {
    std::ifstream in(demo->folder() / file);
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  }

  json job(const std::string& id) const {
    return json::parse(demo->ctl({"jobs", "show", id, "-o", "json"}).out);
  }

  std::string subject(const std::string& id) const { return job(id).at("command").at("subject"); }

  const std::unique_ptr<Demo> demo;
};

const std::string kToAll = "@all.command.shellcommand.operatingsystem";

}  // namespace

TEST_CASE("stewardctl run: most of a fleet gets one broadcast, which runs where it is meant only") {
  const Fleet fleet;
  if (!fleet.demo) {
    return;
  }
  const auto most = fleet.start({"demo[1-3]"}, "most");
  REQUIRE(fleet.demo->ctl({"jobs", "wait", most}).status == 0);
  CHECK(fleet.subject(most) == kToAll);
  CHECK(fleet.job(most).at("units").size() == 3);
  CHECK(fleet.runs("most") == 3);

  const auto picked = fleet.start({"cpus>0"}, "picked");
  REQUIRE(fleet.demo->ctl({"jobs", "wait", picked}).status == 0);
  CHECK(fleet.subject(picked) == kToAll);
  CHECK(fleet.runs("picked") == 4);

  const auto one = fleet.start({"demo2"}, "one");
  REQUIRE(fleet.demo->ctl({"jobs", "wait", one}).status == 0);
  CHECK(fleet.subject(one) == "demo2.command.shellcommand.operatingsystem");
  CHECK(fleet.runs("one") == 1);

  const auto dry =
      fleet.demo->ctl({"run", "--all", "--dry-run", "--stdin", "--", "cat"}, "the safe's number");
  CHECK(dry.out.find("demo1.command.") != std::string::npos);
  CHECK(dry.out.find("@all") == std::string::npos);
  const auto dry_to_all = fleet.demo->ctl({"run", "--all", "--dry-run", "--", "true"});
  CHECK(dry_to_all.out.find(kToAll) != std::string::npos);
  CHECK(dry_to_all.out.find("for away,demo[1-3]") != std::string::npos);
}

TEST_CASE("stewardctl run: a unit that was away when all were told runs it at its return, once") {
  const Fleet fleet;
  if (!fleet.demo) {
    return;
  }
  fleet.demo->kill_unit("away");
  const auto id = fleet.start({"--all"}, "all");
  CHECK(fleet.demo->ctl({"jobs", "wait", id, "--wait", "1s"}).status == 4);
  CHECK(fleet.subject(id) == kToAll);
  CHECK(fleet.runs("all") == 3);
  fleet.demo->start_unit("away");
  CHECK(fleet.demo->ctl({"jobs", "wait", id, "--wait", "30s"}).status == 0);
  CHECK(fleet.runs("all") == 4);
  const auto shown = fleet.job(id);
  for (const auto& unit : shown.at("units")) {
    CHECK_MESSAGE(unit.at("state") == "done", unit.dump());
  }
}

TEST_CASE("stewardctl run: what failed of a broadcast is sent again to those alone") {
  const Fleet fleet;
  if (!fleet.demo) {
    return;
  }
  const auto mark = (fleet.demo->folder() / "mark").string();
  const auto ended =
      fleet.demo->ctl({"run", "--all", "-o", "jsonl", "--shell", "mkdir " + mark + " 2>/dev/null"});
  CHECK(ended.status == 1);
  const auto found = ended.out.find(R"("job":")");
  REQUIRE(found != std::string::npos);
  const auto id = ended.out.substr(found + 7, 26);
  CHECK(fleet.subject(id) == kToAll);
  const auto again = fleet.demo->ctl({"jobs", "retry", id, "-o", "jsonl"});
  CHECK_MESSAGE(again.status == 1, again.err);
  CHECK_MESSAGE(again.out.find(R"("failed":3)") != std::string::npos, again.out);
}

}  // namespace steward::tests::broadcast_test
