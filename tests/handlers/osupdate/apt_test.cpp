#include "handlers/osupdate/apt.hpp"

#include "handlers/osupdate/apt_output.hpp"
#include "handlers/osupdate/dpkg_state.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate::apt_test {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kSimulated =
    "Reading package lists...\n"
    "The following packages have been kept back:\n"
    "  held-one deep-one\n"
    "The following upgrades have been deferred due to phasing:\n"
    "  slow-one\n"
    "Remv init [1.0]\n"
    "Inst bash [5.2-1] (5.2-2 Debian:12.5/stable, Debian-Security:12/stable-security [amd64]) []\n"
    "Inst libc6:i386 [2.36-1] (2.36-2 Debian:12.5/stable [i386])\n"
    "Inst new-one (1:2.0~rc1 Other Label:now [all])\n"
    "Conf bash (5.2-2 Debian:12.5/stable [amd64])\n";

TEST_CASE("osupdate: what apt would do is read from its own words") {
  const auto simulation = parse_simulation(kSimulated);
  CHECK(simulation.kept_back == Names{"held-one", "deep-one"});
  CHECK(simulation.phased == Names{"slow-one"});
  CHECK(simulation.removed == Names{"init"});
  REQUIRE(simulation.packages.size() == 3);
  CHECK(simulation.packages[0] ==
        wire::UpdatePackage{"bash",
                            "5.2-1",
                            "5.2-2",
                            "Debian:12.5/stable, Debian-Security:12/stable-security",
                            true,
                            0});
  CHECK(simulation.packages[1].name == "libc6:i386");
  CHECK(!simulation.packages[1].security);
  CHECK(simulation.packages[2].from.empty());
  CHECK(simulation.packages[2].to == "1:2.0~rc1");
  for (const char* odd :
       {"Inst", "Inst ", "Inst a", "Inst a [", "Inst a [1] (", "Inst a )(", "Remv"}) {
    INFO(odd);
    CHECK(parse_simulation(odd).packages.empty());
  }
}

TEST_CASE("osupdate: a plan has its reasons, and a hash of all that it changes") {
  const Apt apt({"", "/nonexistent", "dpkg"});
  SystemState state;
  state.packages = {{"init", {"1.0", false, true}}, {"held-one", {"1.0", true, false}}};
  Ask ask;
  ask.choice.exclude = {"deep-one"};
  const auto plan = apt.plan(kSimulated, ask, state);
  CHECK(plan.kept_back == std::vector<wire::KeptBack>{{"held-one", "held"},
                                                      {"deep-one", "excluded"},
                                                      {"slow-one", "phased"}});
  CHECK(plan.essential == Names{"init"});
  CHECK(plan.held == Names{"held-one"});
  std::string other(kSimulated);
  other.replace(other.find("5.2-2"), 5, "5.2-3");
  CHECK(apt.plan(other, ask, state).hash != plan.hash);
  other = kSimulated;
  other.erase(other.find("Remv"), 16);
  CHECK(apt.plan(other, ask, state).hash != plan.hash);
  CHECK(apt.plan(kSimulated, {}, {}).hash == plan.hash);
}

TEST_CASE("osupdate: how far apt is") {
  auto line = parse_status_line("pmstatus:libc6:i386:44.5:Configuring libc6: now").value();
  CHECK(line.kind == Progress::Kind::install);
  CHECK(line.subject == "libc6:i386");
  CHECK(line.percent == 44.5);
  CHECK(line.text == "Configuring libc6: now");
  line = parse_status_line("pmconffile:/etc/x:66.6:'/etc/x' '/etc/x.dpkg-new' 1 1 ").value();
  CHECK(line.kind == Progress::Kind::conffile);
  CHECK(line.subject == "/etc/x");
  CHECK(parse_status_line("dlstatus:1:250:Retrieving").value().percent == 100);
  for (const char* odd : {"", "E: no", "pmstatus:", "pmstatus:a", "pmstatus:a:b:c", "pmstatus"}) {
    INFO(odd);
    CHECK(!parse_status_line(odd));
  }
}

TEST_CASE("osupdate: what dpkg has written down") {
  const auto state = parse_dpkg_status(
      "Package: bash\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\n"
      "Version: 5.2\nDescription: shell\n Version: 9\n\n"
      "Package: libc6\nStatus: hold ok installed\nArchitecture: i386\nVersion: 2\n\n"
      "Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 3\n\n"
      "Package: half\nStatus: install ok half-configured\nArchitecture: all\nVersion: 4\n\n"
      "Package: again\nStatus: install reinstreq installed\nArchitecture: all\nVersion: 5\n");
  CHECK(state.packages.size() == 5);
  CHECK(state.packages.at("bash").version == "5.2");
  CHECK(state.packages.at("bash").essential);
  CHECK(state.packages.at("libc6:i386").held);
  CHECK(!state.packages.contains("gone"));
  CHECK(state.broken == Names{"half", "again"});
  CHECK(state.half_unpacked == Names{"again"});
  CHECK(!state.is_whole());
  CHECK(parse_dpkg_status("").is_whole());
}

TEST_CASE(
    "osupdate: dpkg's notes on a package are found, with an architecture behind its name or not") {
  const tests::TemporaryFolder root;
  const auto info = root.path() / "var/lib/dpkg/info";
  std::filesystem::create_directories(info);
  const auto note = [&info](const char* name, const char* text) {
    std::ofstream(info / name) << text;
  };
  note("libx1:amd64.list", "/.\n/usr/lib/libx.so.1\n");
  note("libx1:i386.list", "/lib/i386/libx.so.1\n");
  note("libx1-tools.list", "/usr/bin/x\n");
  note("libx1:amd64.postinst", "touch /run/reboot-required\n");
  note("bash.postinst", "exit 0\n");
  note("wine32.list", "/usr/bin/wine\n");
  const Apt apt({"", root.path(), "dpkg"});
  const auto files = [&](const Names& packages) {
    Names names;
    CHECK(apt.each_file_of(packages, [&](const auto& file) {
      names.push_back(file.lexically_relative(root.path()).string());
    }));
    std::sort(names.begin(), names.end());
    return names;
  };
  CHECK(files({"libx1:i386"}) == Names{"lib/i386/libx.so.1"});
  CHECK(files({"libx1-tools", "bash"}) == Names{"usr/bin/x"});
  CHECK(files({"wine32:i386"}) == Names{"usr/bin/wine"});
  CHECK(files({"wine"}).empty());
  // Both are the same version always: dpkg holds them to that.
  CHECK(files({"libx1"}) == Names{".", "lib/i386/libx.so.1", "usr/lib/libx.so.1"});
  CHECK(apt.needing_reboot({"libx1", "bash", "linux-image-new", "libx1-tools"}) ==
        Names{"libx1", "linux-image-new"});
  CHECK(apt.needing_reboot({"libx1:i386"}).empty());
  std::filesystem::remove_all(info);
  CHECK(!apt.each_file_of({"bash"}, [](const auto&) {}));
}

TEST_CASE("osupdate: sizes come from records of packages") {
  const auto sizes = parse_sizes(
      "Package: bash\nVersion: 1\nInstalled-Size: 10\nSize: 500\n Size: 7\n\n"
      "Package: dash\nVersion: 2\nSize: x\n");
  CHECK(sizes.at("bash=1").archive == 500);
  CHECK(sizes.at("bash=1").installed == 10'240);
  CHECK(sizes.at("dash=2").archive == 0);
}

}  // namespace
}  // namespace steward::handlers::osupdate::apt_test
