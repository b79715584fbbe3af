#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/loop.hpp"

#include <chrono>
#include <functional>

namespace steward::handlers::hello {

// Says that the unit is there and how it is: at each connect, in every interval, when asked, and
// last of all at a clean stop.
class HelloHandler final : public runtime::Handler {
 public:
  explicit HelloHandler(runtime::Context& context);

  Result<runtime::Admission> receive(const runtime::Command& command) override;
  void link_up() override;
  void stop(std::function<void()> stopped) override;

 private:
  enum class Occasion { first, again, bye };

  void say(Occasion occasion);

  runtime::Context& context_;
  const std::chrono::milliseconds interval_;
  runtime::Timer beat_;    // every interval
  runtime::Timer phase_;   // from a connect to this unit's own place in the interval
  runtime::Timer answer_;  // to a question, a moment later where many were asked
};

}  // namespace steward::handlers::hello
