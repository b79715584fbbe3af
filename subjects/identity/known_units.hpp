#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/identity/nkey.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"

#include <filesystem>
#include <string>

// What a cluster keeps of its units: one folder, with the key that a station believes as
// <unit>.pub, and what else it takes to revoke the unit as <unit>.login.
namespace steward::identity {

struct KnownUnit {
  PublicKey message;
  Nkey login;
  std::string authority_id;  // the id of the key that certifies its daemons; empty: it has none
};

// A name belongs to the message key that came first with it; its login and authority may come anew.
// Errors: conflict (that name has another key already), those of write_file().
[[nodiscard]] Result<void> remember_unit(const std::filesystem::path& folder,
                                         const wire::NodeName& unit,
                                         const KnownUnit& known);

// Errors: not_found, bad_config (a file that is none of ours), those of read_file().
[[nodiscard]] Result<KnownUnit> known_unit(const std::filesystem::path& folder,
                                           const wire::NodeName& unit);

}  // namespace steward::identity
