#include "handlers/osupdate/osupdate.hpp"

#include <memory>

namespace steward::handlers::osupdate {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "osupdate",
      .default_domain = "system",
      .acked = true,
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<Updates>(context);
      },
  };
}

}  // namespace steward::handlers::osupdate
