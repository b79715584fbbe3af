#include "handlers/metrics/metrics.hpp"

#include <memory>

namespace steward::handlers::metrics {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "metrics",
      .default_domain = "system",
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<MetricsHandler>(context);
      },
  };
}

}  // namespace steward::handlers::metrics
