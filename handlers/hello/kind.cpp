#include "handlers/hello/hello.hpp"

#include <memory>

namespace steward::handlers::hello {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "hello",
      .default_domain = "agent",
      .acked = false,
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<HelloHandler>(context);
      },
  };
}

}  // namespace steward::handlers::hello
