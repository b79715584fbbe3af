#include "tools/stewardctl/root_rotation.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/policy_revision.hpp"
#include "subjects/identity/signed_document.hpp"

#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

namespace steward::ctl {

namespace {

using identity::Access;
using identity::Certificate;
using identity::Existing;
using identity::Policy;
using identity::PrivateKey;
using std::filesystem::path;

constexpr std::chrono::hours kRootLife{24 * 365 * 20};
constexpr const char* kRootKey = "offline/root.key";
constexpr const char* kNextKey = "offline/next-root.key";
constexpr const char* kFormerKey = "offline/former-root.key";
constexpr const char* kRootCertificate = "root.crt";
constexpr const char* kNextCertificate = "next-root.crt";
constexpr const char* kPolicy = "policy.signed";

// What is wrong in the folder is wrong with what the person named.
Error in_folder_of(const path& file, const Error& error) {
  const bool own_word = error.code == ErrorCode::denied || error.code == ErrorCode::expired;
  return Error{own_word ? error.code : ErrorCode::bad_config, file.string() + ": " + error.message};
}

template <class T>
Result<T> in_rotation(const path& file, Result<T> read) {
  return std::move(read).map_error(
      [&file](const Error& error) { return in_folder_of(file, error); });
}

bool is_file_there(const path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

Result<void> put(const path& file, std::string_view text) {
  return in_rotation(file, identity::write_file(file, text, Access::everybody, Existing::replace));
}

Result<void> move_file(const path& from, const path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) {
    return failure(ErrorCode::bad_config, "rename " + from.string() + ": " + error.message());
  }
  return {};
}

Result<Certificate> certificate_at(const path& file) {
  STEWARD_TRY(const auto pem, in_rotation(file, identity::read_file(file)));
  STEWARD_TRY(auto read, in_rotation(file, Certificate::parse_pem(pem, 1)));
  return std::move(read.front());
}

// A key, and the passphrase that it was under.
struct Unlocked {
  PrivateKey key;
  std::optional<identity::Secret> passphrase;
};

Result<Unlocked> unlock(const path& file, const identity::AskPassphrase& ask) {
  std::optional<identity::Secret> given;
  auto key = identity::read_key_file(file, [&]() -> Result<identity::Secret> {
    STEWARD_TRY(auto said, ask());
    given.emplace(identity::Secret::copy_of(said.view()));
    return said;
  });
  STEWARD_TRY(auto read, in_rotation(file, std::move(key)));
  return Unlocked{std::move(read), std::move(given)};
}

// Made once: an interrupted rotation goes on with it.
Result<PrivateKey> next_key(const path& file, const Unlocked& present) {
  if (!is_file_there(file)) {
    STEWARD_TRY(const auto made, PrivateKey::generate());
    auto written = present.passphrase
                       ? identity::write_key_file(file, made, *present.passphrase, Existing::keep)
                       : identity::write_key_file(file, made, Existing::keep);
    if (!written) {
      return tl::unexpected<Error>(in_folder_of(file, written.error()));
    }
  }
  auto read = identity::read_key_file(file, [&present]() -> Result<identity::Secret> {
    if (!present.passphrase) {
      return identity::no_passphrase();
    }
    return identity::Secret::copy_of(present.passphrase->view());
  });
  return in_rotation(file, std::move(read));
}

Result<Certificate> next_certificate(const path& folder,
                                     const identity::ClusterName& cluster,
                                     const PrivateKey& key,
                                     wire::Timestamp now) {
  const auto file = folder / kNextCertificate;
  if (!is_file_there(file)) {
    STEWARD_TRY(const auto made, identity::issue_root(cluster, key, {now, now + kRootLife}));
    STEWARD_TRY(const auto pem, made.pem());
    if (auto written = put(file, pem); !written) {
      return tl::unexpected<Error>(std::move(written).error());
    }
  }
  return certificate_at(file);
}

// The policy of the folder as the holder of that key has signed it.
struct SignedPolicy {
  Policy policy;
  std::string body;
};

Result<SignedPolicy> policy_of(const path& folder, const PrivateKey& root) {
  const auto file = folder / kPolicy;
  STEWARD_TRY(const auto document, in_rotation(file, identity::read_file(file)));
  STEWARD_TRY(
      const auto body,
      in_rotation(
          file, identity::open_document(identity::Purpose::policy, document, {root.public_key()})));
  STEWARD_TRY(const auto parsed, in_rotation(file, Policy::parse(body)));
  STEWARD_TRY(
      auto policy,
      in_rotation(file, identity::open_policy(document, {root.public_key()}, parsed.cluster())));
  return SignedPolicy{std::move(policy), std::string(body)};
}

bool is_signed_by(const path& folder, const PrivateKey& key) {
  const auto document = identity::read_file(folder / kPolicy);
  return document && identity::signer_of(*document) == key.public_key().id();
}

Result<void> put_policy(const path& folder, const std::string& body, const PrivateKey& root) {
  STEWARD_TRY(const auto document, identity::sign_document(identity::Purpose::policy, body, root));
  auto written = put(folder / "policy.json", body);
  return written ? put(folder / kPolicy, document) : written;
}

// The policy that a rotation begins with.
Result<SignedPolicy> policy_before(const path& folder, const PrivateKey& root) {
  STEWARD_TRY(auto before, policy_of(folder, root));
  if (before.policy.is_overlap()) {
    return failure(ErrorCode::conflict,
                   "a root follows another already: end that first (stewardctl ca retire)");
  }
  return before;
}

// The key of the present root: the former one's name, where a rotation was cut off behind that
// step.
path present_key(const path& folder) {
  const bool is_former = is_file_there(folder / kNextKey) && !is_file_there(folder / kRootKey);
  return folder / (is_former ? kFormerKey : kRootKey);
}

// Both policies; the one that the folder's tools go on with is the last to be written.
Result<void> make_policies(const path& folder,
                           const PrivateKey& present,
                           const PrivateKey& next,
                           wire::Timestamp now) {
  STEWARD_TRY(const auto before, policy_before(folder, present));
  STEWARD_TRY(const auto old_root, certificate_at(folder / kRootCertificate));
  STEWARD_TRY(const auto new_root, next_certificate(folder, before.policy.cluster(), next, now));
  STEWARD_TRY(
      const auto overlap,
      in_rotation(folder / kPolicy, identity::with_roots(before.body, {old_root, new_root}, now)));
  STEWARD_TRY(
      const auto after,
      in_rotation(folder / kPolicy, identity::with_roots(overlap, {new_root, old_root}, now)));
  STEWARD_TRY(const auto document,
              identity::sign_document(identity::Purpose::policy, overlap, present));
  auto written = put(folder / "overlap.signed", document);
  return written ? put_policy(folder, after, next) : written;
}

// The new root takes the place of the former one in the folder; each step may have been done.
Result<void> take_over(const path& folder, const PrivateKey& next) {
  if (is_file_there(folder / kNextCertificate)) {
    if (auto done = move_file(folder / kNextCertificate, folder / kRootCertificate); !done) {
      return done;
    }
  }
  if (auto done = put(folder / "root.pub", next.public_key().text() + "\n"); !done) {
    return done;
  }
  if (is_file_there(folder / kRootKey)) {
    if (auto done = move_file(folder / kRootKey, folder / kFormerKey); !done) {
      return done;
    }
  }
  return move_file(folder / kNextKey, folder / kRootKey);
}

}  // namespace

Result<RotatedRoot> rotate_root(const path& folder,
                                const identity::AskPassphrase& ask,
                                wire::Timestamp now) {
  STEWARD_TRY(const auto present, unlock(present_key(folder), ask));
  if (!is_file_there(folder / kNextKey)) {
    if (const auto before = policy_before(folder, present.key); !before) {
      return tl::unexpected<Error>(before.error());
    }
  }
  STEWARD_TRY(const auto next, next_key(folder / kNextKey, present));
  if (!is_signed_by(folder, next)) {
    if (auto made = make_policies(folder, present.key, next, now); !made) {
      return tl::unexpected<Error>(std::move(made).error());
    }
  }
  STEWARD_TRY(const auto after, policy_of(folder, next));
  if (auto done = take_over(folder, next); !done) {
    return tl::unexpected<Error>(std::move(done).error());
  }
  return RotatedRoot{after.policy.version() - 1, after.policy.version()};
}

Result<std::uint64_t> retire_root(const path& folder,
                                  const identity::AskPassphrase& ask,
                                  wire::Timestamp now) {
  if (is_file_there(folder / kNextKey)) {
    return failure(ErrorCode::conflict,
                   "the rotation was interrupted: run stewardctl ca rotate again");
  }
  STEWARD_TRY(const auto root, unlock(folder / kRootKey, ask));
  STEWARD_TRY(const auto before, policy_of(folder, root.key));
  if (!before.policy.is_overlap()) {
    if (before.policy.roots().empty()) {
      return failure(ErrorCode::not_found, "no root follows another: stewardctl ca rotate");
    }
    return before.policy.version();
  }
  STEWARD_TRY(const auto own, certificate_at(folder / kRootCertificate));
  STEWARD_TRY(const auto body,
              in_rotation(folder / kPolicy, identity::with_roots(before.body, {own}, now)));
  if (auto written = put_policy(folder, body, root.key); !written) {
    return tl::unexpected<Error>(std::move(written).error());
  }
  return before.policy.version() + 1;
}

}  // namespace steward::ctl
