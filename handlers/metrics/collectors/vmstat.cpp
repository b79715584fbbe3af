#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

namespace steward::handlers::metrics {
namespace {

// ^(oom_kill|pgpg|pswp|pg.*fault).*
bool wanted_figure(std::string_view name) {
  return name.starts_with("oom_kill") || name.starts_with("pgpg") || name.starts_with("pswp") ||
         (name.starts_with("pg") && name.find("fault", 2) != std::string_view::npos);
}

}  // namespace

Result<void> parse_vmstat(std::string_view text, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    const auto name = next_word(line);
    if (!wanted_figure(name)) {
      continue;
    }
    const auto number = next_whole(line);
    if (!number) {
      return failure(ErrorCode::bad_payload, "vmstat: not a number: " + std::string(name));
    }
    out.untyped(Name("node_vmstat_", name), {}, *number);
  }
  return {};
}

Made make_vmstat(const Roots& roots) {
  return one_file("vmstat", roots.proc + "/vmstat", parse_vmstat);
}

}  // namespace steward::handlers::metrics
