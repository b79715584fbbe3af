#include "edge/daemon_certificate.hpp"

#include "edge/enrollment.hpp"
#include "subjects/identity/files.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace steward::edge {
namespace {

Result<void> give_to(const std::filesystem::path& file, const std::string& owner) {
  if (owner.empty()) {
    return {};
  }
  const auto* const user = ::getpwnam(owner.c_str());
  if (user == nullptr) {
    return failure(ErrorCode::bad_config, "there is no user " + owner);
  }
  if (::chown(file.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return tl::unexpected<Error>(system_error(errno, "give " + file.string() + " to " + owner));
  }
  return {};
}

}  // namespace

Result<identity::Issued> certify(const CertificatePlan& plan, wire::Timestamp now) {
  const auto daemon = identity::DaemonName::parse(plan.daemon);
  if (!daemon) {
    return failure(ErrorCode::bad_config, "the daemon's name: " + daemon.error().message);
  }
  STEWARD_TRY(const auto node, identity_in(plan.unit));
  STEWARD_TRY(const auto roots, roots_in(plan.unit));
  STEWARD_TRY(
      const auto issued,
      identity::issue_leaf_files(
          {.program = {node.cluster, node.node, *daemon}, .authority = plan.unit, .out = plan.out},
          now));
  if (auto given = give_to(plan.out / "key.pem", plan.owner); !given) {
    return tl::unexpected(std::move(given).error());
  }
  const auto roots_file = plan.out / "root.pem";
  if (identity::read_file(roots_file).value_or("") == roots) {
    return issued;
  }
  auto written = identity::write_file(
      roots_file, roots, identity::Access::everybody, identity::Existing::replace);
  return std::move(written).map([] { return identity::Issued::fresh; });
}

}  // namespace steward::edge
