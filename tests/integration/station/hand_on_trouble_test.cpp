#include "tests/integration/station/hand_on_rig.hpp"

#include <sys/mount.h>

namespace steward::tests::hand_on_trouble_test {
namespace {

namespace fs = std::filesystem;

// A station with hand-ons of its own.
struct Handing {
  Handing(const NatsServer& server, const fs::path& folder, const std::string& tables)
      : station(folder, {"run", "--config", station_config(server, folder, tables)}),
        asker(server.url()) {
    REQUIRE_MESSAGE(eventually([this] { return asker.acts(); }, std::chrono::minutes(1)),
                    station.output());
  }

  // Whether its row of the station holds that text, before long.
  bool says(const std::string& text) {
    return eventually(
        [&] {
          const auto rows = asker.ask("station");
          return !rows.empty() && rows[0].find(text) != std::string::npos;
        },
        std::chrono::seconds(60));
  }

  Program station;
  Asker asker;
};

}  // namespace

TEST_CASE("hand-on: a server that is not who it should be gets no line, and that is said") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const Rsyslogd rsyslogd(folder.path());
  Handing handing(
      *server,
      folder.path(),
      tls_table("other", rsyslogd.tls, "other.example", folder.path() / "server.pem") +
          // Nobody of this machine's authorities has signed it.
          tls_table(
              "foreign", rsyslogd.tls, "syslog.example", "/etc/ssl/certs/ca-certificates.crt"));
  Forwarded ships(server->url());
  ships.say("ship1", 1, 10);
  ships.flush();
  CHECK(handing.says("hostname mismatch"));
  CHECK(handing.says("self-signed certificate"));
  CHECK(text_of(folder.path() / "tls.out").empty());
}

TEST_CASE("hand-on: where it is to start at the end, only what comes from then on is handed on") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Forwarded ships(server->url());
  const auto tables = [&folder](const char* name, const char* start) {
    return std::string("[logs.") + name + "]\nfolder = \"" + (folder.path() / name).string() +
           "\"\nstart = \"" + start + "\"\n";
  };
  {
    const Handing first(*server, folder.path(), "");  // makes the stream
    ships.say("ship1", 1, 10);
    ships.flush();
  }
  Handing handing(*server, folder.path(), tables("all", "begin") + tables("new", "end"));
  const auto lines = [&folder](const char* name) {
    return text_of(folder.path() / name / "ship1/web.log");
  };
  REQUIRE(handing.says(R"("name":"new")"));
  CHECK(eventually([&] { return lines("all").find("line 10\n") != std::string::npos; }));
  ships.say("ship1", 11, 12);
  ships.flush();
  CHECK(eventually([&] { return lines("new").find("line 12\n") != std::string::npos; }));
  CHECK(lines("new") == "ship1 line 11\nship1 line 12\n");
}

TEST_CASE("hand-on: a full disk below its files costs no line, and is said") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const auto place = folder.path() / "small";
  fs::create_directory(place);
  if (::mount("steward-test", place.c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("skipped: no right to mount here");
    return;
  }
  {
    Handing handing(*server, folder.path(), "[logs.files]\nfolder = \"" + place.string() + "\"\n");
    Forwarded ships(server->url());
    ships.say("ship1", 1, 10);
    ships.flush();
    const auto lines = [&place] { return text_of(place / "ship1/web.log"); };
    REQUIRE(eventually([&] { return lines().find("line 10\n") != std::string::npos; }));
    // All that is left, to the last page.
    CHECK(std::system(
              ("cat /dev/zero > " + (place / "ballast").string() + " 2>/dev/null").c_str()) != 0);
    for (std::size_t first = 11; first < 1'000; first += 10) {
      ships.say("ship1", first, first + 9);
    }
    ships.flush();
    CHECK(handing.says("No space left on device"));
    fs::remove(place / "ballast");
    REQUIRE(eventually([&] { return lines().find("line 1000\n") != std::string::npos; },
                       std::chrono::minutes(1)));
    std::string wanted;
    for (int number = 1; number <= 1'000; ++number) {
      wanted += "ship1 line " + std::to_string(number) + "\n";
    }
    CHECK(lines() == wanted);
  }
  CHECK(::umount2(place.c_str(), MNT_DETACH) == 0);
}

}  // namespace steward::tests::hand_on_trouble_test
