#include "tools/stewardctl/cluster_authority.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace steward::ctl {

namespace {

// A unit's authority for its own daemons; renewed by another bundle.
constexpr std::chrono::hours kAuthorityLife{24 * 365};

// A unit whose clock is a little behind takes a fresh one, too.
constexpr std::chrono::minutes kSlack{5};

// What is wrong in the folder is wrong with what the person named.
Error wrong_in_folder(const std::filesystem::path& file, const Error& error) {
  return Error{error.code == ErrorCode::denied ? ErrorCode::denied : ErrorCode::bad_config,
               file.string() + ": " + error.message};
}

template <class T>
Result<T> of_authority(const std::filesystem::path& file, Result<T> read) {
  return std::move(read).map_error(
      [&file](const Error& error) { return wrong_in_folder(file, error); });
}

}  // namespace

Result<std::unique_ptr<ClusterAuthority>> ClusterAuthority::open(
    const std::filesystem::path& folder, const identity::AskPassphrase& ask) {
  const auto at = [&folder](const char* name) { return folder / name; };
  STEWARD_TRY(auto root,
              of_authority(at("offline/root.key"), read_key_file(at("offline/root.key"), ask)));
  STEWARD_TRY(const auto pem, of_authority(at("root.crt"), identity::read_file(at("root.crt"))));
  STEWARD_TRY(auto certificates,
              of_authority(at("root.crt"), identity::Certificate::parse_pem(pem, 1)));
  const auto station = at("station");
  STEWARD_TRY(auto logins, of_authority(station, identity::read_unit_login_keys(station)));
  const auto policy_file = at("policy.signed");
  STEWARD_TRY(auto policy, of_authority(policy_file, identity::read_file(policy_file)));
  STEWARD_TRY(const auto body,
              of_authority(
                  policy_file,
                  identity::open_document(identity::Purpose::policy, policy, {root.public_key()})));
  STEWARD_TRY(const auto parsed, of_authority(policy_file, identity::Policy::parse(body)));
  return std::unique_ptr<ClusterAuthority>(
      new ClusterAuthority(Held{folder,
                                std::move(root),
                                std::move(certificates.front()),
                                std::move(logins),
                                std::move(policy),
                                parsed.denied_keys(),
                                parsed.cluster()}));
}

Result<std::string> ClusterAuthority::let_in(const identity::EnrollmentRequest& request,
                                             wire::Timestamp now) const {
  if (request.node.cluster != held_.cluster) {
    return failure(ErrorCode::denied,
                   "the request is for the cluster " + request.node.cluster.str() + ", this is " +
                       held_.cluster.str());
  }
  if (held_.denied.contains(request.message_key.id())) {
    return failure(ErrorCode::denied,
                   request.node.node.str() + " was revoked: names are not used again");
  }
  auto known =
      identity::remember_unit(held_.folder / "station/units",
                              request.node.node,
                              {request.message_key, request.login_key, request.authority_key.id()});
  if (!known) {
    return tl::unexpected<Error>(std::move(known).error());
  }
  STEWARD_TRY(auto authority,
              identity::issue_authority(request.node,
                                        request.authority_key,
                                        held_.certificate,
                                        held_.root,
                                        {std::max(now - kSlack, held_.certificate.validity().from),
                                         now + kAuthorityLife}));
  const auto& unit = request.node.node;
  const auto until = authority.validity().until;
  STEWARD_TRY(auto login, identity::sign_unit_login(unit, request.login_key, held_.logins, now));
  STEWARD_TRY(auto renewal,
              identity::sign_enrolling_login(unit, request.login_key, held_.logins, now, until));
  return identity::make_enrollment_bundle({request.node,
                                           request.message_key.id(),
                                           std::move(login),
                                           held_.certificate,
                                           std::move(authority),
                                           held_.policy,
                                           now,
                                           std::move(renewal)},
                                          held_.root);
}

}  // namespace steward::ctl
