#include "handlers/facts/sources/source.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace steward::handlers::facts::sources_test {
namespace {

// A machine made of files.
struct Machine {
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((folder.path() / path).parent_path());
    std::ofstream(folder.path() / path, std::ios::trunc) << text;
  }

  Root root() const { return folder.path().string(); }

  tests::TemporaryFolder folder;
};

TEST_CASE("facts of the system: os-release is read as a shell reads it") {
  wire::Facts facts;
  parse_os_release(
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n# ID=no\n"
      "VERSION_CODENAME=bookworm\nID=debian\nID_LIKE='a b'\nHOME_URL=\"x\"\nbroken\n",
      facts);
  CHECK(facts == wire::Facts{{"os", "\"debian\""},
                             {"os.codename", "\"bookworm\""},
                             {"os.like", "\"a b\""},
                             {"os.name", "\"Debian GNU/Linux 12 (bookworm)\""},
                             {"os.version", "\"12\""}});
}

TEST_CASE("facts of the system: a reboot that is due, the time zone, the kernel") {
  const Machine machine;
  machine.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  machine.write("proc/1/comm", "init\n");
  std::filesystem::create_symlink("/usr/share/zoneinfo/Europe/Oslo",
                                  machine.folder.path() / "etc/localtime");
  wire::Facts facts;
  add_os(machine.root(), facts);
  utsname names{};
  REQUIRE(::uname(&names) == 0);
  CHECK(facts.at("kernel") == wire::fact_text(names.release));
  CHECK(facts.at("timezone") == "\"Europe/Oslo\"");
  CHECK(facts.at("init") == "\"init\"");
  CHECK(facts.at("reboot_required") == "false");
  machine.write("run/reboot-required", "");
  machine.write("run/systemd/system/x", "");
  add_os(machine.root(), facts);
  CHECK(facts.at("reboot_required") == "true");
  CHECK(facts.at("init") == "\"systemd\"");
}

TEST_CASE("facts of the hardware: processors, memory, board, disks") {
  const Machine machine;
  machine.write("sys/devices/system/cpu/online", "0-3,6\n");
  machine.write("proc/cpuinfo", "processor : 0\nmodel name\t: Intel(R) N100\nHardware : x\n");
  machine.write("proc/meminfo", "MemTotal:       8000000 kB\nSwapTotal:  2048 kB\nMemFree: 1 kB\n");
  machine.write("sys/class/dmi/id/sys_vendor", "ACME\n");
  machine.write("sys/class/dmi/id/product_name", "Box 7  \n");
  machine.write("sys/block/sda/size", "2097152\n");
  machine.write("sys/block/sda/device/model", "DISK MODEL\n");
  machine.write("sys/block/sda/queue/rotational", "1\n");
  machine.write("sys/block/loop0/size", "2097152\n");
  machine.write("sys/block/sdb/size", "0\n");
  wire::Facts facts;
  add_hardware(machine.root(), facts);
  CHECK(facts == wire::Facts{{"cpus", "5"},
                             {"cpu.model", "\"Intel(R) N100\""},
                             {"mem_mb", "7812"},
                             {"swap_mb", "2"},
                             {"hardware.vendor", "\"ACME\""},
                             {"hardware.model", "\"Box 7\""},
                             {"disk.sda.size_mb", "1024"},
                             {"disk.sda.model", "\"DISK MODEL\""},
                             {"disk.sda.rotates", "true"}});
}

TEST_CASE("facts of the hardware: a board without DMI has a device tree, its text ends in NUL") {
  const Machine machine;
  machine.write("proc/device-tree/model", std::string("Raspberry Pi 4 Model B Rev 1.4\0", 31));
  wire::Facts facts;
  add_hardware(machine.root(), facts);
  CHECK(facts == wire::Facts{{"hardware.model", "\"Raspberry Pi 4 Model B Rev 1.4\""}});
}

TEST_CASE("facts of the hardware: lists of processors, good ones and others") {
  CHECK(parse_cpu_list("0") == 1);
  CHECK(parse_cpu_list("0-63") == 64);
  CHECK(parse_cpu_list("0-1,4,8-9\n") == 5);
  CHECK(parse_cpu_list("") == 0);
  CHECK(parse_cpu_list("9-1") == 0);
  CHECK(parse_cpu_list("0-999999999999") == 0);
}

TEST_CASE("facts of the platform: container, virtual machine and cloud are told apart") {
  const Machine metal;
  metal.write("sys/class/dmi/id/sys_vendor", "ACME\n");
  wire::Facts facts;
  add_platform(metal.root(), facts);
  CHECK(facts.empty());

  const Machine cloud;
  cloud.write("sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  cloud.write("sys/hypervisor/type", "xen\n");
  add_platform(cloud.root(), facts);
  CHECK(facts == wire::Facts{{"cloud", "\"aws\""}, {"virtual", "\"xen\""}});

  const Machine inside;
  inside.write("proc/1/environ", std::string("PATH=/bin\0container=lxc\0X=1\0", 28));
  facts.clear();
  add_platform(inside.root(), facts);
  CHECK(facts == wire::Facts{{"container", "\"lxc\""}});
  inside.write(".dockerenv", "");
  add_platform(inside.root(), facts);
  CHECK(facts.at("container") == "\"docker\"");
}

TEST_CASE("facts of the network: the way out is the default route with the lowest metric") {
  wire::Facts facts;
  parse_route(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
      "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nshort line\n",
      facts);
  CHECK(facts == wire::Facts{{"gateway", "\"192.0.2.1\""}, {"gateway.interface", "\"eth0\""}});
}

TEST_CASE("facts of the network: IPv6 addresses that stay, not those that pass") {
  wire::Facts facts;
  parse_inet6(
      "20010db8000000000000000000000007 02 40 00 80 eth0\n"
      "20010db8000000000000000000000008 02 40 00 01 eth0\n"
      "fe800000000000000000000000000001 02 40 20 80 eth0\n"
      "20010db8000000000000000000000009 03 40 00 80 veth12\n"
      "garbage\n",
      facts);
  CHECK(facts == wire::Facts{{"net.eth0.ip6", R"(["2001:db8::7"])"}});
}

TEST_CASE("facts of the network: servers of names, all of them") {
  wire::Facts facts;
  parse_resolv("# x\nnameserver 192.0.2.53\nsearch a b\nnameserver 192.0.2.54\nnameserver\n",
               facts);
  CHECK(facts == wire::Facts{{"dns", R"(["192.0.2.53","192.0.2.54"])"}});
}

TEST_CASE(
    "facts of the packages: those that are installed are counted, and again when they change") {
  const Machine machine;
  const std::string installed = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
  const std::string removed = "Package: b\nStatus: deinstall ok config-files\nVersion: 1\n\n";
  machine.write("var/lib/dpkg/status", installed + removed + installed);
  Packages packages;
  wire::Facts facts;
  packages.add(machine.root(), facts);
  CHECK(facts == wire::Facts{{"packages", "2"}, {"packages.manager", "\"dpkg\""}});
  machine.write("var/lib/dpkg/status", installed + removed + installed + installed);
  packages.add(machine.root(), facts);
  CHECK(facts.at("packages") == "3");
  CHECK(count_apk("P:musl\nV:1\n\nP:busybox\nV:1\n") == 2);
}

TEST_CASE("facts of this machine: the real one tells of itself") {
  wire::Facts facts;
  add_os("", facts);
  add_hardware("", facts);
  add_platform("", facts);
  add_network("", facts);
  for (const char* path : {"os", "kernel", "arch", "hostname", "cpus", "mem_mb"}) {
    CAPTURE(path);
    CHECK(facts.find(path) != facts.end());
  }
  for (const auto& [path, value] : facts) {
    CAPTURE(path);
    CHECK(wire::is_fact_path(path));
  }
  CHECK(wire::facts_from_json(wire::facts_to_json(facts)));
}

}  // namespace
}  // namespace steward::handlers::facts::sources_test
