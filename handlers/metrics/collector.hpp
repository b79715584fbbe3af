#pragma once

#include "handlers/metrics/samples.hpp"
#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::metrics {

class CheckResults;

// Where the kernel tells of itself; tests have trees of their own.
struct Roots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string daemons;    // the agent's folder of handlers/daemon; empty: none
  std::string textfiles;  // of files *.prom; empty: none

  // What checks have said; null: there are none. It outlives the collectors.
  const CheckResults* checks = nullptr;
};

// What is left out, as shell globs.
struct Filters {
  std::vector<std::string> mountpoints{"/dev",
                                       "/dev/*",
                                       "/proc",
                                       "/proc/*",
                                       "/sys",
                                       "/sys/*",
                                       "/run/credentials/*",
                                       "/run/user/*",
                                       "/var/lib/docker/*",
                                       "/var/lib/containers/storage/*"};
  std::vector<std::string> fstypes{
      "autofs",    "binfmt_misc", "bpf",      "cgroup",  "cgroup2",   "configfs",   "debugfs",
      "devpts",    "devtmpfs",    "efivarfs", "fusectl", "hugetlbfs", "iso9660",    "mqueue",
      "nsfs",      "overlay",     "proc",     "procfs",  "pstore",    "rpc_pipefs", "securityfs",
      "selinuxfs", "squashfs",    "sysfs",    "tracefs"};
  std::vector<std::string> disks{"ram[0-9]*", "loop[0-9]*", "fd[0-9]*"};
  std::vector<std::string> interfaces;

  bool operator==(const Filters&) const = default;
};

// Whether one of the globs matches.
bool matches_any(const std::vector<std::string>& globs, const std::string& text);

// What measures one thing of the machine. Made and used on the handler's thread.
class Collector {
 public:
  virtual ~Collector() = default;

  // As prometheus-node-exporter calls it.
  virtual std::string_view name() const = 0;

  // Says all its series. `buffer` is room for what it reads. Waits for nothing: a call that may
  // hang is not made here. Errors: not_found where the machine has no such thing; others.
  [[nodiscard]] virtual Result<void> collect(Samples& out, std::string& buffer) = 0;

  // Whether it passes on what others have measured: they cannot speak for those before it.
  virtual bool tells_of_others() const { return false; }

  // What is amiss although it went well; empty: nothing.
  virtual std::string trouble() const { return {}; }
};

}  // namespace steward::handlers::metrics
