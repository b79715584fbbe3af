// Daemons that are units of systemd, with a real one.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/booted_system.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>

namespace steward::handlers::daemon::systemd_test {

using namespace std::chrono_literals;
using wire::CommandState;
using wire::DaemonState;

// The handler beside a systemd, which it reaches by D-Bus.
struct Beside {
  std::unique_ptr<tests::BootedSystem> system = tests::BootedSystem::start();
  std::unique_ptr<Rig> rig;

  Beside() {
    if (system) {
      rig = std::make_unique<Rig>("systemd_bus = \"" + system->bus() + "\"\njournal = \"" +
                                  system->journal().string() + "\"\n");
    }
  }

  explicit operator bool() const { return rig != nullptr; }

  wire::Ack apply_unit(const std::string& name, const std::string& unit) const {
    return rig->ask(R"({"op":"apply","spec":{"name":")" + name + R"(","mode":"systemd","unit":")" +
                    unit + R"(","restart":{"min_ms":50,"max_ms":200}}})");
  }

  bool systemd_says(const std::string& unit,
                    const std::string& name,
                    const std::string& value) const {
    return rig->until([&] { return system->property(unit, name) == value; });
  }
};

std::string service(const std::string& script, const std::string& more = "") {
  return "[Service]\nExecStart=/bin/sh -c '" + script + "'\n" + more;
}

TEST_CASE("systemd: a unit is started, told with its state, stopped and started anew") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("web.service", service("exec sleep 1000"));
  const auto applied = at.apply_unit("web", "web.service");
  REQUIRE_MESSAGE(applied.state == CommandState::done, applied.message);
  auto row = at.rig->row("web");
  CHECK(row.state == DaemonState::ready);
  CHECK(row.unit == "web.service");
  CHECK(std::to_string(row.pid) == at.system->property("web.service", "MainPID"));

  REQUIRE(at.rig->order("restart", "web").state == CommandState::done);
  CHECK(at.rig->row("web").pid != row.pid);
  REQUIRE(at.rig->order("stop", "web").state == CommandState::done);
  CHECK(at.system->property("web.service", "ActiveState") == "inactive");
  CHECK(at.rig->row("web").state == DaemonState::stopped);
  CHECK(at.rig->heard.states("web") ==
        std::vector<std::string>{
            "starting", "ready", "stopping", "starting", "ready", "stopping", "stopped"});
}

TEST_CASE("systemd: replicas are transient units, or units of a template") {
  Beside at;
  if (!at) {
    return;
  }
  const auto made = at.rig->apply("many", "exec sleep 100%i", R"("mode":"systemd","replicas":2)");
  REQUIRE_MESSAGE(made.state == CommandState::done, made.message);
  CHECK(at.rig->row("many@2").unit == "steward-many@2.service");
  CHECK(at.system->property("steward-many@2.service", "ActiveState") == "active");

  at.system->add_unit("worker@.service", service("exec sleep 200%i"));
  const auto worked = at.rig->ask(
      R"({"op":"apply","spec":{"name":"work","mode":"systemd","unit":"worker@%i.service","replicas":2}})");
  REQUIRE_MESSAGE(worked.state == CommandState::done, worked.message);
  CHECK(at.system->property("worker@2.service", "ActiveState") == "active");
  CHECK(at.rig->order("stop", "work@1").state == CommandState::done);
  CHECK(at.system->property("worker@1.service", "ActiveState") == "inactive");
  CHECK(at.system->property("worker@2.service", "ActiveState") == "active");
}

TEST_CASE("systemd: a unit that ends is started again with our pauses, beyond its start limit") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("bad.service",
                      service("echo last words; exit 7",
                              "Restart=always\nRestartSec=100ms\n[Unit]\n"
                              "StartLimitIntervalSec=100\nStartLimitBurst=3\n"));
  REQUIRE(at.apply_unit("bad", "bad.service").state != CommandState::running);
  // Past the limit systemd starts nothing any more: what comes then is ours.
  REQUIRE(at.rig->until([&] {
    const auto exits = at.rig->heard.exits("bad");
    return std::count_if(exits.begin(), exits.end(), [](const auto& exit) {
             return exit.exit_code == 7;
           }) >= 9;
  }));
  REQUIRE(at.rig->until([&] { return !at.rig->heard.alerts.empty(); }));
  CHECK(at.rig->heard.alerts.front().alerts.front().rule == "daemon_crash_loop");
  CHECK(at.rig->until([&] {
    return at.rig->row("bad").last_exit->last_log.find("last words\n") != std::string::npos;
  }));
}

TEST_CASE("systemd: ends by signal, watchdog and dependency are told as what they are") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("one.service", service("exec sleep 1000"));
  at.system->add_unit("dog.service",
                      "[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=300ms\n"
                      "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n");
  at.system->add_unit("needy.service",
                      service("exec sleep 1000",
                              "[Unit]\nRequires=missing.service\n"
                              "After=missing.service\n"));
  REQUIRE(at.apply_unit("one", "one.service").state == CommandState::done);
  REQUIRE(at.system->run({"systemctl", "kill", "-s", "KILL", "one.service"}).status == 0);
  REQUIRE(at.rig->until([&] { return !at.rig->heard.exits("one").empty(); }));
  CHECK(at.rig->heard.exits("one").front().signal == "KILL");

  REQUIRE(at.apply_unit("dog", "dog.service").state == CommandState::done);
  REQUIRE(at.rig->until([&] { return !at.rig->heard.exits("dog").empty(); }));
  CHECK(at.rig->heard.exits("dog").front().cause == "watchdog");
  CHECK(at.rig->heard.exits("dog").front().signal == "ABRT");

  const auto needy = at.apply_unit("needy", "needy.service");
  CHECK(needy.state == CommandState::failed);
  CHECK_MESSAGE(needy.message.find("missing.service") != std::string::npos, needy.message);
}

TEST_CASE("systemd: units are taken up by the next agent, and what ended meanwhile is told once") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("web.service", service("exec sleep 1000"));
  REQUIRE(at.apply_unit("web", "web.service").state == CommandState::done);
  const auto pid = at.rig->row("web").pid;
  at.rig->crash();
  REQUIRE(at.rig->becomes("web", DaemonState::ready));
  CHECK(at.rig->row("web").pid == pid);
  CHECK(at.rig->heard.exits("web").empty());

  at.rig->away([&] {
    REQUIRE(at.system->run({"systemctl", "kill", "-s", "USR1", "web.service"}).status == 0);
    while (at.system->property("web.service", "ActiveState") != "failed") {
    }
  });
  REQUIRE(at.rig->becomes("web", DaemonState::ready));
  REQUIRE(at.rig->heard.exits("web").size() == 1);
  CHECK(at.rig->heard.exits("web").front().signal == "USR1");
  CHECK(at.rig->row("web").pid != pid);
}

TEST_CASE(
    "systemd: what somebody stops is started again, what somebody starts unwanted is stopped") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("web.service", service("exec sleep 1000"));
  REQUIRE(at.apply_unit("web", "web.service").state == CommandState::done);
  REQUIRE(at.system->run({"systemctl", "stop", "web.service"}).status == 0);
  REQUIRE(at.systemd_says("web.service", "ActiveState", "active"));
  REQUIRE(at.rig->becomes("web", DaemonState::ready));
  REQUIRE(at.rig->order("stop", "web").state == CommandState::done);
  REQUIRE(at.system->run({"systemctl", "start", "web.service"}).status == 0);
  REQUIRE(at.systemd_says("web.service", "ActiveState", "inactive"));
  CHECK(at.rig->becomes("web", DaemonState::stopped));
}

TEST_CASE(
    "systemd: a program becomes a unit of its own, with its limits, and is gone when removed") {
  Beside at;
  if (!at) {
    return;
  }
  const auto applied = at.rig->ask(
      R"({"op":"apply","spec":{"name":"web","mode":"auto","argv":["sh","-c","echo up $A; exec sleep 1000"],
          "env":{"A":"b c"},"cwd":"/tmp","limits":{"nofile":77}}})");
  REQUIRE_MESSAGE(applied.state == CommandState::done, applied.message);
  CHECK(at.rig->row("web").unit == "steward-web.service");
  CHECK(at.system->property("steward-web.service", "LimitNOFILE") == "77");
  CHECK(at.system->property("steward-web.service", "WorkingDirectory") == "/tmp");
  REQUIRE(at.rig->until([&] {
    const auto log = at.rig->order("logs", "web");
    return log.result.find("up b c") != std::string::npos;
  }));
  REQUIRE(at.rig->apply("quick", "exit 0", R"("mode":"auto","restart":{"policy":"never"})").state ==
          CommandState::done);
  CHECK(at.rig->heard.exits("quick").front().exit_code == 0);
  REQUIRE(at.rig->order("remove", "web").state == CommandState::done);
  CHECK(at.systemd_says("steward-web.service", "LoadState", "not-found"));
}

TEST_CASE("systemd: a unit that is no daemon is told by every verb") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("other.service",
                      service("trap : HUP; while :; do sleep 1; done",
                              "ExecReload=/bin/touch /tmp/reloaded\n[Install]\n"
                              "WantedBy=multi-user.target\n"));
  const auto done = [&](const std::string& op) {
    const auto ack = at.rig->order(op, "other.service");
    CHECK_MESSAGE(ack.state == CommandState::done, op << ": " << ack.message);
  };
  done("start");
  CHECK(at.system->property("other.service", "ActiveState") == "active");
  done("reload");
  CHECK(at.system->run({"test", "-e", "/tmp/reloaded"}).status == 0);
  done("freeze");
  CHECK(at.systemd_says("other.service", "FreezerState", "frozen"));
  done("thaw");
  CHECK(at.systemd_says("other.service", "FreezerState", "running"));
  done("enable");
  CHECK(at.system->property("other.service", "UnitFileState") == "enabled");
  done("disable");
  CHECK(at.system->property("other.service", "UnitFileState") == "disabled");
  const auto pid = at.system->property("other.service", "MainPID");
  done("restart");
  CHECK(at.system->property("other.service", "MainPID") != pid);
  CHECK(at.rig->ask(R"({"op":"signal","name":"other.service","signal":"KILL"})").state ==
        CommandState::done);
  CHECK(at.systemd_says("other.service", "ActiveState", "failed"));
  done("reset");
  CHECK(at.systemd_says("other.service", "ActiveState", "inactive"));
  done("start");
  done("stop");
  CHECK(at.system->property("other.service", "ActiveState") == "inactive");

  const auto shown = nlohmann::json::parse(at.rig->order("status", "other.service").result);
  CHECK(shown["properties"]["Id"] == "other.service");
  const auto units = nlohmann::json::parse(at.rig->ask(R"({"op":"units"})").result)["units"];
  CHECK(std::any_of(units.begin(), units.end(), [](const auto& unit) {
    return unit["unit"] == "dbus.socket" && unit["active"] == "active";
  }));
}

TEST_CASE("systemd: a unit that is not there, masked or without a word for it is a clear error") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("plain.service", service("exec sleep 1000"));
  REQUIRE(at.system->run({"systemctl", "mask", "--runtime", "masked.service"}).status == 0);
  CHECK(at.rig->order("start", "missing.service").code == "not_found");
  CHECK(at.rig->order("start", "masked.service").code == "conflict");
  CHECK(at.rig->order("status", "missing.service").code == "not_found");
  CHECK(at.rig->order("reload", "plain.service").state == CommandState::failed);
  CHECK(at.rig->order("enable", "missing.service").code == "not_found");
}

TEST_CASE("systemd: a bus that goes away and a systemd that starts anew change nothing") {
  Beside at;
  if (!at) {
    return;
  }
  at.system->add_unit("web.service", service("exec sleep 1000"));
  REQUIRE(at.apply_unit("web", "web.service").state == CommandState::done);
  const auto pid = at.rig->row("web").pid;
  SUBCASE("systemd executes itself") {
    REQUIRE(at.system->run({"systemctl", "daemon-reexec"}).status == 0);
  }
  SUBCASE("the bus ends") {
    REQUIRE(at.system->run({"systemctl", "kill", "-s", "KILL", "dbus.service"}).status == 0);
    REQUIRE(at.rig->until([&] { return !at.rig->row("web").reason.empty(); }));
    CHECK(at.rig->row("web").state == DaemonState::ready);
    REQUIRE(at.rig->until([&] { return at.rig->row("web").reason.empty(); }));
  }
  CHECK(at.rig->row("web").pid == pid);
  CHECK(at.rig->heard.exits("web").empty());
  // It is followed on.
  REQUIRE(at.system->run({"systemctl", "kill", "-s", "KILL", "web.service"}).status == 0);
  REQUIRE(at.rig->until([&] { return at.rig->heard.exits("web").size() == 1; }));
  CHECK(at.rig->becomes("web", DaemonState::ready));
}

TEST_CASE("systemd: where there is none, a daemon for it says so and is tried again") {
  Rig rig("systemd_bus = \"unix:path=/nonexistent/bus\"\n");
  const auto ack =
      rig.ask(R"({"op":"apply","spec":{"name":"web","mode":"systemd","unit":"web.service"}})");
  CHECK(ack.state == CommandState::failed);
  CHECK(ack.message.find("systemd does not answer") != std::string::npos);
  CHECK(rig.order("start", "other.service").code == "unavailable");
}

}  // namespace steward::handlers::daemon::systemd_test
