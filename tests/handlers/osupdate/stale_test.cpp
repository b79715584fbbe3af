#include "handlers/osupdate/stale.hpp"

#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::handlers::osupdate::stale_test {
namespace {

constexpr const char* kReplaced =
    "7f5a1000-7f5a2000 r--p 00000000 08:01 11   /usr/lib/x86_64-linux-gnu/libz.so.1 (deleted)\n"
    "7f5a2000-7f5a4000 r-xp 00001000 08:01 11   /usr/lib/x86_64-linux-gnu/libz.so.1 (deleted)\n";
constexpr const char* kPresent =
    "55d0c000-55d0d000 r-xp 00001000 08:01 12                      /usr/sbin/cron\n"
    "7f5a2000-7f5a4000 rw-p 00001000 08:01 13                      /usr/lib/old.so (deleted)\n"
    "7f5b2000-7f5b4000 r-xp 00001000 00:05 14                      /memfd:code (deleted)\n"
    "7ffc0000-7ffc2000 r-xp 00000000 00:00 0                       [vdso]\n";

}  // namespace

TEST_CASE("stale: code of a file that is gone counts, data and memory do not") {
  CHECK(runs_replaced_code(kReplaced));
  CHECK(!runs_replaced_code(kPresent));
  CHECK(!runs_replaced_code(""));
  CHECK(!runs_replaced_code(" (deleted)\n/usr/x (deleted)"));
}

TEST_CASE("stale: a service is known by its control group, of both kinds") {
  CHECK(service_of("0::/system.slice/cron.service\n") == "cron.service");
  CHECK(service_of("3:cpu:/\n1:name=systemd:/system.slice/a-b@1.service\n") == "a-b@1.service");
  CHECK(service_of("0::/system.slice/docker.service/child\n") == "docker.service");
  CHECK(service_of("0::/user.slice/user-0.slice/user@0.service/app.service\n").empty());
  CHECK(service_of("0::/system.slice/x.services/y\n").empty());
  CHECK(service_of("0::/\n").empty());
  CHECK(service_of("").empty());
}

TEST_CASE("stale: services are told once each, and never the one that asks") {
  const tests::TemporaryFolder proc;
  const auto process = [&proc](const std::string& name, const char* maps, const char* cgroup) {
    std::filesystem::create_directories(proc.path() / name);
    std::ofstream(proc.path() / name / "maps") << maps;
    std::ofstream(proc.path() / name / "cgroup") << cgroup;
  };
  process("10", kReplaced, "0::/system.slice/web.service\n");
  process("11", kReplaced, "0::/system.slice/web.service\n");
  process("12", kPresent, "0::/system.slice/cron.service\n");
  process("13", kReplaced, "0::/system.slice/steward-edge.service\n");
  process("14", kReplaced, "0::/user.slice/x.scope\n");
  process("self", kReplaced, "0::/system.slice/steward-edge.service\n");
  process("acpi", kReplaced, "0::/system.slice/none.service\n");
  CHECK(stale_services(proc.path()) == std::vector<std::string>{"web.service"});
}

}  // namespace steward::handlers::osupdate::stale_test
