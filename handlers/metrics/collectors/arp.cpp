#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <algorithm>
#include <vector>

namespace steward::handlers::metrics {

// Counts the lines of each device, the last column; the first line names the columns.
Result<void> parse_arp(std::string_view text, Samples& out) {
  std::vector<std::string_view> devices;
  next_line(text);
  while (!text.empty()) {
    auto line = next_line(text);
    std::string_view device;
    int columns = 0;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      device = word;
      ++columns;
    }
    if (columns != 6) {
      return failure(ErrorCode::bad_payload, "arp: not six columns");
    }
    devices.push_back(device);
  }
  std::sort(devices.begin(), devices.end());
  for (auto at = devices.begin(); at != devices.end();) {
    const auto end = std::upper_bound(at, devices.end(), *at);
    out.gauge("node_arp_entries", {{"device", *at}}, end - at);
    at = end;
  }
  return {};
}

Made make_arp(const Roots& roots) { return one_file("arp", roots.proc + "/net/arp", parse_arp); }

}  // namespace steward::handlers::metrics
