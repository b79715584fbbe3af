#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <array>

namespace steward::handlers::metrics {
namespace {

// The columns of a cpu line, in clock ticks, of which user space sees 100 a second on every Linux.
constexpr std::array<std::string_view, 8> kModes{
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};

Result<void> parse_cpu(std::string_view cpu, std::string_view rest, Samples& out) {
  for (const auto mode : kModes) {
    const auto word = next_word(rest);
    const auto ticks = whole(word);
    if (!ticks) {
      return failure(ErrorCode::bad_payload, "stat: not a count of ticks");
    }
    out.counter("node_cpu_seconds_total", {{"cpu", cpu}, {"mode", mode}}, *ticks, kCenti);
  }
  const auto user = next_whole(rest);
  const auto nice = next_whole(rest);
  if (user && nice) {  // kernels before 2.6.33 have none
    out.counter("node_cpu_guest_seconds_total", {{"cpu", cpu}, {"mode", "user"}}, *user, kCenti);
    out.counter("node_cpu_guest_seconds_total", {{"cpu", cpu}, {"mode", "nice"}}, *nice, kCenti);
  }
  return {};
}

struct StatRow {
  std::string_view word;
  const char* name;
  bool counts;
};

constexpr std::array<StatRow, 6> kStatRows{{{"intr", "node_intr_total", true},
                                            {"ctxt", "node_context_switches_total", true},
                                            {"btime", "node_boot_time_seconds", false},
                                            {"processes", "node_forks_total", true},
                                            {"procs_running", "node_procs_running", false},
                                            {"procs_blocked", "node_procs_blocked", false}}};

}  // namespace

Result<void> parse_stat(std::string_view text, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    const auto word = next_word(line);
    if (word.size() > 3 && word.substr(0, 3) == "cpu") {
      if (auto parsed = parse_cpu(word.substr(3), line, out); !parsed) {
        return parsed;
      }
      continue;
    }
    for (const auto& row : kStatRows) {
      if (row.word != word) {
        continue;
      }
      const auto number = next_whole(line);
      if (!number) {
        return failure(ErrorCode::bad_payload, "stat: not a number: " + std::string(word));
      }
      row.counts ? out.counter(row.name, {}, *number) : out.gauge(row.name, {}, *number);
    }
  }
  return {};
}

Made make_stat(const Roots& roots) { return one_file("stat", roots.proc + "/stat", parse_stat); }

}  // namespace steward::handlers::metrics
