#pragma once

#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/leaf_files.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace steward::runtime {

// Keeps the certificate good that this program shows to a broker which asks for one: by the
// authority of its own node, for 24 hours each. A link that stands is not touched: its next
// connection shows the new one. On the loop's thread.
class OwnCertificate {
 public:
  struct Settings {
    std::string cluster;
    wire::NodeName node;
    std::string program;
    std::filesystem::path authority;  // folder with authority.key and authority.crt
    bus::TlsFiles files;              // as read_tls() gives them
  };

  // Looks at once, then every minute; null where the certificate is not our own. What goes wrong is
  // said in the log, and tried again. Loop and clock outlive it. Errors: bad_config (a name).
  [[nodiscard]] static Result<std::unique_ptr<OwnCertificate>> keep(const Settings& settings,
                                                                    Loop& loop,
                                                                    const Clock& clock,
                                                                    const Logger& log);

 private:
  OwnCertificate(identity::LeafPlan plan, Loop& loop, const Clock& clock, const Logger& log);
  void look();

  const identity::LeafPlan plan_;
  const Clock& clock_;
  const Logger log_;
  Complaint complaint_;
  Timer timer_;
};

}  // namespace steward::runtime
