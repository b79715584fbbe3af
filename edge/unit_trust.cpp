#include "edge/unit_trust.hpp"

#include <chrono>
#include <utility>

namespace steward::edge {
namespace {

constexpr std::chrono::milliseconds kLook{1'000};

}  // namespace

UnitTrust::UnitTrust(const bus::TrustFiles& files,
                     std::unique_ptr<bus::Guard> guard,
                     runtime::Loop& loop,
                     const runtime::Clock& clock,
                     const runtime::Logger& log)
    : clock_(clock),
      guard_(std::move(guard)),
      watch_(files,
             *guard_,
             {[log](const std::string& text) { log.info(text); },
              [log](const std::string& text) { log.error(text); }}),
      timer_(loop, [this] { watch_.look(clock_.now()); }) {
  watch_.look(clock_.now());
  if (!guard_->policy()) {
    log.warning("no policy yet: no command is carried out");
  }
  timer_.start_every(kLook);
}

Result<void> UnitTrust::take(const std::string& document) {
  return watch_.take(document, clock_.now());
}

}  // namespace steward::edge
