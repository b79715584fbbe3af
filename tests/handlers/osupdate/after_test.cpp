// What comes before and behind an update: its window, services, the reboot, the unit's health.

#include "tests/handlers/osupdate/processes.hpp"
#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace steward::handlers::osupdate::after_test {
namespace {

using wire::CommandState;
using Words = std::vector<std::string>;

constexpr const char* kNextLeapDay = R"("window":{"cron":"0 0 29 2 *","duration_ms":60000})";

// What stands for a machine: the file that names its boot, its processes, and who is told to
// reboot it or to start services anew, which writes down what it is told.
struct Machine {
  Machine() {
    write("boot", "one\n");
    std::filesystem::create_directories(folder.path() / "proc");
  }

  std::string options(const std::string& then = "true") const {
    const auto at = folder.path().string();
    return "check_ms = 0\nsystemctl = [\"sh\", \"-c\", \"echo $* >> " + at + "/told; " + then +
           "\", \"sh\"]\nboot_id = \"" + at + "/boot\"\nproc = \"" + at + "/proc\"\n";
  }

  std::string told() const {
    std::ostringstream text;
    text << std::ifstream(folder.path() / "told").rdbuf();
    return text.str();
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << text;
  }

  void run_replaced(const std::string& pid, const std::string& service) const {
    add_process(folder.path() / "proc",
                pid,
                "1000-2000 r-xp 00000000 08:01 11   /usr/lib/a.so (deleted)\n",
                "0::/system.slice/" + service + "\n");
  }

  tests::TemporaryFolder folder;
};

bool comes_to(Rig& rig, const wire::MessageId& id, const std::string& phase) {
  return rig.until([&] {
    const auto phases = rig.heard.phases(id.str());
    return std::find(phases.begin(), phases.end(), phase) != phases.end();
  });
}

}  // namespace

TEST_CASE("osupdate: outside of its window an update is fetched, and nothing is changed") {
  Rig rig;
  rig.upgradable();
  const auto id = rig.send(R"({"op":"apply",)" + std::string(kNextLeapDay) + "}");
  REQUIRE(comes_to(rig, id, "waiting_window"));
  CHECK(rig.heard.phases(id.str()) == Words{"planning", "downloading", "waiting_window"});
  const auto status = nlohmann::json::parse(rig.ask(R"({"op":"status"})").result);
  CHECK(status["run"]["waits_for"].get<std::string>().find("-02-29T00:00") != std::string::npos);
  // It may be years: agents come and go meanwhile.
  for (int times = 0; times < 7; ++times) {
    const auto told = rig.heard.events.size();
    rig.crash();
    REQUIRE(rig.until([&] {
      return rig.heard.events.size() > told &&
             rig.heard.events.back().phase == wire::UpdatePhase::waiting_window;
    }));
  }
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.cancel(id) == runtime::CancelOutcome::cancelled);
  CHECK(rig.end_of(id).state == CommandState::cancelled);

  const auto done = rig.ask(R"({"op":"apply","window":{"cron":"* * * * *"}})");
  CHECK_MESSAGE(done.state == CommandState::done, done.message);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.ask(R"({"op":"apply","window":{"cron":"* * *"}})").code == "bad_payload");
}

TEST_CASE("osupdate: a reboot that is needed is made, and the end is told behind it") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  rig.write("run/reboot-required", "");
  const auto id = rig.send(
      R"({"op":"apply","reboot":{"policy":"if_required","delay_ms":10},"health":{"argv":["true"]}})");
  REQUIRE(comes_to(rig, id, "rebooting"));
  REQUIRE(rig.until([&] { return machine.told() == "reboot\n"; }));
  // An agent that is only started anew has seen no reboot.
  rig.crash();
  CHECK(!rig.heard.ends.contains(id));
  machine.write("boot", "two\n");
  std::filesystem::remove(rig.root() / "run/reboot-required");
  rig.crash();
  const auto ack = rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  const auto outcome = rig.outcome(ack);
  CHECK(outcome.rebooted);
  CHECK(!outcome.kernel_after.empty());
  CHECK(!outcome.reboot_required);
  CHECK(outcome.packages.size() == 2);
  CHECK(machine.told() == "reboot\n");
  CHECK(rig.heard.phases(id.str()) ==
        Words{"planning", "downloading", "applying", "reboot_pending", "rebooting", "verifying"});
}

TEST_CASE("osupdate: no reboot where none is needed; one that fails is told") {
  const Machine machine;
  Rig rig(machine.options("exit 3"));
  rig.upgradable();
  CHECK(rig.ask(R"({"op":"apply","reboot":{"policy":"if_required"}})").state == CommandState::done);
  CHECK(machine.told().empty());
  const auto failed = rig.ask(R"({"op":"reboot","reboot":{"delay_ms":0}})");
  CHECK(failed.state == CommandState::failed);
  CHECK(failed.code == "exec_failed");
  CHECK(failed.message.find("it cannot be rebooted") == 0);
  CHECK(machine.told() == "reboot\n");
}

TEST_CASE("osupdate: a reboot that waits can be cancelled, and what was installed stays told") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  const auto update = rig.send(R"({"op":"apply","reboot":{"policy":"always"}})");
  REQUIRE(comes_to(rig, update, "reboot_pending"));
  CHECK(rig.cancel(update) == runtime::CancelOutcome::cancelled);
  const auto ack = rig.end_of(update);
  CHECK(ack.state == CommandState::done);
  CHECK(rig.outcome(ack).packages.size() == 2);
  CHECK(rig.outcome(ack).message == "its reboot was cancelled");
  const auto alone = rig.send(R"({"op":"reboot"})");
  REQUIRE(comes_to(rig, alone, "reboot_pending"));
  rig.crash();  // it is still to come
  REQUIRE(rig.until([&] { return rig.heard.phases(alone.str()).size() >= 1; }));
  CHECK(rig.cancel(alone) == runtime::CancelOutcome::cancelled);
  CHECK(rig.end_of(alone).state == CommandState::cancelled);
  CHECK(machine.told().empty());
}

TEST_CASE("osupdate: with a lease it reboots only when that run is granted, whatever agents come") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  const auto grant = [&rig](const std::string& run) {
    return rig.ask(R"({"op":"grant","run":")" + run + "\"}");
  };
  const auto id =
      rig.send(R"({"op":"apply","reboot":{"policy":"always","delay_ms":10,"lease":true}})");
  REQUIRE(comes_to(rig, id, "lease_wait"));
  const auto status = nlohmann::json::parse(rig.ask(R"({"op":"status"})").result);
  CHECK(status["run"]["waits_for"] == "the station's lease for its reboot");
  const auto told = rig.heard.events.size();
  rig.crash();
  // It is told anew, without the phases before.
  REQUIRE(rig.until([&] { return rig.heard.events.size() > told; }));
  CHECK(rig.heard.events.back().phase == wire::UpdatePhase::lease_wait);
  const auto other = grant("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  CHECK(other.code == "not_found");
  CHECK(other.message == "no run 01ARZ3NDEKTSV4RRFFQ69G5FAV is under way");
  CHECK(machine.told().empty());

  CHECK(grant(id.str()).state == CommandState::done);
  REQUIRE(comes_to(rig, id, "rebooting"));
  CHECK(grant(id.str()).state == CommandState::done);
  REQUIRE(rig.until([&] { return !machine.told().empty(); }));
  machine.write("boot", "two\n");
  rig.crash();
  const auto ack = rig.end_of(id);
  CHECK_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.outcome(ack).rebooted);
  CHECK(machine.told() == "reboot\n");
  CHECK(grant(id.str()).code == "not_found");
  CHECK(rig.heard.phases(id.str()) == Words{"planning",
                                            "downloading",
                                            "applying",
                                            "reboot_pending",
                                            "lease_wait",
                                            "rebooting",
                                            "verifying"});
}

TEST_CASE("osupdate: a run that waits for its lease can be cancelled, and takes no grant before") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  const auto early = rig.send(R"({"op":"reboot","reboot":{"lease":true}})");
  REQUIRE(comes_to(rig, early, "reboot_pending"));
  const auto refused = rig.ask(R"({"op":"grant","run":")" + early.str() + "\"}");
  CHECK(refused.code == "conflict");
  CHECK(refused.message == "it waits for no lease: it is at reboot_pending");
  CHECK(rig.cancel(early) == runtime::CancelOutcome::cancelled);
  const auto id =
      rig.send(R"({"op":"apply","reboot":{"policy":"always","delay_ms":0,"lease":true}})");
  REQUIRE(comes_to(rig, id, "lease_wait"));
  CHECK(rig.cancel(id) == runtime::CancelOutcome::cancelled);
  const auto ack = rig.end_of(id);
  CHECK(ack.state == CommandState::done);
  CHECK(rig.outcome(ack).message == "its reboot was cancelled");
  CHECK(machine.told().empty());
}

TEST_CASE(
    "osupdate: a machine that was rebooted while it waited for its lease has had its reboot") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  const auto id = rig.send(R"({"op":"reboot","reboot":{"delay_ms":0,"lease":true}})");
  REQUIRE(comes_to(rig, id, "lease_wait"));
  machine.write("boot", "two\n");
  rig.crash();
  const auto ack = rig.end_of(id);
  CHECK(ack.state == CommandState::done);
  CHECK(rig.outcome(ack).rebooted);
  CHECK(machine.told().empty());
}

TEST_CASE("osupdate: a unit that is not well behind it has failed, with what was installed") {
  const Machine machine;
  Rig rig(machine.options());
  rig.upgradable();
  const auto ack = rig.ask(
      R"({"op":"apply","health":{"argv":["sh","-c","echo no link >&2; exit 1"],"timeout_ms":100}})");
  CHECK(ack.state == CommandState::failed);
  CHECK_MESSAGE(ack.message.find("the unit is not well") == 0, ack.message);
  CHECK(rig.outcome(ack).packages.size() == 2);
  CHECK(rig.version("web") == "2.0");
}

TEST_CASE("osupdate: services that run what was replaced are started anew where that is allowed") {
  const Machine machine;
  machine.run_replaced("10", "web.service");
  machine.run_replaced("11", "web@2.service");
  machine.run_replaced("12", "ssh.service");
  const auto proc = (machine.folder.path() / "proc").string();
  Rig rig(machine.options("rm -r " + proc + "/10 " + proc + "/11"));
  rig.upgradable();
  const auto ack = rig.ask(R"({"op":"apply","restart_services":["web","web@*"]})");
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(machine.told() == "try-restart -- web.service web@2.service\n");
  CHECK(rig.outcome(ack).restarted == Words{"web.service", "web@2.service"});
  CHECK(rig.outcome(ack).stale == Words{"ssh.service"});
}

}  // namespace steward::handlers::osupdate::after_test
