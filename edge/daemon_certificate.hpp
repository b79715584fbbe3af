#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <filesystem>
#include <string>

namespace steward::edge {

// Who a daemon of this unit is to be, and where its files go.
struct CertificatePlan {
  std::filesystem::path unit;  // the folder that steward-edge enroll has filled
  std::string daemon;          // "nginx": nginx.<unit>.<cluster>.steward
  std::filesystem::path out;   // key.pem (0600), chain.pem, root.pem
  std::string owner;           // user who gets key.pem; empty: whoever calls
};

enum class Issued { fresh, kept };

// Gives a daemon a certificate of 24 hours, by the unit's own authority. One with a third of its
// life left is kept, so this may be called as often as one likes. A daemon's key stays: a new
// certificate is one file that is replaced whole. Errors: not_found (the unit is not enrolled),
// bad_config (a name, no such user), expired (the authority), those of files and keys.
[[nodiscard]] Result<Issued> certify(const CertificatePlan& plan, wire::Timestamp now);

}  // namespace steward::edge
