#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"

namespace steward::handlers::metrics {
namespace {

class UdpQueues final : public Collector {
 public:
  explicit UdpQueues(const Roots& roots)
      : v4_(roots.proc + "/net/udp"), v6_(roots.proc + "/net/udp6") {}

  std::string_view name() const override { return "udp_queues"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    STEWARD_TRY(const auto v4, v4_.read(buffer));
    if (auto parsed = parse_udp_queues(v4, "v4", out); !parsed) {
      return parsed;
    }
    const auto v6 = v6_.read(buffer);
    return v6 ? parse_udp_queues(*v6, "v6", out) : Result<void>();
  }

 private:
  ProcFile v4_, v6_;
};

}  // namespace

// The fifth column is "tx_queue:rx_queue", hexadecimal; the first line names the columns.
Result<void> parse_udp_queues(std::string_view text, std::string_view ip, Samples& out) {
  constexpr std::int64_t kMostOfOne = std::int64_t{1} << 32;
  std::int64_t sent = 0;
  std::int64_t received = 0;
  next_line(text);
  while (!text.empty()) {
    auto line = next_line(text);
    for (int skipped = 0; skipped < 4; ++skipped) {
      next_word(line);
    }
    const auto queues = next_word(line);
    const auto colon = queues.find(':');
    const auto tx = whole(queues.substr(0, colon), 16);
    const auto rx =
        colon == std::string_view::npos ? std::nullopt : whole(queues.substr(colon + 1), 16);
    if (!tx || !rx || *tx < 0 || *rx < 0 || *tx > kMostOfOne || *rx > kMostOfOne) {
      return failure(ErrorCode::bad_payload, "udp: not the length of two queues");
    }
    sent += *tx;
    received += *rx;
  }
  out.gauge("node_udp_queues", {{"ip", ip}, {"queue", "rx"}}, received);
  out.gauge("node_udp_queues", {{"ip", ip}, {"queue", "tx"}}, sent);
  return {};
}

Made make_udp_queues(const Roots& roots) { return std::make_unique<UdpQueues>(roots); }

}  // namespace steward::handlers::metrics
