#include "handlers/metrics/collectors/collectors.hpp"

#include <sys/timex.h>

#include <cerrno>

namespace steward::handlers::metrics {
namespace {

// Frequencies come in parts per million, 16 bits of them behind the point: 1/65536e6, which is no
// decimal. 1e9 parts of one are fine enough.
std::int64_t frequency_ratio(std::int64_t scaled) {
  return 1'000'000'000 + scaled * 1'000 / 65'536;
}

class Timex final : public Collector {
 public:
  std::string_view name() const override { return "timex"; }

  Result<void> collect(Samples& out, std::string&) override {
    timex told{};
    const int state = ::adjtimex(&told);
    if (state < 0) {
      return tl::unexpected(system_error(errno, "adjtimex"));
    }
    const Unit fine = (told.status & STA_NANO) != 0 ? kNano : kMicro;
    out.gauge("node_timex_sync_status", {}, state == TIME_ERROR ? 0 : 1);
    out.gauge("node_timex_offset_seconds", {}, told.offset, fine);
    out.gauge("node_timex_frequency_adjustment_ratio", {}, frequency_ratio(told.freq), kNano);
    out.gauge("node_timex_maxerror_seconds", {}, told.maxerror, kMicro);
    out.gauge("node_timex_estimated_error_seconds", {}, told.esterror, kMicro);
    out.gauge("node_timex_status", {}, told.status);
    out.gauge("node_timex_loop_time_constant", {}, told.constant);
    out.gauge("node_timex_tick_seconds", {}, told.tick, kMicro);
    out.gauge("node_timex_pps_jitter_seconds", {}, told.jitter, fine);
    out.counter("node_timex_pps_jitter_total", {}, told.jitcnt);
    out.counter("node_timex_pps_calibration_total", {}, told.calcnt);
    out.counter("node_timex_pps_error_total", {}, told.errcnt);
    out.counter("node_timex_pps_stability_exceeded_total", {}, told.stbcnt);
    out.gauge("node_timex_tai_offset_seconds", {}, told.tai);
    return {};
  }
};

}  // namespace

Made make_timex() { return std::make_unique<Timex>(); }

}  // namespace steward::handlers::metrics
