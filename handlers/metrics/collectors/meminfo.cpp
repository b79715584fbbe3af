#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

namespace steward::handlers::metrics {

// "Active(anon):     3768 kB" is node_memory_Active_anon_bytes.
Result<void> parse_meminfo(std::string_view text, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    auto name = next_word(line);
    const auto number = next_whole(line);
    const auto unit = next_word(line);
    if (name.empty()) {
      continue;
    }
    if (!number || name.back() != ':') {
      return failure(ErrorCode::bad_payload, "meminfo: not a name and a number");
    }
    name.remove_suffix(1);
    std::string_view zone;
    const auto open = name.find('(');
    if (open != std::string_view::npos && name.back() == ')') {
      zone = name.substr(open + 1, name.size() - open - 2);
      name = name.substr(0, open);
    }
    if (unit != "kB") {
      out.gauge(Name("node_memory_", name, zone.empty() ? "" : "_", zone), {}, *number);
    } else if (zone.empty()) {
      out.gauge(Name("node_memory_", name, "_bytes"), {}, *number, kKibi);
    } else {
      out.gauge(Name("node_memory_", name, "_", zone, "_bytes"), {}, *number, kKibi);
    }
  }
  return {};
}

Made make_meminfo(const Roots& roots) {
  return one_file("meminfo", roots.proc + "/meminfo", parse_meminfo);
}

}  // namespace steward::handlers::metrics
