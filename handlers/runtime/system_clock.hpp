#pragma once

#include "handlers/runtime/context.hpp"

#include <functional>

namespace steward::runtime {

// The machine's clocks, and ids of its random bits. Any thread.
class SystemClock final : public Clock {
 public:
  SystemClock();

  wire::Timestamp now() const override;
  std::chrono::steady_clock::time_point steady() const override;
  wire::MessageId new_id() override;

 private:
  const std::function<wire::MessageId(wire::Timestamp now)> new_id_;
};

}  // namespace steward::runtime
