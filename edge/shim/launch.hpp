#pragma once

#include "edge/shim/order.hpp"

#include <sys/types.h>

namespace steward::shim {

// The ends of the child that it is started with; -1: none (/dev/null).
struct ChildEnds {
  int in = -1;
  int out = -1;
  int err = -1;
  int ready = -1;
};

// A child that has executed its program, or why it has not.
struct Started {
  pid_t pid = 0;
  runtime::LaunchReport report{runtime::LaunchStep::none, 0};
};

Started launch(const Order& order, const ChildEnds& ends);

}  // namespace steward::shim
