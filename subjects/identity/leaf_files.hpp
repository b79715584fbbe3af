#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace steward::identity {

// Who a program is to be, and where its files go.
struct LeafPlan {
  DaemonIdentity program;
  std::filesystem::path authority;  // folder with authority.key and authority.crt of its node
  std::filesystem::path out;        // key.pem (0600), chain.pem
  std::chrono::milliseconds life = std::chrono::hours(24);
};

enum class Issued { fresh, kept };

// Gives a program a key and a certificate by its node's authority. One with a third of its life
// left is kept, so this may be called as often as one likes. The key stays: a new certificate is
// one file that is replaced whole. Errors: expired (the authority), those of issue_leaf(), files
// and keys.
[[nodiscard]] Result<Issued> issue_leaf_files(const LeafPlan& plan, wire::Timestamp now);

// Key and certificate of a program that are made for it and told to it; `plan.out` is not used.
// Errors: as above.
struct ToldLeaf {
  std::string chain;  // PEM
  Secret key;         // PEM
};

[[nodiscard]] Result<ToldLeaf> issue_told_leaf(const LeafPlan& plan, wire::Timestamp now);

}  // namespace steward::identity
