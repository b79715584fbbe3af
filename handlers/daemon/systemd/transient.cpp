#include "handlers/daemon/systemd/transient.hpp"

#include "handlers/daemon/health.hpp"
#include "handlers/daemon/systemd/library.hpp"
#include "handlers/runtime/signal_names.hpp"

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace steward::handlers::daemon {
namespace {

using std::chrono::microseconds;

// Appends (name, value) pairs; what fails first stays.
class Properties {
 public:
  Properties(const SdBus& api, sd_bus_message* message) : api_(api), message_(message) {}

  void text(const char* name, const std::string& value) {
    keep(api_.append(message_, "(sv)", name, "s", value.c_str()));
  }

  void number(const char* name, std::uint64_t value) {
    keep(api_.append(message_, "(sv)", name, "t", value));
  }

  void number(const char* name, const std::optional<std::int64_t>& value) {
    if (value) {
      number(name, static_cast<std::uint64_t>(*value));
    }
  }

  void small(const char* name, const char* type, int value) {
    keep(api_.append(message_, "(sv)", name, type, value));
  }

  void texts(const char* name, const std::vector<std::string>& values) {
    open(name, "as");
    strings(values);
    close();
  }

  // a(sasb): path, arguments, whether a failure is to be ignored.
  void command(const char* name, const std::vector<std::string>& argv) {
    open(name, "a(sasb)");
    keep(api_.open_container(message_, SD_BUS_TYPE_ARRAY, "(sasb)"));
    keep(api_.open_container(message_, SD_BUS_TYPE_STRUCT, "sasb"));
    keep(api_.append(message_, "s", argv.front().c_str()));
    strings(argv);
    keep(api_.append(message_, "b", 0));
    keep(api_.close_container(message_));
    keep(api_.close_container(message_));
    close();
  }

  void keep(int result) {
    if (result_ >= 0) {
      result_ = result;
    }
  }

  int result() const { return result_; }

 private:
  void open(const char* name, const char* type) {
    keep(api_.open_container(message_, SD_BUS_TYPE_STRUCT, "sv"));
    keep(api_.append(message_, "s", name));
    keep(api_.open_container(message_, SD_BUS_TYPE_VARIANT, type));
  }

  void close() {
    keep(api_.close_container(message_));
    keep(api_.close_container(message_));
  }

  void strings(const std::vector<std::string>& values) {
    auto copies = values;
    std::vector<char*> pointers;
    pointers.reserve(copies.size() + 1);
    for (auto& value : copies) {
      pointers.push_back(value.data());
    }
    pointers.push_back(nullptr);
    keep(api_.append_strv(message_, pointers.data()));
  }

  const SdBus& api_;
  sd_bus_message* message_;
  int result_ = 0;
};

std::uint64_t us(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(microseconds(time).count());
}

void limits(Properties& unit, const wire::ProcessLimits& limits) {
  unit.number("MemoryMax", limits.memory_bytes);
  unit.number("TasksMax", limits.processes);
  unit.number("IOWeight", limits.io_weight);
  unit.number("LimitNOFILE", limits.open_files);
  unit.number("LimitFSIZE", limits.file_bytes);
  if (limits.cpu_percent) {
    unit.number("CPUQuotaPerSecUSec", static_cast<std::uint64_t>(*limits.cpu_percent) * 10'000);
  }
  if (limits.nice) {
    unit.small("Nice", "i", static_cast<int>(*limits.nice));
  }
}

}  // namespace

// Restart stays "no": the pauses are ours. Its end stays to be seen until somebody has.
int append_transient(const SdBus& api,
                     sd_bus_message* message,
                     const std::string& name,
                     const wire::DaemonSpec& spec) {
  Properties unit(api, message);
  unit.keep(api.append(message, "ss", name.c_str(), "replace"));
  unit.keep(api.open_container(message, SD_BUS_TYPE_ARRAY, "(sv)"));
  unit.text("Description", spec.name + " (kept by steward)");
  unit.text("Type", spec.ready.by == wire::ReadyBy::notify ? "notify" : "exec");
  unit.command("ExecStart", spec.argv);
  unit.text("WorkingDirectory", spec.cwd);
  unit.small("RemainAfterExit", "b", 1);
  unit.small("KillSignal", "i", runtime::signal_number(spec.stop.signal).value_or(SIGTERM));
  unit.number("TimeoutStopUSec", us(spec.stop.grace));
  unit.number("TimeoutStartUSec", us(spec.ready.timeout));
  if (const auto silence = watchdog_of(spec)) {
    unit.number("WatchdogUSec", us(*silence));
    unit.text("NotifyAccess", "all");
  }
  if (!spec.user.empty()) {
    unit.text("User", spec.user);
  }
  if (!spec.group.empty()) {
    unit.text("Group", spec.group);
  }
  if (spec.umask) {
    unit.small("UMask", "u", static_cast<int>(*spec.umask));
  }
  if (!spec.env.empty()) {
    std::vector<std::string> lines;
    for (const auto& [variable, value] : spec.env) {
      lines.push_back(variable + "=" + value);
    }
    unit.texts("Environment", lines);
  }
  limits(unit, spec.limits);
  unit.keep(api.close_container(message));
  unit.keep(api.append(message, "a(sa(sv))", 0));
  return unit.result();
}

}  // namespace steward::handlers::daemon
