#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <array>
#include <charconv>

namespace steward::handlers::metrics {

// A line a processor, of hexadecimal words: processed, dropped, times squeezed ...
Result<void> parse_softnet(std::string_view text, Samples& out) {
  for (int cpu = 0; !text.empty(); ++cpu) {
    auto line = next_line(text);
    const auto processed = next_whole(line, 16);
    const auto dropped = next_whole(line, 16);
    const auto squeezed = next_whole(line, 16);
    if (!processed || !dropped || !squeezed) {
      return failure(ErrorCode::bad_payload, "softnet_stat: not three numbers");
    }
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), cpu).ptr;
    const std::string_view which(digits.data(), static_cast<std::size_t>(end - digits.data()));
    out.counter("node_softnet_processed_total", {{"cpu", which}}, *processed);
    out.counter("node_softnet_dropped_total", {{"cpu", which}}, *dropped);
    out.counter("node_softnet_times_squeezed_total", {{"cpu", which}}, *squeezed);
  }
  return {};
}

Made make_softnet(const Roots& roots) {
  return one_file("softnet", roots.proc + "/net/softnet_stat", parse_softnet);
}

}  // namespace steward::handlers::metrics
