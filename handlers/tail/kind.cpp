#include "handlers/tail/tail.hpp"

#include <memory>

namespace steward::handlers::tail {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "tail",
      .default_domain = "system",
      .acked = false,
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<TailHandler>(context);
      },
  };
}

}  // namespace steward::handlers::tail
