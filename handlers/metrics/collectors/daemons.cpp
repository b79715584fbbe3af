// What the daemons of this unit use, each with all processes below it.

#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"
#include "handlers/runtime/process_tree.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace steward::handlers::metrics {
namespace {

constexpr std::size_t kMostProcesses = 1'000;      // of a daemon
constexpr std::uint64_t kRoundsBetweenLooks = 10;  // for domains that came
constexpr std::string_view kShim = "steward-shim";

struct Use {
  std::int64_t processes = 0;
  std::int64_t ticks = 0;
  std::int64_t pages = 0;
};

class Daemons final : public Collector {
 public:
  explicit Daemons(const Roots& roots) : roots_(roots) {}

  std::string_view name() const override { return "daemons"; }

  Result<void> collect(Samples& out, std::string& buffer) override;

 private:
  void find_tables();
  void tell(std::string_view line, Samples& out, std::string& buffer) const;
  std::optional<ProcessStat> stat(pid_t pid, std::string& buffer) const;
  Use use_of(pid_t pid, bool below_shim, std::string& buffer) const;

  const Roots roots_;
  std::vector<std::string> tables_;
  std::uint64_t rounds_ = 0;
  const Unit tick_{1, static_cast<std::uint32_t>(::sysconf(_SC_CLK_TCK))};
  const std::int64_t page_bytes_ = ::sysconf(_SC_PAGESIZE);
};

// A table for each domain of the handler.
Result<void> Daemons::collect(Samples& out, std::string& buffer) {
  if (rounds_++ % kRoundsBetweenLooks == 0) {
    find_tables();
  }
  bool any = false;
  for (const auto& path : tables_) {
    std::string table;
    const auto text = ProcFile(path, ProcFile::Lines::of_any_length).read(table);
    any = any || text.has_value();
    for (auto left = text.value_or(""); !left.empty();) {
      tell(next_line(left), out, buffer);
    }
  }
  return any ? Result<void>() : failure(ErrorCode::not_found, "no daemons here");
}

void Daemons::find_tables() {
  tables_.clear();
  std::error_code error;
  for (const auto& domain : std::filesystem::directory_iterator(roots_.daemons, error)) {
    tables_.push_back(domain.path() / "table");
  }
}

// "web 4711 2 own"
void Daemons::tell(std::string_view line, Samples& out, std::string& buffer) const {
  const auto name = next_word(line);
  const auto pid = next_whole(line);
  const auto restarts = next_whole(line);
  const bool below_shim = next_word(line) == "own";
  if (!pid || !restarts) {
    return;
  }
  Use use;
  if (*pid != 0) {
    use = use_of(static_cast<pid_t>(*pid), below_shim, buffer);
  }
  const Labels daemon{{"daemon", name}};
  out.counter("steward_daemon_restarts_total", daemon, *restarts);
  out.gauge("steward_daemon_processes", daemon, use.processes);
  out.gauge("steward_daemon_resident_memory_bytes", daemon, use.pages * page_bytes_);
  out.counter("steward_daemon_cpu_seconds_total",
              daemon,
              use.processes == 0 ? wire::kAbsent : use.ticks,
              tick_);
}

std::optional<ProcessStat> Daemons::stat(pid_t pid, std::string& buffer) const {
  ProcFile file(roots_.proc + "/" + std::to_string(pid) + "/stat");
  const auto text = file.read(buffer);
  const auto parsed =
      text ? parse_process(*text) : Result<ProcessStat>(tl::unexpected<Error>(text.error()));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// Below a shim also what its main process has let go.
Use Daemons::use_of(pid_t pid, bool below_shim, std::string& buffer) const {
  std::vector<pid_t> open{pid};
  if (below_shim) {
    const auto main = stat(pid, buffer);
    const auto parent = main ? static_cast<pid_t>(main->parent) : 0;
    const auto shim = parent > 0 ? stat(parent, buffer) : std::nullopt;
    if (shim && shim->name == kShim) {
      open = runtime::children_of(parent);
    }
  }
  Use use;
  while (!open.empty() && use.processes < static_cast<std::int64_t>(kMostProcesses)) {
    const auto next = open.back();
    open.pop_back();
    if (const auto found = stat(next, buffer)) {
      ++use.processes;
      use.ticks += found->ticks;
      use.pages += found->pages;
      const auto below = runtime::children_of(next);
      open.insert(open.end(), below.begin(), below.end());
    }
  }
  return use;
}

}  // namespace

Result<ProcessStat> parse_process(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');  // a name may hold anything
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return failure(ErrorCode::bad_payload, "stat: no name");
  }
  ProcessStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);
  auto line = next_line(text);
  next_word(line);  // its state, the third field
  constexpr int kFirst = 4;
  constexpr int kTicks = 14;  // four of them
  constexpr int kPages = 24;
  constexpr std::int64_t kMostTicks = std::int64_t{1} << 50;
  for (int field = kFirst; field <= kPages; ++field) {
    const auto value = next_whole(line);
    if (!value) {
      return failure(ErrorCode::bad_payload, "stat: not a number");
    }
    if (field == kFirst) {
      stat.parent = *value;
    } else if (field >= kTicks && field < kTicks + 4) {
      stat.ticks += std::clamp<std::int64_t>(*value, 0, kMostTicks);
    } else if (field == kPages) {
      stat.pages = std::clamp<std::int64_t>(*value, 0, kMostTicks);
    }
  }
  return stat;
}

Made make_daemons(const Roots& roots) { return std::make_unique<Daemons>(roots); }

}  // namespace steward::handlers::metrics
