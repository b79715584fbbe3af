#include "handlers/runtime/own_certificate.hpp"

#include <chrono>
#include <utility>

namespace steward::runtime {
namespace {

constexpr std::chrono::minutes kLookForExpiry{1};

}  // namespace

Result<std::unique_ptr<OwnCertificate>> OwnCertificate::keep(const Settings& settings,
                                                             Loop& loop,
                                                             const Clock& clock,
                                                             const Logger& log) {
  if (!settings.files.own) {
    return nullptr;
  }
  STEWARD_TRY(auto cluster, identity::ClusterName::parse(settings.cluster));
  STEWARD_TRY(auto program, identity::DaemonName::parse(settings.program));
  const std::filesystem::path chain = settings.files.certificate;
  return std::unique_ptr<OwnCertificate>(
      new OwnCertificate({.program = {std::move(cluster), settings.node, std::move(program)},
                          .authority = settings.authority,
                          .out = chain.parent_path()},
                         loop,
                         clock,
                         log));
}

OwnCertificate::OwnCertificate(identity::LeafPlan plan,
                               Loop& loop,
                               const Clock& clock,
                               const Logger& log)
    : plan_(std::move(plan)),
      clock_(clock),
      log_(log),
      complaint_(clock, log),
      timer_(loop, [this] { look(); }) {
  look();
  timer_.start_every(kLookForExpiry);
}

void OwnCertificate::look() {
  const auto issued = identity::issue_leaf_files(plan_, clock_.now());
  if (!issued) {
    complaint_.say("no certificate for the broker: " + issued.error().message);
  } else if (*issued == identity::Issued::fresh) {
    log_.info("a new certificate for the broker");
  }
}

}  // namespace steward::runtime
