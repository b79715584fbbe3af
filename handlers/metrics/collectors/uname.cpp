#include "handlers/metrics/collectors/collectors.hpp"

#include <sys/utsname.h>

#include <cerrno>

namespace steward::handlers::metrics {
namespace {

class Uname final : public Collector {
 public:
  std::string_view name() const override { return "uname"; }

  Result<void> collect(Samples& out, std::string&) override {
    utsname told{};
    if (::uname(&told) != 0) {
      return tl::unexpected(system_error(errno, "uname"));
    }
    out.gauge("node_uname_info",
              {{"domainname", told.domainname},
               {"machine", told.machine},
               {"nodename", told.nodename},
               {"release", told.release},
               {"sysname", told.sysname},
               {"version", told.version}},
              1);
    return {};
  }
};

}  // namespace

Made make_uname() { return std::make_unique<Uname>(); }

}  // namespace steward::handlers::metrics
