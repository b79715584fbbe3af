#include "handlers/daemon/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace steward::handlers::daemon {

using std::chrono::milliseconds;

milliseconds Backoff::after(milliseconds up, double chance) {
  if (up >= how_.reset) {
    ends_ = 0;
  }
  const double longest = static_cast<double>(how_.longest.count());
  const double shortest = static_cast<double>(how_.shortest.count());
  // The first pause is the shortest to the millisecond: nobody waits for chance after one crash.
  const double spread = ends_ == 0 ? 1 : 1 + how_.jitter * (2 * chance - 1);
  const double pause = std::min(shortest * std::pow(how_.factor, ends_), longest) * spread;
  ++ends_;
  return milliseconds(std::max<std::int64_t>(1, std::llround(std::min(pause, longest))));
}

}  // namespace steward::handlers::daemon
