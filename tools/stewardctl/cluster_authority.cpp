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

// The first line.
std::string line_of(const std::string& text) { return text.substr(0, text.find('\n')); }

// What is wrong in the folder is wrong with what the person named.
Error wrong(const std::filesystem::path& file, const Error& error) {
  return Error{error.code == ErrorCode::denied ? ErrorCode::denied : ErrorCode::bad_config,
               file.string() + ": " + error.message};
}

template <class T>
Result<T> of(const std::filesystem::path& file, Result<T> read) {
  return std::move(read).map_error([&file](const Error& error) { return wrong(file, error); });
}

}  // namespace

Result<std::unique_ptr<ClusterAuthority>> ClusterAuthority::open(
    const std::filesystem::path& folder, const identity::AskPassphrase& ask) {
  const auto at = [&folder](const char* name) { return folder / name; };
  STEWARD_TRY(auto root, of(at("offline/root.key"), read_key_file(at("offline/root.key"), ask)));
  STEWARD_TRY(const auto pem, of(at("root.crt"), identity::read_file(at("root.crt"))));
  STEWARD_TRY(auto certificates, of(at("root.crt"), identity::Certificate::parse_pem(pem, 1)));
  const auto seed_file = at("station/unit-login.seed");
  STEWARD_TRY(const auto seed, of(seed_file, identity::read_secret_file(seed_file)));
  STEWARD_TRY(auto scope, of(seed_file, identity::NkeyPair::parse_seed(seed.view())));
  const auto account_file = at("station/account");
  STEWARD_TRY(const auto account_text, of(account_file, identity::read_file(account_file)));
  STEWARD_TRY(auto account, of(account_file, identity::Nkey::parse(line_of(account_text))));
  const auto policy_file = at("policy.signed");
  STEWARD_TRY(auto policy, of(policy_file, identity::read_file(policy_file)));
  STEWARD_TRY(const auto body,
              of(policy_file,
                 identity::open_document(identity::Purpose::policy, policy, {root.public_key()})));
  STEWARD_TRY(const auto parsed, of(policy_file, identity::Policy::parse(body)));
  return std::unique_ptr<ClusterAuthority>(
      new ClusterAuthority(Held{folder,
                                std::move(root),
                                std::move(certificates.front()),
                                std::move(scope),
                                std::move(account),
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
  STEWARD_TRY(
      auto login,
      identity::sign_user(
          {request.login_key, request.node.node.str(), held_.account, std::nullopt, std::nullopt},
          held_.unit_scope,
          now));
  return identity::make_enrollment_bundle({request.node,
                                           request.message_key.id(),
                                           std::move(login),
                                           held_.certificate,
                                           std::move(authority),
                                           held_.policy,
                                           now},
                                          held_.root);
}

}  // namespace steward::ctl
