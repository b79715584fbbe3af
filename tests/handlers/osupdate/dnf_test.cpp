#include "handlers/osupdate/dnf.hpp"

#include "tests/handlers/osupdate/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>

// The handler with the real dnf and rpm, on a system of its own.

namespace steward::handlers::osupdate::dnf_test {
namespace {

using Names = std::vector<std::string>;
using KeptBack = std::vector<wire::KeptBack>;
using State = wire::CommandState;

class DnfRig {
 public:
  DnfRig() : rig("driver = \"dnf\"\ncheck_ms = 0\n") { run("make"); }

  void run(const std::string& words, const std::string& environment = "") const {
    const auto line = environment +
                      " " STEWARD_SOURCE_DIR "/tests/handlers/osupdate/rpm_repository.sh " +
                      rig.folder().string() + " " + words + " >/dev/null 2>&1";
    INFO(line);
    REQUIRE(std::system(line.c_str()) == 0);
  }

  // web and db, 1.0, are installed; web 2.0, which needs lib, and db 1.1 are offered.
  void upgradable() const {
    run("package base web 1.0");
    run("package base db 1.0");
    run("publish");
    run("dnf install web db");
    run("package base lib 1.0");
    run("package base web 2.0", "REQUIRES=lib");
    run("package security db 1.1");
    run("publish");
  }

  std::string version(const std::string& package) {
    const auto state = Dnf(rig.root(), ask()).state();
    REQUIRE(state);
    const auto at = state->packages.find(package);
    return at == state->packages.end() ? "" : at->second.version;
  }

  // Another loop than the rig's, for a moment.
  Dnf::Asker ask() {
    return [](const CommandLine& words) -> Result<std::string> {
      runtime::Loop loop;
      runtime::Processes processes(loop);
      return rpm_asker(processes)(words);
    };
  }

  Rig rig;
};

TEST_CASE("osupdate: dnf's plan has its versions, repositories, sizes and what is for security") {
  DnfRig dnf;
  dnf.upgradable();
  const auto unread = dnf.rig.ask(R"({"op":"check","refresh":true})");
  REQUIRE_MESSAGE(unread.state == State::done, unread.message);
  CHECK(unread.result.find(R"("security":1)") != std::string::npos);
  CHECK(unread.result.find(R"("updates":3)") != std::string::npos);
  const auto plan = dnf.rig.plan();
  REQUIRE(plan.packages.size() == 3);
  CHECK(plan.packages[0].name == "db");
  CHECK(plan.packages[0].from == "1.0-1");
  CHECK(plan.packages[0].to == "1.1-1");
  CHECK(plan.packages[0].origin == "security");
  CHECK(plan.packages[0].security);
  CHECK(plan.packages[0].bytes > 1'000);
  CHECK(plan.packages[1].name == "web");
  CHECK(!plan.packages[1].security);
  CHECK(plan.packages[2].name == "lib");
  CHECK(plan.packages[2].from.empty());
  CHECK(plan.download_bytes > 3'000);
  CHECK(plan.disk_bytes > 0);
  const auto security = dnf.rig.plan(R"("scope":"security")");
  REQUIRE(security.packages.size() == 1);
  CHECK(security.packages[0].name == "db");
  CHECK(plan.kept_back.empty());
  CHECK(security.kept_back.empty());
  const auto without = dnf.rig.plan(R"("exclude":["db"])");
  CHECK(without.packages.size() == 2);
  CHECK(without.kept_back == KeptBack{{"db", "excluded"}});
  const auto configuration = dnf.rig.file("etc/dnf/dnf.conf");
  dnf.rig.write("etc/dnf/dnf.conf", configuration + "\nexcludepkgs=db\n");
  CHECK(dnf.rig.plan().kept_back == KeptBack{{"db", "excluded"}});
  dnf.rig.write("etc/dnf/dnf.conf", configuration);
  CHECK(dnf.rig.plan(R"("scope":"packages","packages":["db=1.1-1"])").packages.size() == 1);
  const auto ack = dnf.rig.ask(R"({"op":"plan","scope":"packages","packages":["db=9-1"]})");
  CHECK(ack.code == "not_found");
}

TEST_CASE("osupdate: dnf installs its plan, leaves marks as they were, and goes back") {
  DnfRig dnf;
  dnf.upgradable();
  REQUIRE(dnf.rig.ask(R"({"op":"check","refresh":true})").state == State::done);
  const auto plan = dnf.rig.plan();
  dnf.rig.write("etc/web.conf", "mine\n");
  const auto refused =
      dnf.rig.ask(R"({"op":"apply","conffile":"fail","plan_hash":")" + plan.hash + "\"}");
  CHECK(refused.code == "conflict");
  CHECK(refused.message == "changed here: /etc/web.conf");
  const auto id = dnf.rig.send(R"({"op":"apply","plan_hash":")" + plan.hash + "\"}");
  const auto ack = dnf.rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == State::done, ack.message << ack.result);
  const auto outcome = dnf.rig.outcome(ack);
  CHECK(outcome.packages.size() == 3);
  CHECK(outcome.conffiles == std::vector<wire::ConffileOutcome>{{"/etc/web.conf", true}});
  CHECK(dnf.version("web") == "2.0-1");
  CHECK(dnf.version("lib") == "1.0-1");
  CHECK(dnf.rig.file("etc/web.conf") == "mine\n");
  CHECK(std::any_of(dnf.rig.heard.progress.begin(),
                    dnf.rig.heard.progress.end(),
                    [](const auto& event) { return event.percent > 0; }));
  // What came with it goes with it.
  dnf.run("dnf -C remove web");
  CHECK(dnf.version("lib").empty());
  dnf.run("dnf install web-2.0");
  const auto back = dnf.rig.ask(R"({"op":"rollback"})");
  REQUIRE_MESSAGE(back.state == State::done, back.message << back.result);
  CHECK(dnf.version("web") == "1.0-1");
  CHECK(dnf.version("db") == "1.0-1");
}

TEST_CASE("osupdate: what dnf was cut off in is brought to its end") {
  DnfRig dnf;
  dnf.run("package base web 1.0");
  dnf.run("publish");
  dnf.run("dnf install web");
  dnf.run("package base web 2.0", R"(LUA='io.open("/opt/web/here", "w"):close() posix.sleep(4)')");
  dnf.run("publish");
  REQUIRE(dnf.rig.ask(R"({"op":"check","refresh":true})").state == State::done);
  const auto id = dnf.rig.send(R"({"op":"apply"})");
  const auto here = dnf.rig.root() / "opt/web/here";
  REQUIRE(dnf.rig.until([&] { return std::filesystem::exists(here); }));
  REQUIRE(dnf.rig.kill_all("dnf-3") > 0);
  CHECK(Dnf(dnf.rig.root(), dnf.ask()).state().value().broken == Names{"web"});
  const auto ack = dnf.rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == State::done, ack.message << ack.result);
  CHECK(dnf.rig.outcome(ack).repaired);
  CHECK(Dnf(dnf.rig.root(), dnf.ask()).state().value().is_whole());
  CHECK(dnf.version("web") == "2.0-1");
}

// All is written down by then: that nothing is half installed does not say that nothing runs.
TEST_CASE("osupdate: a script that a killed dnf has left running is waited for") {
  DnfRig dnf;
  dnf.run("package base web 1.0");
  dnf.run("publish");
  dnf.run("dnf install web");
  dnf.run("package base web 2.0",
          R"(LAST='if posix.fork() == 0 then
                     posix.sleep(3) io.open("/opt/web/end", "w"):close() os.exit(0)
                   end
                   io.open("/opt/web/here", "w"):close() posix.wait()')");
  dnf.run("publish");
  REQUIRE(dnf.rig.ask(R"({"op":"check","refresh":true})").state == State::done);
  const auto id = dnf.rig.send(R"({"op":"apply"})");
  const auto here = dnf.rig.root() / "opt/web/here";
  REQUIRE(dnf.rig.until([&] { return std::filesystem::exists(here); }));
  const auto pids = dnf.rig.pids_of("dnf-3");
  REQUIRE(pids.size() > 1);
  tests::send_signal(*std::min_element(pids.begin(), pids.end()), SIGKILL);
  const auto ack = dnf.rig.end_of(id);
  CHECK(std::filesystem::exists(dnf.rig.root() / "opt/web/end"));
  REQUIRE_MESSAGE(ack.state == State::done, ack.message << ack.result);
  CHECK(dnf.version("web") == "2.0-1");
}

TEST_CASE("osupdate: dnf holds packages by its plugin, and refuses what it cannot do") {
  DnfRig dnf;
  dnf.upgradable();
  REQUIRE(dnf.rig.ask(R"({"op":"check","refresh":true})").state == State::done);
  auto ack = dnf.rig.ask(R"({"op":"hold","packages":["db"]})");
  REQUIRE_MESSAGE(ack.state == State::done, ack.message);
  CHECK(ack.result == R"({"held":["db"]})");
  const auto plan = dnf.rig.plan();
  CHECK(plan.held == Names{"db"});
  CHECK(plan.packages.size() == 2);
  CHECK(plan.kept_back == KeptBack{{"db", "held"}});
  CHECK(dnf.rig.plan(R"("scope":"security")").kept_back == KeptBack{{"db", "held"}});
  CHECK(dnf.rig.plan(R"("scope":"packages","packages":["web"])").kept_back.empty());
  ack = dnf.rig.ask(R"({"op":"unhold","packages":["db"]})");
  CHECK(ack.result == R"({"held":[]})");
  for (const char* asked :
       {R"({"op":"plan","allow_new":false})", R"({"op":"apply","conffile":"replace"})"}) {
    ack = dnf.rig.ask(asked);
    CHECK(ack.state == State::refused);
    CHECK(ack.code == "unsupported");
  }
  CHECK(ack.message.find("dnf, which brings this unit its updates, cannot do conffile=replace: ") ==
        0);
  std::filesystem::remove(dnf.rig.root() / "etc/dnf/plugins/versionlock.conf");
  ack = dnf.rig.ask(R"({"op":"hold","packages":["db"]})");
  CHECK(ack.code == "unsupported");
  CHECK(ack.message.find("versionlock") != std::string::npos);
}

}  // namespace
}  // namespace steward::handlers::osupdate::dnf_test
