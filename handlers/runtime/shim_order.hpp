#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/shim.hpp"

namespace steward::runtime {

// The order as edge/shim reads it, in memory only: an environment may hold secrets. Errors: io.
[[nodiscard]] Result<Fd> write_order(const ShimRequest& request);

}  // namespace steward::runtime
