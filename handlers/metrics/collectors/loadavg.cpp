#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

namespace steward::handlers::metrics {

Result<void> parse_loadavg(std::string_view text, Samples& out) {
  auto line = next_line(text);
  for (const char* name : {"node_load1", "node_load5", "node_load15"}) {
    const auto load = decimal(next_word(line), 2);
    if (!load) {
      return failure(ErrorCode::bad_payload, "loadavg: not a load");
    }
    out.gauge(name, {}, *load, kCenti);
  }
  return {};
}

Made make_loadavg(const Roots& roots) {
  return one_file("loadavg", roots.proc + "/loadavg", parse_loadavg);
}

}  // namespace steward::handlers::metrics
