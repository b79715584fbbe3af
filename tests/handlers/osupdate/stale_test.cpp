#include "handlers/osupdate/stale.hpp"

#include "tests/handlers/osupdate/processes.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>

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

struct Processes {
  void add(const std::string& name, const char* maps, const char* cgroup) const {
    add_process(proc.path(), name, maps, cgroup);
  }

  const tests::TemporaryFolder proc;
};

TEST_CASE("stale: services are told once each, and never the one that asks") {
  const Processes processes;
  processes.add("10", kReplaced, "0::/system.slice/web.service\n");
  processes.add("11", kReplaced, "0::/system.slice/web.service\n");
  processes.add("12", kPresent, "0::/system.slice/cron.service\n");
  processes.add("13", kReplaced, "0::/system.slice/steward-edge.service\n");
  processes.add("14", kReplaced, "0::/user.slice/x.scope\n");
  processes.add("self", kReplaced, "0::/system.slice/steward-edge.service\n");
  processes.add("acpi", kReplaced, "0::/system.slice/none.service\n");
  CHECK(stale_services(processes.proc.path()) == std::vector<std::string>{"web.service"});
}

TEST_CASE(
    "stale: services by the files that they run, there or replaced, but for those of containers") {
  const Processes processes;
  processes.add("10", kReplaced, "0::/system.slice/web.service\n");
  processes.add("11", kPresent, "0::/system.slice/cron.service\n");
  processes.add("self", kPresent, "0::/system.slice/steward-edge.service\n");
  processes.add("12", kPresent, "0::/system.slice/steward-edge.service\n");
  processes.add("13", kPresent, "0::/system.slice/podman.service/libpod-payload-1\n");
  std::filesystem::create_directory(processes.proc.path() / "13" / "root");  // is not ours
  processes.add("14", kPresent, "0::/system.slice/ours.service\n");
  std::filesystem::create_directory_symlink("/", processes.proc.path() / "14" / "root");
  using Services = std::map<std::string, std::set<std::string>>;
  CHECK(services_by_code(processes.proc.path()) ==
        Services{{"/memfd:code", {"cron.service", "ours.service"}},
                 {"/usr/lib/x86_64-linux-gnu/libz.so.1", {"web.service"}},
                 {"/usr/sbin/cron", {"cron.service", "ours.service"}}});
}

}  // namespace steward::handlers::osupdate::stale_test
