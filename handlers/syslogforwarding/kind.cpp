#include "handlers/syslogforwarding/syslogforwarding.hpp"

#include <memory>

namespace steward::handlers::syslogforwarding {

runtime::HandlerKind kind();

runtime::HandlerKind kind() {
  return {
      .method = "syslogforwarding",
      .default_domain = "system",
      .make = [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
        return std::make_unique<SyslogForwardingHandler>(context);
      },
  };
}

}  // namespace steward::handlers::syslogforwarding
