// The agent as a service of a real systemd, which starts services anew.

#include "tests/integration/update/rig.hpp"
#include "tests/support/booted_system.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace steward::tests::booted_test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

// From here on this thread, and whatever it starts, has the network of that process; until its end.
class InNetworkOf {
 public:
  explicit InNetworkOf(pid_t pid) : own_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const int other =
        ::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::setns(other, CLONE_NEWNET) == 0);
    ::close(other);
  }

  ~InNetworkOf() {
    ::setns(own_, CLONE_NEWNET);
    ::close(own_);
  }

  InNetworkOf(const InNetworkOf&) = delete;
  InNetworkOf& operator=(const InNetworkOf&) = delete;

 private:
  const int own_;
};

// The lines of a text without those that begin so, and others behind them.
std::string with(const std::string& text, const Words& without, const std::string& more) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool goes = std::any_of(without.begin(), without.end(), [&line](const auto& start) {
      return line.starts_with(start);
    });
    out += goes ? "" : line + "\n";
  }
  return out + more;
}

// The file that our package brings, for this agent.
std::string agent_service(const std::filesystem::path& folder) {
  const auto text = text_of(STEWARD_SOURCE_DIR "/deploy/systemd/steward-edge.service");
  const auto at = text.find("ExecStart=");
  return text.substr(0, at) +
         "ExecStart=" STEWARD_BIN_DIR "/steward-edge run --name ship1 --config " +
         (folder / "edge.toml").string() + " --state-dir " + (folder / "state").string() +
         text.substr(text.find('\n', at));
}

void make(const UpdateUnit& unit, const std::string& version, const std::string& preinst) {
  unit.repository("package main web " + version, "BINARY=/bin/sleep PREINST='" + preinst + "'");
  unit.repository("package main db " + version, "BINARY=/bin/sleep");
  unit.publish();
}

}  // namespace

TEST_CASE("update: a service that runs what was replaced is started anew by systemd, once") {
  const auto system = BootedSystem::start();
  if (!system) {
    return;
  }
  const InNetworkOf network(system->first());
  const auto fleet = UpdateFleet::start("", {});
  if (!fleet) {
    return;
  }
  const UpdateUnit unit(fleet->broker().url(), "ship1", system->shared());
  const auto at = unit.folder();
  make(unit, "1.0", "");
  REQUIRE(unit.apt("install web db") == 0);
  REQUIRE(system->run({"mount", "--bind", (at / "root/opt").string(), "/opt"}).status == 0);
  for (const std::string name : {"web", "db"}) {
    system->add_unit(name + ".service",
                     "[Service]\nExecStart=/bin/sh -c 'echo >>" + (at / name).string() +
                         "; exec /opt/" + name + "/program 1000'\n");
    REQUIRE(system->run({"systemctl", "start", name}).status == 0);
  }
  // As the packages list it.
  const auto program = (at / "root/opt/db/program").string();
  system->add_unit("job.service", "[Service]\nExecStart=" + program + " 1000\n");
  REQUIRE(system->run({"systemctl", "start", "job"}).status == 0);
  std::ofstream(at / "edge.toml.new")
      << with(text_of(at / "edge.toml"), {"systemctl", "boot_id"}, "");
  std::filesystem::rename(at / "edge.toml.new", at / "edge.toml");
  system->add_unit("steward-edge.service", agent_service(at));
  const auto started = system->run({"systemctl", "start", "steward-edge"});
  REQUIRE_MESSAGE(started.status == 0, started.out);
  REQUIRE(eventually([&] { return fleet->is_up("ship1"); }, 60s));

  const auto folder = at.string();
  make(unit,
       "2.0",
       "touch " + folder + "/begun; until [ -e " + folder + "/may ]; do sleep 0.05; done");
  const auto look = fleet->send("ship1", R"({"op":"plan"})");
  REQUIRE(eventually([&] { return !fleet->course(look).result.empty(); }, 60s));
  const auto plan = wire::decode_update_plan(fleet->course(look).result);
  REQUIRE_MESSAGE(plan, fleet->course(look).result);
  CHECK(plan->restarts == Words{"job.service"});  // the others run it by another path
  CHECK(plan->reboot_for.empty());
  const auto other = system->property("db.service", "MainPID");
  const auto id = fleet->send("ship1", R"({"op":"apply","restart_services":["web"]})");
  REQUIRE(eventually([&] { return std::filesystem::exists(at / "begun"); }, 60s));
  // Systemd starts the agent anew in the middle: what it has begun goes on.
  const auto dpkg = unit.pids_of("dpkg");
  const auto agent = system->property("steward-edge.service", "MainPID");
  REQUIRE(!dpkg.empty());
  REQUIRE(system->run({"systemctl", "restart", "steward-edge"}).status == 0);
  CHECK(system->property("steward-edge.service", "MainPID") != agent);
  CHECK(unit.pids_of("dpkg") == dpkg);
  std::ofstream(at / "may").flush();

  REQUIRE(eventually([&] { return fleet->ends(id) > 0; }, 60s));
  REQUIRE(eventually([&] { return !fleet->course(id).result.empty(); }));
  const auto course = fleet->course(id);
  CHECK_MESSAGE(course.state == "done", course.message);
  CHECK(fleet->ends(id) == 1);
  CHECK(unit.version("web") == "2.0");
  CHECK(unit.version("db") == "2.0");
  const auto outcome = wire::decode_update_outcome(course.result);
  REQUIRE(outcome);
  CHECK(outcome->restarted == Words{"web.service"});
  CHECK(outcome->stale == Words{"db.service"});
  CHECK(!outcome->repaired);
  CHECK(text_of(at / "web") == "\n\n");
  CHECK(text_of(at / "db") == "\n");
  CHECK(system->property("web.service", "ActiveState") == "active");
  CHECK(system->property("db.service", "MainPID") == other);
  CHECK(eventually([&unit] { return unit.pids_of("steward-shim").empty(); }));
}

}  // namespace steward::tests::booted_test
