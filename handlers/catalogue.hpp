#pragma once

#include "handlers/runtime/handler.hpp"

#include <span>

namespace steward::handlers {

// Every handler that this program holds, in the order of catalogue.inc.
std::span<const runtime::HandlerKind> catalogue();

}  // namespace steward::handlers
