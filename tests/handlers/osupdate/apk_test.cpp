#include "handlers/osupdate/apk.hpp"

#include "handlers/osupdate/machine_files.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

// Recorded from apk-tools 2.14, with packages of its own.

namespace steward::handlers::osupdate::apk_test {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kSimulated =
    "WARNING: This simulation is not reliable as apk-tools upgrade is available.\n"
    "(1/5) Purging db (1.0-r0)\n"
    "(2/5) Upgrading lib-a (1.0-r0 -> 2.1-r0)\n"
    "(3/5) Installing new-dep@edge (0.3_rc1-r2)\n"
    "(4/5) Downgrading web (2.0-r0 -> 1.0-r0)\n"
    "(5/5) Reinstalling same (1.0-r0)\n"
    "OK: 0 MiB in 3 packages\n"
    "Installed:                                Available:\n"
    "lib-a-1.0-r0                            < 2.1-r0 \n"
    "py3-held-1.0-r0                         < 2.0-r0 \n"
    "left-1.0-r0                             < 2.0-r0 \n"
    "stuck-1.0-r0                            < 3.0-r0 @edge\n";

constexpr const char* kDatabase =
    "C:Q1wBgIQViIhi2BFRVcH6qpRjP9h3o=\nP:db\nV:1.0-r0\nA:x86_64\nS:578\nI:4096\nT:for tests\n"
    "o:db\nt:1700000000\nF:opt\nF:opt/db\nR:version\nZ:Q1BM7zDbcgb/hsUJ04db8yF1lorRY=\nF:etc\n"
    "R:db.conf\nZ:Q1sZuvrcTIqXrcTuXkYGCj61QKrEA=\n\n"
    "C:Q19DofIATe42yhl2Qer7N0iZyFdrQ=\nP:lib-a\nV:2.1-r0\nA:x86_64\nf:s\nF:\nR:top\n\n"
    "P:web\nV:1.0-r0\nf:f\n";

TEST_CASE("osupdate: what apk would do is read from its own words") {
  const auto simulation = parse_apk_simulation(kSimulated);
  CHECK(simulation.removed == Names{"db"});
  REQUIRE(simulation.packages.size() == 3);
  CHECK(simulation.packages[0] == wire::UpdatePackage{"lib-a", "1.0-r0", "2.1-r0", "", false, 0});
  CHECK(simulation.packages[1].name == "new-dep");
  CHECK(simulation.packages[1].from.empty());
  CHECK(simulation.packages[1].to == "0.3_rc1-r2");
  CHECK(simulation.packages[2].to == "1.0-r0");
  CHECK(simulation.newer == Names{"lib-a", "py3-held", "left", "stuck"});
  for (const char* odd : {"",
                          "(1/1) Upgrading",
                          "(1/1) Upgrading web",
                          "(1/1) Upgrading web (1",
                          "(0/1) Installing web (1)",
                          "(2/1) Installing web (1)",
                          "(1/1) Upgrading web (1 -> )x",
                          "(x) Installing web (1)"}) {
    INFO(odd);
    CHECK(parse_apk_simulation(odd).packages.empty());
  }
}

TEST_CASE("osupdate: apk's plan says why something stays, and what it costs") {
  const Apk apk("/nonexistent");
  SystemState state;
  state.packages = {{"py3-held", {"1.0-r0", true, false}}, {"left", {"1.0-r0", false, false}}};
  Ask ask;
  ask.choice.exclude = {"left"};
  auto plan = apk.plan(kSimulated, ask, state);
  CHECK(plan.kept_back == std::vector<wire::KeptBack>{{"py3-held", "held"},
                                                      {"left", "excluded"},
                                                      {"stuck", "dependencies"}});
  CHECK(plan.held == Names{"py3-held"});
  CHECK(plan.removed == Names{"db"});
  apk.add_sizes(plan,
                "P:lib-a\nV:2.1-r0\nS:584\nI:8192\n\nP:lib-a\nV:1.0-r0\nS:9\nI:4096\n\n"
                "P:new-dep\nV:0.3_rc1-r2\nS:100\nI:1000\n\n"
                "lib-a policy:\n  1.0-r0:\n    lib/apk/db/installed\n"
                "    http://127.0.0.1:8499/repo\n  2.1-r0:\n    http://127.0.0.1:8499/repo\n"
                "new-dep policy:\n  0.3_rc1-r2:\n    @edge http://127.0.0.1:8499/edge\n");
  CHECK(plan.packages[0].bytes == 584);
  CHECK(plan.packages[0].origin == "http://127.0.0.1:8499/repo");
  CHECK(plan.packages[1].origin == "http://127.0.0.1:8499/edge");
  CHECK(plan.download_bytes == 684);
  CHECK(plan.disk_bytes == 5'096);
}

TEST_CASE("osupdate: what apk has written down") {
  const auto packages = parse_apk_installed(kDatabase);
  REQUIRE(packages.size() == 3);
  CHECK(packages[0].files == Names{"opt/db/version", "etc/db.conf"});
  CHECK(packages[1].files == Names{"top"});
  const auto state = apk_state(packages, "db=1.0-r0\nlib-a>1\nweb\n");
  CHECK(state.packages.at("db").version == "1.0-r0");
  CHECK(state.packages.at("db").held);
  CHECK(!state.packages.at("lib-a").held);
  CHECK(state.broken == Names{"lib-a", "web"});
  CHECK(state.half_unpacked == Names{"web"});
  CHECK(world_entry("db=1.0-r0\nweb@edge\n", "web") == "web@edge");
  CHECK(world_entry("webs\n", "web").empty());
  CHECK(split_apk_name("py3-yaml-5.3.1-r1").name == "py3-yaml");
  CHECK(split_apk_name("py3-yaml-5.3.1-r1").version == "5.3.1-r1");
  for (const char* odd : {"", "-", "-r1", "a-r1", "-1-r1", "a-b-r1", "a-1"}) {
    INFO(odd);
    CHECK(split_apk_name(odd).name.empty());
  }
}

TEST_CASE("osupdate: how far apk is, and what it complains of") {
  const Apk apk("/nonexistent");
  const auto step = apk.progress("(1/4) Upgrading db (1.0-r0 -> 2.0-r0)").value();
  CHECK(step.percent == 25);
  CHECK(step.subject == "db");
  CHECK(step.text == "Upgrading db");
  CHECK(apk.progress("584/2336").value().percent == 25);
  for (const char* odd : {"", "/", "1/0", "2/1", "x/1", "OK: 0 MiB in 3 packages", "(1/4) Odd"}) {
    INFO(odd);
    CHECK(!apk.progress(odd));
  }
  CHECK(apk.complaint("ERROR: db-4.0-r0: No such file or directory") ==
        "db-4.0-r0: No such file or directory");
  CHECK(apk.complaint("WARNING: x").empty());
  CHECK(apk.lost_the_lock("Unable to lock database: temporary error (try again later)"));
  CHECK(apk.plan_error({ErrorCode::exec_failed, "Package 'nosuch' not found"}).code ==
        ErrorCode::not_found);
  CHECK(apk.plan_error({ErrorCode::exec_failed, "unable to select packages:"}).code ==
        ErrorCode::conflict);
  CHECK(apk.refresh_error("http://x: BAD signature").code == ErrorCode::bad_signature);
}

// A system below a folder, with an apk that answers what the real one was recorded to answer.
class ApkRig {
 public:
  ApkRig() {
    for (const char* path :
         {"lib/apk/db", "etc/apk", "var/cache/apk", "bin", "lib/modules/6.6.1"}) {
      std::filesystem::create_directories(folder.path() / path);
    }
    write("lib/apk/db/installed", kDatabase);
    write("etc/apk/world", "db\nweb@edge\n");
  }

  void write(const std::string& path, const std::string& text) const {
    std::ofstream(folder.path() / path) << text;
  }

  std::string read(const std::string& path) const { return whole_text(folder.path() / path); }

  void answer(const std::string& script) const {
    write("bin/apk",
          "#!/bin/sh\necho \"$*\" >>" + (folder.path() / "asked").string() + "\n" + script);
    std::filesystem::permissions(folder.path() / "bin/apk", std::filesystem::perms::owner_all);
  }

  // Its end; what it says on its second stream is in "said".
  int run(const CommandLine& words) const {
    return std::system(("PATH=" + (folder.path() / "bin").string() + ":$PATH " +
                        shell_words(words) + " >/dev/null 2>" + (folder.path() / "said").string() +
                        " 3>&2")
                           .c_str());
  }

  tests::TemporaryFolder folder;
  const Apk apk{folder.path()};
};

wire::UpdatePlan two_packages() {
  wire::UpdatePlan plan;
  plan.packages = {{"lib-a", "1.0-r0", "2.1-r0", "", false, 0},
                   {"new", "", "0.3_rc1-r2", "", false, 0}};
  plan.removed = {"db"};
  return plan;
}

constexpr const char* kAnswer =
    "echo '(1/3) Purging db (1.0-r0)'\necho '(2/3) Upgrading lib-a (1.0-r0 -> 2.1-r0)'\n"
    "echo '(3/3) Installing new@edge (0.3_rc1-r2)'\necho 'OK: 0 MiB in 3 packages'\n";

TEST_CASE("osupdate: apk changes nothing where it would do something else than the plan") {
  const ApkRig rig;
  rig.answer(kAnswer);
  rig.write("var/cache/apk/new-0.3_rc1-r2.da72e9f0.apk", "x");
  CHECK(rig.run(rig.apk.install(two_packages(), {})) == 0);
  CHECK(rig.read("asked").find(" upgrade\n") != std::string::npos);
  CHECK(rig.read("said").find("(2/3) Upgrading lib-a") != std::string::npos);
  CHECK(rig.apk.archive_of("new", "0.3_rc1-r2").empty());  // it was tidied away
  for (const char* other : {"2.1-r0/2.2-r0", "Purging db/Purging web", "new@edge/other"}) {
    INFO(other);
    std::filesystem::remove(rig.folder.path() / "asked");
    std::string answer(kAnswer);
    const std::string change(other);
    const auto slash = change.find('/');
    const auto old = change.substr(0, slash);
    rig.answer(answer.replace(answer.find(old), old.size(), change.substr(slash + 1)));
    CHECK(rig.run(rig.apk.install(two_packages(), {})) != 0);
    CHECK(rig.read("said").find("ERROR: apk would do something else by now: ") == 0);
    const auto asked = rig.read("asked");
    CHECK(std::count(asked.begin(), asked.end(), '\n') == 1);
    CHECK(asked.find("--simulate") != std::string::npos);
  }
  rig.answer("echo 'ERROR: unable to select packages:'\nexit 2\n");
  CHECK(rig.run(rig.apk.install(two_packages(), {})) != 0);
  CHECK(rig.read("said").find("ERROR: unable to select packages:") == 0);
}

TEST_CASE("osupdate: what apk has left out of its downloads is seen") {
  const ApkRig rig;
  rig.answer("exit 0\n");
  rig.write("var/cache/apk/lib-a-2.1-r0.21067bf6.apk", "x");
  CHECK(rig.run(rig.apk.fetch(two_packages(), {})) != 0);
  CHECK(rig.read("said") == "ERROR: new-0.3_rc1-r2 could not be fetched\n");
  rig.write("var/cache/apk/new-0.3_rc1-r2.da72e9f0.apk", "x");
  CHECK(rig.run(rig.apk.fetch(two_packages(), {})) == 0);
  CHECK(rig.read("asked").find("cache download --upgrade --add-dependencies lib-a=2.1-r0 "
                               "new=0.3_rc1-r2\n") != std::string::npos);
  CHECK(rig.apk.archive_of("new", "0.3_rc1-r2").ends_with("new-0.3_rc1-r2.da72e9f0.apk"));
}

TEST_CASE("osupdate: apk holds what the world names, and nothing that it would name by that") {
  const ApkRig rig;
  const auto words = rig.apk.hold({true, {"db"}});
  REQUIRE(words);
  CHECK(words->back() == "db=1.0-r0");
  const auto unnamed = rig.apk.hold({true, {"lib-a"}});
  REQUIRE(!unnamed);
  CHECK(unnamed.error().code == ErrorCode::conflict);
  CHECK(rig.apk.hold({true, {"web"}}).error().message.find("'web@edge'") != std::string::npos);
  rig.write("etc/apk/world", "db=1.0-r0\n");
  CHECK(rig.apk.state().value().packages.at("db").held);
  CHECK(rig.apk.hold({false, {"db"}}).value().back() == "db");
  CHECK(rig.apk.hold({false, {"lib-a"}}).value() == CommandLine{"true"});
}

TEST_CASE("osupdate: another kernel than the one that runs asks for a reboot") {
  const ApkRig rig;
  const auto modules = rig.folder.path() / "lib/modules";
  CHECK(!kernel_is_replaced(modules, "6.6.1"));
  CHECK(kernel_is_replaced(modules, "6.6.0"));
  CHECK(!kernel_is_replaced(rig.folder.path() / "lib/none", "6.6.0"));
}

TEST_CASE("osupdate: who has locked a file is found by its inode") {
  constexpr const char* kLocks =
      "1: FLOCK  ADVISORY  WRITE 30809 fe:00:10182899 0 EOF\n"
      "1: -> FLOCK  ADVISORY  WRITE 30810 fe:00:10182900 0 EOF\n"
      "2: POSIX  ADVISORY  WRITE 712 fe:01:10182900 0 EOF\n";
  CHECK(locker_of(kLocks, "fe:00", 10'182'899) == 30'809);
  CHECK(locker_of(kLocks, "fe:00", 10'182'900) == 0);
  CHECK(locker_of(kLocks, "fe:01", 10'182'900) == 712);
  CHECK(locker_of("", "fe:00", 1) == 0);
}

}  // namespace
}  // namespace steward::handlers::osupdate::apk_test
