#include "handlers/runtime/limits.hpp"

#include <sys/resource.h>

#include <utility>

namespace steward::runtime {
namespace {

constexpr const char* kByCgroup = "cgroup";
constexpr const char* kByProcess = "rlimit";
constexpr std::int64_t kCpuPeriod = 100'000;  // microseconds; cpu.max is quota and period

class Planner {
 public:
  Planner(const CgroupRoot* root, const std::string& job) : root_(root), job_(job) {}

  // Errors are words for `applied`.
  bool by_cgroup(const std::string& name,
                 const char* controller,
                 const std::string& file,
                 const std::string& value) {
    if (root_ == nullptr || !root_->has(controller)) {
      limits.applied[name] = std::string("none: no cgroup controller '") + controller + "'";
      return false;
    }
    if (!limits.group) {
      auto made = root_->make(job_);
      if (!made) {
        limits.applied[name] = "none: " + made.error().message;
        return false;
      }
      limits.group.emplace(*std::move(made));
    }
    if (const auto set = limits.group->set(file, value); !set) {
      limits.applied[name] = "none: " + set.error().message;
      return false;
    }
    limits.applied[name] = kByCgroup;
    return true;
  }

  void by_process(const std::string& name, int resource, std::int64_t value) {
    limits.resources.push_back({resource, static_cast<std::uint64_t>(value)});
    limits.applied[name] = kByProcess;
  }

  Limits limits;

 private:
  const CgroupRoot* root_;
  const std::string& job_;
};

void limit_memory(Planner& planner, std::int64_t bytes) {
  if (planner.by_cgroup("mem_bytes", "memory", "memory.max", std::to_string(bytes))) {
    (void)planner.limits.group->set("memory.swap.max", "0");
    (void)planner.limits.group->set("memory.oom.group", "1");
  } else {
    planner.by_process("mem_bytes", RLIMIT_AS, bytes);
  }
}

void limit_processes(Planner& planner, std::int64_t count, uid_t user) {
  if (planner.by_cgroup("pids", "pids", "pids.max", std::to_string(count))) {
    return;
  }
  if (user == 0) {
    planner.limits.applied["pids"] =
        "none: no cgroup controller 'pids', and RLIMIT_NPROC does not bind root";
    return;
  }
  planner.by_process("pids", RLIMIT_NPROC, count);
}

}  // namespace

Limits plan_limits(const wire::ProcessLimits& wanted,
                   const CgroupRoot* root,
                   const std::string& job,
                   uid_t user) {
  Planner planner(root, job);
  if (wanted.memory_bytes) {
    limit_memory(planner, *wanted.memory_bytes);
  }
  if (wanted.processes) {
    limit_processes(planner, *wanted.processes, user);
  }
  if (wanted.cpu_percent) {
    const std::int64_t quota = *wanted.cpu_percent * kCpuPeriod / 100;
    planner.by_cgroup(
        "cpu_pct", "cpu", "cpu.max", std::to_string(quota) + " " + std::to_string(kCpuPeriod));
  }
  if (wanted.io_weight) {
    planner.by_cgroup(
        "io_weight", "io", "io.weight", "default " + std::to_string(*wanted.io_weight));
  }
  if (wanted.open_files) {
    planner.by_process("nofile", RLIMIT_NOFILE, *wanted.open_files);
  }
  if (wanted.file_bytes) {
    planner.by_process("fsize_bytes", RLIMIT_FSIZE, *wanted.file_bytes);
  }
  if (wanted.nice) {
    planner.limits.nice = static_cast<int>(*wanted.nice);
    planner.limits.applied["nice"] = kByProcess;
  }
  return std::move(planner.limits);
}

}  // namespace steward::runtime
