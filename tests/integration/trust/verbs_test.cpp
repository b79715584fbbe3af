// What a person does all day, with signatures on: who may do all may do this, and nobody needs a
// right that `steward init` has not given.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace steward::tests::verbs_test {
namespace {

// A fleet with a unit that has logs to forward, files to be looked at and a daemon to keep, and a
// station that hands logs on.
struct Day {
  explicit Day(Fleet& made) : fleet(made) {
    const auto unit = fleet.path("ship1");
    const auto added = our("steward unit ship1 --cluster-dir " + fleet.made().string() + " --out " +
                           unit.string() + " --broker " + fleet.server().url());
    REQUIRE_MESSAGE(added.exit_code == 0, added.text);
    std::filesystem::create_directory(fleet.path("log"));
    for (int number = 1; number <= 5; ++number) {
      std::ofstream(log(), std::ios::app) << "entry " << number << "\n";
    }
    std::ofstream(unit / "edge.toml", std::ios::app)
        << "\n[syslogforwarding.default]\nfiles = [\"" << log() << "\"]\nbatch_ms = 100\n"
        << "[tail.system]\nfolders = [\"" << fleet.path("log").string() << "\"]\n"
        << "[metrics.system]\ninterval_ms = 500\n";
    std::ofstream(fleet.made() / "station/steward.toml", std::ios::app)
        << "\n[logs.files]\nfolder = \"" << fleet.path("handed-on").string() << "\"\n";
    std::ofstream(fleet.path("web.toml"))
        << "name = \"web\"\nargv = [\"/bin/sh\", \"-c\", \"echo at work; exec sleep 600\"]\n";
    fleet.start_station();
    agent = std::make_unique<Process>("steward-edge", unit / "edge.toml", fleet.path("unit.log"));
    REQUIRE(eventually([&] { return fleet.ctl("units --state up -o name").text == "ship1\n"; }));
  }

  std::string log() const { return fleet.path("log/app.log").string(); }

  // Whether the verb ends well and says that, now or before long.
  bool does(const std::string& verb, const std::string& says) {
    return eventually([&] {
      last = fleet.ctl(verb + " 2>&1");
      return last.exit_code == 0 && last.text.find(says) != std::string::npos;
    });
  }

  Fleet& fleet;
  std::unique_ptr<Process> agent;
  identity::tests::Said last;
};

}  // namespace

TEST_CASE("trust: a day's work on a signed cluster needs no right that was not given") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  Day day(*fleet);

  struct Step {
    std::string verb;
    std::string says;
  };

  for (const auto& [verb, says] : std::initializer_list<Step>{
           {"ping ship1", "ship1"},
           {"facts ship1 os", "Debian"},
           {"label ship1 site=north", "north"},
           {"run 'site=north' --wait 60s -- echo carried out", "carried out"},
           {"group set northern ship1", ""},
           {"run @northern --wait 60s -- echo again", "again"},
           {"metrics ship1", "node_load1"},
           {"logs ship1 --grep 'entry 3'", "entry 3"},
           {"tail ship1 " + day.log() + " --no-follow -n 2", "entry 5"},
           {"daemons apply ship1 " + fleet->path("web.toml").string(), "web"},
           {"daemons ls ship1", "ready"},
           {"daemons logs ship1 web", "at work"},
           {"run ship1 --detach --no-wait -- /bin/true", ""},
           {"run --all --batch 1 -- /bin/echo rolled", "done 1"},
           {"rollout ls", "done"},
           {"update status ship1", "ship1"},
           {"alerts ls", ""},
           {"events", "ship1"},
           {"jobs ls", "done"},
           {"daemons rm ship1 web --yes", "web"},
       }) {
    CAPTURE(verb);
    CHECK_MESSAGE(day.does(verb, says),
                  day.last.text << identity::tests::contents(fleet->path("unit.log")));
  }
  const auto handed_on = fleet->path("handed-on/ship1/default.log");
  CHECK(eventually([&] {
    return std::filesystem::exists(handed_on) &&
           identity::tests::contents(handed_on).find("entry 5") != std::string::npos;
  }));
  const auto log = fleet->server().log();
  CHECK_MESSAGE(log.find("Violation") == std::string::npos, log);
}

}  // namespace steward::tests::verbs_test
