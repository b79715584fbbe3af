#include "handlers/metrics/collectors/collectors.hpp"

#include <cerrno>
#include <ctime>

namespace steward::handlers::metrics {
namespace {

// The clock is what is measured here: it is read like any file of the kernel.
class Time final : public Collector {
 public:
  std::string_view name() const override { return "time"; }

  Result<void> collect(Samples& out, std::string&) override {
    timespec now{};
    if (::clock_gettime(CLOCK_REALTIME, &now) != 0) {
      return tl::unexpected(system_error(errno, "clock_gettime"));
    }
    const std::int64_t milliseconds = now.tv_sec * std::int64_t{1'000} + now.tv_nsec / 1'000'000;
    out.gauge("node_time_seconds", {}, milliseconds, kMilli);
    tm local{};
    if (::localtime_r(&now.tv_sec, &local) != nullptr) {
      out.gauge("node_time_zone_offset_seconds", {{"time_zone", local.tm_zone}}, local.tm_gmtoff);
    }
    return {};
  }
};

}  // namespace

Made make_time() { return std::make_unique<Time>(); }

}  // namespace steward::handlers::metrics
