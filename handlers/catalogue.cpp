#include "handlers/catalogue.hpp"

#include <array>

// Each handler's folder defines `runtime::HandlerKind kind()` in its namespace.
#define HANDLER(name)                 \
  namespace steward::handlers::name { \
  runtime::HandlerKind kind();        \
  }
#include "handlers/catalogue.inc"
#undef HANDLER

namespace steward::handlers {

std::span<const runtime::HandlerKind> catalogue() {
  static const auto kKinds = std::to_array<runtime::HandlerKind>({
#define HANDLER(name) name::kind(),
#include "handlers/catalogue.inc"
#undef HANDLER
  });
  return kKinds;
}

}  // namespace steward::handlers
