#include "tests/handlers/osupdate/processes.hpp"
#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate::apply_test {
namespace {

using wire::CommandState;

std::vector<std::string> names_of(const std::vector<wire::UpdatePackage>& packages) {
  std::vector<std::string> names;
  for (const auto& package : packages) {
    names.push_back(package.name + " " + package.from + ">" + package.to);
  }
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("osupdate: a plan is applied as it was shown") {
  Rig rig;
  rig.upgradable();
  const auto plan = rig.plan();
  CHECK(names_of(plan.packages) == Names{"db 1.0>1.1", "web 1.0>2.0"});
  CHECK(plan.packages[0].security != plan.packages[1].security);
  CHECK(plan.packages[0].origin.find("Debian") == 0);
  CHECK(plan.download_bytes > 1'000);
  CHECK(plan.hash.size() == 64);

  const auto id = rig.send(R"({"op":"apply","plan_hash":")" + plan.hash + "\"}");
  const auto ack = rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  const auto outcome = rig.outcome(ack);
  CHECK(names_of(outcome.packages) == names_of(plan.packages));
  CHECK(outcome.plan_hash == plan.hash);
  CHECK(!outcome.repaired);
  CHECK(!outcome.reboot_required);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.version("db") == "1.1");
  CHECK(rig.heard.phases(id.str()) == Names{"planning", "downloading", "applying"});
  CHECK(!rig.heard.progress.empty());
  CHECK(rig.heard.events.back().type == wire::UpdateEvent::Type::end);

  // Nothing is left to do, and the old plan is none any more.
  CHECK(rig.plan().packages.empty());
  const auto again = rig.ask(R"({"op":"apply","plan_hash":")" + plan.hash + "\"}");
  CHECK(again.code == "conflict");
  CHECK(rig.outcome(rig.ask(R"({"op":"apply"})")).packages.empty());
  const auto history = nlohmann::json::parse(rig.ask(R"({"op":"history","limit":2})").result);
  CHECK(history["runs"].size() == 2);
}

TEST_CASE("osupdate: a look says how much there is, and costs nothing while nothing changes") {
  Rig rig;
  rig.upgradable();
  const auto check = [&rig] {
    return wire::decode_update_summary(rig.ask(R"({"op":"check"})").result).value();
  };
  const auto first = check();
  CHECK(first.updates == 2);
  CHECK(first.security == 1);
  CHECK(!first.reboot_required);
  CHECK(rig.figures["updates"] == 2);
  CHECK(check().checked == first.checked);
  rig.write("run/reboot-required", "");
  CHECK(check().reboot_required);
  CHECK(check().checked == first.checked);
  CHECK(rig.figures["reboot_required"] == 1);
  REQUIRE(rig.apt("install web") == 0);
  CHECK(check().updates == 1);
  CHECK(check().checked > first.checked);
  // A check does not ask how large they are: a list does.
  const auto list = wire::decode_update_plan(rig.ask(R"({"op":"list"})").result);
  REQUIRE(list->packages.size() == 1);
  CHECK(list->packages[0].bytes > 0);
  // Only a change is told.
  int told = 0;
  for (const auto& event : rig.heard.events) {
    told += event.type == wire::UpdateEvent::Type::pending ? 1 : 0;
  }
  CHECK(told == 3);
}

TEST_CASE("osupdate: what is news is told within a second, though nothing follows it") {
  Rig rig;
  rig.upgradable();
  const auto may = (rig.folder() / "may").string();
  rig.make(
      {"web", "3.0", "main", "", "#!/bin/sh\nuntil [ -e " + may + " ]; do sleep 0.05; done\n"});
  rig.publish();
  const auto id = rig.send(R"({"op":"apply"})");
  // apt says that in the same second as all before, and then waits for the script.
  CHECK(rig.until([&rig] {
    return !rig.heard.progress.empty() && rig.heard.progress.back().package == "web" &&
           rig.heard.progress.back().text.starts_with("Configuring");
  }));
  CHECK(!rig.heard.ends.contains(id));
  std::ofstream(may).flush();
  CHECK(rig.end_of(id).state == CommandState::done);
}

TEST_CASE("osupdate: a plan says which services run what it replaces, and what asks for a reboot") {
  const tests::TemporaryFolder proc;
  Rig rig("proc = \"" + proc.path().string() + "\"\n");
  rig.upgradable();
  rig.make({"linux-image-6.1.0-1-amd64", "1.0"});
  rig.make({"bus", "1.0", "main", "", "#!/bin/sh\ntouch $DPKG_ROOT/run/reboot-required\n"});
  rig.publish();
  REQUIRE(rig.apt("install linux-image-6.1.0-1-amd64 bus") == 0);
  rig.make({"linux-image-6.1.0-1-amd64", "1.1"});
  rig.make({"bus", "1.1"});
  rig.publish();
  // As where /lib is a link to /usr/lib: the kernel tells the place behind the link.
  const auto opt = rig.root() / "usr/opt";
  std::filesystem::rename(rig.root() / "opt", opt);
  std::filesystem::create_symlink("usr/opt", rig.root() / "opt");
  const auto process = [&](const std::string& id, const std::string& file, const std::string& of) {
    add_process(proc.path(),
                id,
                "1-2 r-xp 0 08:01 11   " + file + "\n",
                "0::/system.slice/" + of + ".service\n");
  };
  process("10", opt / "web/version", "web");
  process("11", opt / "db/version (deleted)", "old");
  process("12", opt / "other/version", "other");

  const auto plan = rig.plan();
  CHECK(plan.restarts == Names{"old.service", "web.service"});
  CHECK(plan.reboot_for == Names{"bus", "linux-image-6.1.0-1-amd64"});
  // What goes with an update is gone for those who run it, too.
  rig.make({"web", "9.0", "main", "Conflicts: db"});
  rig.publish();
  const auto full = rig.plan(R"("scope":"packages","packages":["web"],"mode":"full")");
  CHECK(full.removed == Names{"db"});
  CHECK(full.restarts == Names{"old.service", "web.service"});
  const auto security = rig.plan(R"("scope":"security")");
  CHECK(security.restarts == Names{"old.service"});
  CHECK(security.reboot_for.empty());
  // What shows the updates that there are is no plan: nothing else is looked at for it.
  CHECK(rig.ask(R"({"op":"list"})").result.find("restarts") == std::string::npos);
}

TEST_CASE("osupdate: a scope takes some of the updates, an exclusion leaves some") {
  Rig rig;
  rig.upgradable();
  CHECK(names_of(rig.plan(R"("scope":"security")").packages) == Names{"db 1.0>1.1"});
  CHECK(names_of(rig.plan(R"("scope":"packages","packages":["web"])").packages) ==
        Names{"web 1.0>2.0"});
  const auto without = rig.plan(R"("exclude":["web"])");
  CHECK(names_of(without.packages) == Names{"db 1.0>1.1"});
  CHECK(rig.ask(R"({"op":"apply","scope":"packages","packages":["nginx"]})").code == "not_found");
  CHECK(rig.ask(R"({"op":"apply","scope":"security"})").state == CommandState::done);
  CHECK(rig.version("db") == "1.1");
  CHECK(rig.version("web") == "1.0");
}

TEST_CASE("osupdate: what is held stays, and is named with what else is kept back") {
  Rig rig;
  rig.upgradable();
  CHECK(rig.ask(R"({"op":"hold","packages":["nginx"]})").code == "not_found");
  CHECK(rig.ask(R"({"op":"hold","packages":["web"]})").result == R"({"held":["web"]})");
  rig.make({"db", "1.2", "main", "Depends: newdep"});
  rig.make({"newdep", "1.0"});
  rig.publish();
  auto plan = rig.plan(R"("allow_new":false)");
  CHECK(plan.packages.empty());
  CHECK(plan.held == Names{"web"});
  std::sort(plan.kept_back.begin(), plan.kept_back.end(), [](const auto& one, const auto& other) {
    return one.name < other.name;
  });
  CHECK(plan.kept_back == std::vector<wire::KeptBack>{{"db", "dependencies"}, {"web", "held"}});
  CHECK(names_of(rig.plan().packages) == Names{"db 1.0>1.2", "newdep >1.0"});
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.version("web") == "1.0");
  // It came for another one, and goes with it; the other was asked for.
  CHECK(rig.file("var/lib/apt/extended_states").find("newdep") != std::string::npos);
  CHECK(rig.file("var/lib/apt/extended_states").find("db") == std::string::npos);
  CHECK(rig.ask(R"({"op":"unhold","packages":["web"]})").result == R"({"held":[]})");
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.version("web") == "2.0");
}

TEST_CASE("osupdate: a file that both have changed is kept, replaced, or stops it") {
  Rig rig;
  rig.make({"web", "1.0", "main", "", "", "", "a=1"});
  rig.publish();
  REQUIRE(rig.apt("install web") == 0);
  rig.write("etc/web.conf", "a=mine\n");
  rig.make({"web", "2.0", "main", "", "", "", "a=2"});
  rig.publish();
  const auto refused = rig.ask(R"({"op":"apply","conffile":"fail"})");
  CHECK(refused.code == "conflict");
  CHECK(refused.message.find("/etc/web.conf") != std::string::npos);
  CHECK(rig.version("web") == "1.0");

  auto outcome = rig.outcome(rig.ask(R"({"op":"apply"})"));
  CHECK(outcome.conffiles == std::vector<wire::ConffileOutcome>{{"/etc/web.conf", true}});
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.file("etc/web.conf") == "a=mine\n");

  rig.make({"web", "3.0", "main", "", "", "", "a=3"});
  rig.publish();
  outcome = rig.outcome(rig.ask(R"({"op":"apply","conffile":"replace"})"));
  CHECK(outcome.conffiles == std::vector<wire::ConffileOutcome>{{"/etc/web.conf", false}});
  CHECK(rig.file("etc/web.conf") == "a=3\n");
}

TEST_CASE("osupdate: nothing is removed unless that is allowed, what is essential never") {
  Rig rig;
  rig.upgradable();
  rig.make({"old", "1.0"});
  rig.make({"init", "1.0", "main", "Essential: yes"});
  rig.publish();
  REQUIRE(rig.apt("install old init") == 0);
  rig.make({"web", "2.5", "main", "Conflicts: old"});
  rig.publish();
  CHECK(rig.plan(R"("mode":"full")").removed == Names{"old"});
  const auto refused = rig.ask(R"({"op":"apply","mode":"full"})");
  CHECK(refused.code == "conflict");
  CHECK(refused.message.find("old") != std::string::npos);
  CHECK(rig.version("old") == "1.0");
  CHECK(rig.version("web") == "1.0");
  const auto outcome = rig.outcome(rig.ask(R"({"op":"apply","mode":"full","allow_remove":true})"));
  CHECK(outcome.removed == Names{"old"});
  CHECK(rig.version("old").empty());
  CHECK(rig.version("web") == "2.5");

  rig.make({"web", "3.0", "main", "Conflicts: init"});
  rig.publish();
  const auto never =
      rig.ask(R"({"op":"apply","scope":"packages","packages":["web"],"allow_remove":true})");
  CHECK_MESSAGE(never.state == CommandState::failed, never.message);
  CHECK(rig.version("init") == "1.0");
  CHECK(rig.version("web") == "2.5");
}

TEST_CASE("osupdate: it is fetched apart from being installed") {
  Rig rig;
  rig.upgradable();
  const auto bytes = rig.plan().download_bytes;
  CHECK(rig.ask(R"({"op":"download","max_download_bytes":10})").code == "too_large");
  CHECK(rig.ask(R"({"op":"download"})").state == CommandState::done);
  CHECK(rig.version("web") == "1.0");
  CHECK(bytes > 0);
  CHECK(rig.plan().download_bytes == 0);
  // No repository is needed any more.
  std::filesystem::remove_all(rig.folder() / "main");
  std::filesystem::remove_all(rig.folder() / "security");
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.version("web") == "2.0");
}

TEST_CASE("osupdate: a run is taken back where the old versions can be had") {
  Rig rig;
  rig.upgradable();
  CHECK(rig.ask(R"({"op":"rollback"})").code == "not_found");
  REQUIRE(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  const auto back = rig.ask(R"({"op":"rollback"})");
  REQUIRE_MESSAGE(back.state == CommandState::done, back.message);
  CHECK(names_of(rig.outcome(back).packages) == Names{"db 1.1>1.0", "web 2.0>1.0"});
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.version("db") == "1.0");
  // Served no more, but still in the folder of archives.
  REQUIRE(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  std::filesystem::remove(rig.folder() / "main/pool/web_1.0_all.deb");
  std::filesystem::remove(rig.folder() / "main/pool/db_1.0_all.deb");
  rig.publish();
  const auto kept = rig.ask(R"({"op":"rollback"})");
  REQUIRE_MESSAGE(kept.state == CommandState::done, kept.message);
  CHECK(rig.version("web") == "1.0");
  // Nowhere.
  REQUIRE(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  REQUIRE(rig.apt("clean") == 0);
  const auto gone = rig.ask(R"({"op":"rollback"})");
  CHECK(gone.code == "not_found");
  CHECK(rig.version("web") == "2.0");
}

}  // namespace
}  // namespace steward::handlers::osupdate::apply_test
