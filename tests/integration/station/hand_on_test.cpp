#include "tests/integration/station/hand_on_rig.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <set>

namespace steward::tests::hand_on_test {
namespace {

// How often each number of a unit's lines is in a file.
std::map<std::size_t, int> numbers(const std::filesystem::path& file, const std::string& unit) {
  std::map<std::size_t, int> counts;
  std::ifstream lines(file);
  const auto what = unit + " line ";
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find(what); at != std::string::npos) {
      ++counts[std::strtoul(line.c_str() + at + what.size(), nullptr, 10)];
    }
  }
  return counts;
}

// What of 1 to last is not there; "" where all is.
std::string missing(const std::filesystem::path& file, const std::string& unit, std::size_t last) {
  const auto counts = numbers(file, unit);
  for (std::size_t number = 1; number <= last; ++number) {
    if (counts.count(number) == 0) {
      return unit + " " + std::to_string(number) + " of " + std::to_string(counts.size());
    }
  }
  return "";
}

// All files of a unit's domain, the oldest first, as one text.
std::string all_files(const std::filesystem::path& folder, const std::string& unit) {
  std::map<std::size_t, std::string> full;
  for (const auto& file : std::filesystem::directory_iterator(folder / unit)) {
    const auto name = file.path().filename().string();
    if (name.starts_with("web.log.")) {
      full[std::strtoul(name.c_str() + 8, nullptr, 10)] = text_of(file.path());
    }
  }
  std::string text;
  for (const auto& [number, part] : full) {
    text += part;
  }
  return text + text_of(folder / unit / "web.log");
}

std::string expected(const std::string& unit, std::size_t last) {
  std::string text;
  for (std::size_t number = 1; number <= last; ++number) {
    text += unit + " line " + std::to_string(number) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE(
    "hand-on: a syslog server and files have every line, though station and server are killed") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Rsyslogd rsyslogd(folder.path());
  const auto files = folder.path() / "fleet";
  const auto tables =
      "[logs.plain]\nsyslog = \"127.0.0.1:" + std::to_string(rsyslogd.tcp) + "\"\n" +
      tls_table("secret", rsyslogd.tls, "syslog.example", folder.path() / "server.pem") +
      "[logs.files]\nfolder = \"" + files.string() + "\"\nfile_bytes = 20000\nkeep = 1000\n";
  const std::vector<std::string> arguments{
      "run", "--config", station_config(*server, folder.path(), tables)};
  auto station = std::make_unique<Program>(folder.path(), arguments);
  Asker asker(server->url());
  REQUIRE_MESSAGE(eventually([&asker] { return asker.acts(); }, std::chrono::minutes(1)),
                  station->output());

  constexpr std::size_t kBatch = 20;
  constexpr std::size_t kBatches = 300;
  constexpr std::size_t kLast = kBatch * kBatches;
  Forwarded ships(server->url());
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    ships.say("ship1", batch * kBatch + 1, (batch + 1) * kBatch);
    ships.say("ship2", batch * kBatch + 1, (batch + 1) * kBatch);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (batch % 60 == 30) {
      station->kill9();
      station = std::make_unique<Program>(folder.path(), arguments);
    }
    if (batch == 215) {
      rsyslogd.freeze();  // what its kernel still takes it never reads
    }
    if (batch == 100 || batch == 235) {
      rsyslogd.end(batch == 100 ? SIGTERM : SIGKILL);
      rsyslogd.start();
    }
  }
  ships.flush();
  // What an agent says once more after a kill.
  ships.say("ship1", kLast - 50, kLast);

  for (const auto* unit : {"ship1", "ship2"}) {
    const auto has = [&](const char* out) {
      return eventually([&] { return missing(folder.path() / out, unit, kLast).empty(); },
                        std::chrono::minutes(1),
                        std::chrono::milliseconds(200));
    };
    CHECK_MESSAGE(has("tcp.out"), missing(folder.path() / "tcp.out", unit, kLast));
    CHECK_MESSAGE(has("tls.out"),
                  missing(folder.path() / "tls.out", unit, kLast)
                      << text_of(folder.path() / "rsyslogd.log"));
    CHECK(eventually([&] { return all_files(files, unit).size() >= expected(unit, kLast).size(); },
                     std::chrono::minutes(1)));
    CHECK(all_files(files, unit) == expected(unit, kLast));
  }
  const auto said = text_of(folder.path() / "tls.out");
  CHECK(said.find(R"([steward@32473 unit="ship1" domain="web" source="file:/log" seq="1"])") !=
        std::string::npos);
  // What the station says of it.
  CHECK(eventually(
      [&asker] {
        const auto rows = asker.ask("station");
        return !rows.empty() && rows[0].find(R"("name":"plain")") != std::string::npos &&
               rows[0].find(R"("lag_ms":0)") != std::string::npos;
      },
      std::chrono::seconds(30)));
  station->terminate();
  CHECK(station->wait() == 0);
}

}  // namespace steward::tests::hand_on_test
