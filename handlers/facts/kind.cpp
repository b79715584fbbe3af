#include "handlers/facts/facts.hpp"

#include <memory>

namespace steward::handlers::facts {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "facts",
      .default_domain = "system",
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<FactsHandler>(context);
      },
  };
}

}  // namespace steward::handlers::facts
