#include "handlers/daemon/daemons.hpp"

#include <memory>

namespace steward::handlers::daemon {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "daemon",
      .default_domain = "system",
      .acked = true,
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<Daemons>(context);
      },
  };
}

}  // namespace steward::handlers::daemon
