#include "handlers/osupdate/dnf_output.hpp"

#include "handlers/osupdate/dnf.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

// Recorded from dnf 4.14 with rpm 4.18; names and versions are of Fedora where that matters.

namespace steward::handlers::osupdate::dnf_output_test {
namespace {

using Names = std::vector<std::string>;

// Two streams in one: what python keeps back comes later.
constexpr const char* kTable = R"(Operation aborted.
Last metadata expiration check: 0:00:01 ago on Mon Nov 23 10:39:10 2026.
Dependencies resolved.

 Problem: cannot install the best update candidate for package web-2.0-1.noarch
  - nothing provides nosuch-thing needed by web-3.0-1.noarch
================================================================================
 Package                                               Arch   Version
                                                                     Repo  Size
================================================================================
Installing:
 db2                                                   noarch 2:1.1-1
                                                                     base 6.2 k
     replacing  db.noarch 1.1-1
 kernel-core                                           x86_64 6.7.7-100.fc38
                                                                     updates
                                                                           16 M
Upgrading:
 a-package-with-quite-a-long-name-for-the-table-of-dnf noarch 2.0-1  base 6.6 k
 glibc                                                 i686   2.38-2 base 312  
 glibc                                                 x86_64 2.38-2 base 312  
Installing dependencies:
 newdep                                                noarch 1.0-1  base 6.2 k
Removing:
 kernel-core                                           x86_64 6.5.6-300.fc38
                                                                     @fedora
                                                                           58 M
Removing dependent packages:
 old-one                                               noarch 1.0-1  @base 6.2 k
Skipping packages with conflicts:
(add '--best --allowerasing' to command line to force their upgrade):
 web                                                   noarch 3.0-1  base 6.2 k
Skipping packages with broken dependencies:
 web                                                   noarch 3.0-1  base 6.2 k

Transaction Summary
================================================================================
Install  3 Packages
Upgrade  3 Packages

Total download size: 25 k
-- advisories --
FEDORA-2026-1 Important/Sec. glibc-2.38-2.x86_64
FEDORA-2026-1 Unknown/Sec.   glibc-common-2.38-2.x86_64
FEDORA-2026-2 bugfix         newdep-1.0-1.noarch
)";

constexpr const char* kInstalled =
    "glibc\t2.38-1\tx86_64\t1795430349\t5000\n"
    "glibc\t2.38-1\ti686\t1795430349\t4000\n"
    "bash\t0:5.2.26-3\tx86_64\t1795430349\t7\n"
    "a-package-with-quite-a-long-name-for-the-table-of-dnf\t1.0-1\tnoarch\t1795430349\t13\n"
    "db\t1.1-1\tnoarch\t1795430350\t13\n"
    "kernel-core\t6.6.1-1.fc38\tx86_64\t1795430351\t100\n"
    "kernel-core\t6.5.6-300.fc38\tx86_64\t1795430340\t100\n"
    "gpg-pubkey\td651ff2e-5dadbbc1\t(none)\t1\t0\n";

Dnf with_installed() {
  return {"/nonexistent", [](const CommandLine&) -> Result<std::string> { return kInstalled; }};
}

TEST_CASE("osupdate: what dnf would do is read from its table, where a row may take three lines") {
  const auto transaction = parse_dnf_transaction(kTable);
  REQUIRE(transaction.rows.size() == 6);
  const auto& kernel = transaction.rows[1];
  CHECK(kernel.name == "kernel-core");
  CHECK(kernel.version == "6.7.7-100.fc38");
  CHECK(kernel.repository == "updates");
  CHECK(kernel.is_new);
  CHECK(transaction.rows[0].version == "2:1.1-1");
  CHECK(!transaction.rows[2].is_new);
  CHECK(transaction.rows[5].name == "newdep");
  REQUIRE(transaction.removed.size() == 3);
  CHECK(transaction.removed[0].name == "db");
  CHECK(transaction.removed[2].name == "old-one");
  CHECK(transaction.skipped.size() == 2);
  CHECK(with_installed().needing_reboot(
            {"glibc.i686", "python3.11", "kernel-uek-core", "dbus", "bash"}) ==
        Names{"glibc.i686", "kernel-uek-core", "dbus"});
  CHECK(transaction.advised == std::set<std::string>{"glibc.x86_64", "glibc-common.x86_64"});
  for (const char* odd : {"",
                          "Upgrading:",
                          "Upgrading:\n web",
                          "Upgrading:\n web noarch 1\n\n",
                          "Installing:\n     replacing  db 1\n",
                          "-- advisories --\nx Sec. y\n"}) {
    INFO(odd);
    CHECK(parse_dnf_transaction(odd).rows.empty());
    CHECK(parse_dnf_transaction(odd).removed.empty());
  }
}

TEST_CASE("osupdate: dnf's plan names another architecture, and keeps older kernels out of it") {
  const auto dnf = with_installed();
  const auto state = dnf.state().value();
  const auto plan = dnf.plan(kTable, {}, state);
  REQUIRE(plan.packages.size() == 6);
  CHECK(plan.packages[1].name == "kernel-core");
  CHECK(plan.packages[1].from.empty());
  CHECK(plan.packages[3].name == "glibc.i686");
  CHECK(plan.packages[3].from == "2.38-1");
  CHECK(!plan.packages[3].security);
  CHECK(plan.packages[4].name == "glibc");
  CHECK(plan.packages[4].security);
  CHECK(plan.packages[4].origin == "base");
  CHECK(plan.removed == Names{"db", "old-one"});
  CHECK(plan.kept_back == std::vector<wire::KeptBack>{{"web", "dependencies"}});
  const auto offered = std::string(kTable) +
                       "-- offered --\nbash 5.2.27-1 x86_64\nbash 5.2.28-1 x86_64\n"
                       "glibc 2.38-2 x86_64\nweb 3.0-1 noarch\nnever-there 1-1 noarch\nodd line\n";
  CHECK(dnf.plan(offered, {}, state).kept_back ==
        std::vector<wire::KeptBack>{{"web", "dependencies"}, {"bash", "excluded"}});
  std::string other(kTable);
  other.replace(other.find("2.38-2"), 6, "2.38-3");
  CHECK(dnf.plan(other, {}, state).hash != plan.hash);
  const auto words = dnf.install(plan, {});
  CHECK(std::find(words.begin(), words.end(), "glibc-2.38-2.i686") != words.end());
  CHECK(std::find(words.begin(), words.end(), "glibc-2.38-2") != words.end());
  CHECK(std::find(words.begin(), words.end(), "-C") != words.end());
}

TEST_CASE("osupdate: dnf's sizes are of what comes, less what goes") {
  const auto dnf = with_installed();
  wire::UpdatePlan plan;
  plan.packages = {{"glibc", "2.38-1", "2.38-2", "base", false, 0},
                   {"glibc.i686", "2.38-1", "2.38-2", "base", false, 0}};
  dnf.add_sizes(plan,
                "glibc 2.38-2 i686 200 4500\nglibc 2.38-2 x86_64 300 5500\nglibc 2.37-1 x86_64 1 "
                "1\nerror\n");
  CHECK(plan.packages[0].bytes == 300);
  CHECK(plan.packages[1].bytes == 200);
  CHECK(plan.download_bytes == 500);
  CHECK(plan.disk_bytes == 1'000);
}

TEST_CASE("osupdate: what rpm has written down") {
  const auto packages = parse_rpm_lines(kInstalled);
  REQUIRE(packages.size() == 7);
  CHECK(packages[2] == RpmPackage{"bash", "5.2.26-3", "x86_64", 1'795'430'349, 7});
  const auto state = rpm_state(packages,
                               "# Added lock on Mon Nov 23 10:39:48 2026\n\ndb-0:1.1-1.*\n"
                               "!bash-0:5.2.26-3.*\nglibc-0:2.38-1.*\nker-0:1-1.*\n");
  CHECK(state.packages.at("glibc.i686").version == "2.38-1");
  CHECK(state.packages.at("glibc.i686").held);
  CHECK(state.packages.at("db").held);
  CHECK(!state.packages.at("bash").held);
  CHECK(state.packages.at("kernel-core").version == "6.6.1-1.fc38");
  CHECK(!state.packages.at("kernel-core").held);
  CHECK(state.is_whole());
  auto twice = packages;
  twice.push_back({"db", "1.2-1", "noarch", 1'795'430'360, 13});
  CHECK(rpm_state(twice, "").broken == Names{"db"});
  CHECK(rpm_state(twice, "").packages.at("db").version == "1.2-1");
  CHECK(rpm_state({}, "").packages.empty());
}

TEST_CASE("osupdate: a name, a version and an architecture are one word to rpm") {
  CHECK(split_nevra("web-0:1.0-1.noarch").version == "1.0-1");
  CHECK(split_nevra("python3.11-libs-2:3.11.6-1.fc39.x86_64").name == "python3.11-libs");
  CHECK(split_nevra("python3.11-libs-2:3.11.6-1.fc39.x86_64").version == "2:3.11.6-1.fc39");
  for (const char* odd :
       {"", ".", "-", "a", "a-b", "a-b.c", "-1-2.x", "a.b-1-2", "--.", "web-1-2"}) {
    INFO(odd);
    CHECK(split_nevra(odd).name.empty());
  }
}

TEST_CASE("osupdate: how far dnf is") {
  const auto line = [](const char* text) { return parse_dnf_line(text).value(); };
  const auto fetched =
      line("(1/4): web-2.0-1.noarch.rpm                      1.1 MB/s | 6.2 kB     00:00    ");
  CHECK(fetched.kind == Progress::Kind::download);
  CHECK(fetched.percent == 25);
  const auto step =
      line("  Upgrading        : web-2.0-1.noarch                                       2/5 ");
  CHECK(step.kind == Progress::Kind::install);
  CHECK(step.percent == 40);
  CHECK(step.subject == "web");
  CHECK(step.text == "Upgrading web-2.0-1.noarch");
  // A long name is cut off.
  CHECK(line("  Installing       : a-package-with-quite-a-long-name-for-the-table-of-dn   3/3 ")
            .subject == "a-package-with-quite-a-long-name-for-the-table-of-dn");
  const auto kept = line("warning: /etc/web.conf created as /etc/web.conf.rpmnew");
  CHECK(kept.kind == Progress::Kind::conffile);
  CHECK(kept.subject == "/etc/web.conf");
  CHECK(kept.kept == true);
  CHECK(line("warning: /etc/web.conf saved as /etc/web.conf.rpmsave").kept == false);
  for (const char* other :
       {"",
        "  Verifying        : web-2.0-1.noarch                                       2/5 ",
        "Total                                           1.8 MB/s |  19 kB     00:00     ",
        "  web-2.0-1.noarch                                                              ",
        "(9/3): x.rpm 1",
        "(1/0): x.rpm 1",
        "  Upgrading : x y",
        "warning: rpmdb: odd",
        "Complete!"}) {
    INFO(other);
    CHECK(!parse_dnf_line(other));
  }
}

TEST_CASE("osupdate: dnf's complaints are told apart") {
  const auto dnf = with_installed();
  CHECK(dnf.complaint("Error: Unable to find a match: web") == "Unable to find a match: web");
  CHECK(dnf.complaint("Operation aborted.").empty());
  CHECK(dnf.lost_the_lock(std::string(dnf.complaint("metadata already locked by 24598"))));
  CHECK(dnf.plan_error({ErrorCode::exec_failed, "Unable to find a match: web"}).code ==
        ErrorCode::not_found);
  CHECK(dnf.plan_error({ErrorCode::exec_failed,
                        "The operation would result in removing the following protected packages: "
                        "systemd"})
            .code == ErrorCode::conflict);
  CHECK(
      dnf.plan_error({ErrorCode::exec_failed, "Cache-only enabled but no cache for 'base'"}).code ==
      ErrorCode::unavailable);
  CHECK(dnf.refresh_error("repomd.xml GPG signature verification error: Bad GPG signature").code ==
        ErrorCode::bad_signature);
  CHECK(dnf.refresh_error("Failed to download metadata for repo 'base'").code ==
        ErrorCode::unavailable);
  CHECK(dnf.changed_files("S.5....T.  c /etc/web.conf\n.......T.  c /etc/a\nS.5....T.    /usr/b\n"
                          "missing   c /etc/gone\n") == Names{"/etc/web.conf"});
}

}  // namespace
}  // namespace steward::handlers::osupdate::dnf_output_test
