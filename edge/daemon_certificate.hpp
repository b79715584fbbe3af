#pragma once

#include "subjects/identity/leaf_files.hpp"
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

// Gives a daemon a certificate of 24 hours, by the unit's own authority, as
// identity::issue_leaf_files() does; fresh, too, where other roots are believed. Errors: also
// not_found (the unit is not enrolled), bad_config (a name, no such user).
[[nodiscard]] Result<identity::Issued> certify(const CertificatePlan& plan, wire::Timestamp now);

}  // namespace steward::edge
