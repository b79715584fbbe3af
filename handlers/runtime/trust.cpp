#include "handlers/runtime/trust.hpp"

#include <chrono>
#include <utility>

namespace steward::runtime {
namespace {

constexpr std::chrono::milliseconds kLook{1'000};

}  // namespace

Trust::Trust(const bus::TrustFiles& files,
             std::unique_ptr<bus::Guard> guard,
             Loop& loop,
             const Clock& clock,
             const Logger& log)
    : clock_(clock),
      guard_(std::move(guard)),
      watch_(files,
             *guard_,
             {[log](const std::string& text) { log.info(text); },
              [log](const std::string& text) { log.error(text); }}),
      timer_(loop, [this] { watch_.look(clock_.now()); }) {
  watch_.look(clock_.now());
  timer_.start_every(kLook);
}

Result<void> Trust::take(const std::string& document) {
  return watch_.take(document, clock_.now());
}

}  // namespace steward::runtime
