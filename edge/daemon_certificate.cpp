#include "edge/daemon_certificate.hpp"

#include "edge/enrollment.hpp"
#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace steward::edge {
namespace {

using identity::Access;
using identity::Certificate;
using identity::Existing;
using identity::PrivateKey;

constexpr std::chrono::hours kLife{24};

// A peer whose clock is a little behind takes a fresh one, too, unless the authority is as fresh.
constexpr std::chrono::minutes kSlack{5};

Result<Certificate> certificate_in(const std::filesystem::path& file) {
  STEWARD_TRY(const auto text, identity::read_file(file));
  STEWARD_TRY(auto found, Certificate::parse_pem(text, 1));
  return std::move(found.front());
}

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

// Of the present key and authority, with a third of its life left.
bool is_good(const std::filesystem::path& file,
             const PrivateKey& key,
             const Certificate& authority,
             wire::Timestamp now) {
  const auto text = identity::read_file(file);
  const auto chain = text ? Certificate::parse_pem(*text, 2)
                          : Result<std::vector<Certificate>>(tl::unexpected(text.error()));
  if (!chain || chain->size() != 2 || chain->at(1) != authority ||
      chain->at(0).public_key() != key.public_key()) {
    return false;
  }
  const auto& validity = chain->at(0).validity();
  return now >= validity.from && now < validity.from + (validity.until - validity.from) * 2 / 3;
}

}  // namespace

Result<Issued> certify(const CertificatePlan& plan, wire::Timestamp now) {
  const auto daemon = identity::DaemonName::parse(plan.daemon);
  if (!daemon) {
    return failure(ErrorCode::bad_config, "the daemon's name: " + daemon.error().message);
  }
  STEWARD_TRY(const auto node, identity_in(plan.unit));
  STEWARD_TRY(const auto authority_key,
              identity::read_key_file(plan.unit / "authority.key", identity::no_passphrase));
  STEWARD_TRY(const auto authority, certificate_in(plan.unit / "authority.crt"));
  STEWARD_TRY(const auto roots, roots_in(plan.unit));
  if (now >= authority.validity().until) {
    return failure(ErrorCode::expired, "the unit's authority has expired: enroll it again");
  }
  std::error_code error;
  std::filesystem::create_directories(plan.out, error);
  if (error) {
    return failure(ErrorCode::io, "make " + plan.out.string() + ": " + error.message());
  }
  STEWARD_TRY(const auto key, identity::own_key_file(plan.out / "key.pem"));
  if (auto given = give_to(plan.out / "key.pem", plan.owner); !given) {
    return tl::unexpected(std::move(given).error());
  }
  const auto chain_file = plan.out / "chain.pem";
  const auto roots_file = plan.out / "root.pem";
  const bool same_roots = identity::read_file(roots_file).value_or("") == roots;
  if (same_roots && is_good(chain_file, key, authority, now)) {
    return Issued::kept;
  }
  STEWARD_TRY(
      auto leaf,
      identity::issue_leaf({node.cluster, node.node, *daemon},
                           key.public_key(),
                           authority,
                           authority_key,
                           {std::max(now - kSlack, authority.validity().from), now + kLife}));
  STEWARD_TRY(const auto chain, identity::encode_chain({std::move(leaf), authority}));
  for (const auto& [file, text] : {std::pair{roots_file, roots}, std::pair{chain_file, chain}}) {
    if (auto written = identity::write_file(file, text, Access::everybody, Existing::replace);
        !written) {
      return tl::unexpected(std::move(written).error());
    }
  }
  return Issued::fresh;
}

}  // namespace steward::edge
