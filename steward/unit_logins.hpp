#pragma once

#include "subjects/identity/unit_login.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace steward::station {

// Renews the logins of units. Whether a request is the unit's own, and its key not denied, is the
// channel's to say; here it is said whether its login may go on. One thread.
class UnitLogins {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  struct Settings {
    std::filesystem::path keys;    // a folder, see read_unit_login_keys()
    std::filesystem::path units;   // what is known of units, see identity::known_unit()
    std::filesystem::path logins;  // of the broker that we run: whom its account revokes; or empty
    std::chrono::seconds life = identity::kLoginLife;
  };

  // One unit gets a login at most so often.
  static constexpr std::chrono::seconds kAgain{2};

  // Errors: those of identity::read_unit_login_keys().
  [[nodiscard]] static Result<UnitLogins> open(Settings settings);

  // A new login for the key that the unit is known by. Errors: not_found (it is not known), denied
  // (revoked), overloaded (it got one just now), those of files, internal.
  [[nodiscard]] Result<std::string> renew(const wire::NodeName& unit,
                                          wire::Timestamp now,
                                          Steady steady);

 private:
  UnitLogins(Settings settings, identity::UnitLoginKeys keys)
      : settings_(std::move(settings)), keys_(std::move(keys)) {}

  Result<void> read_revoked(wire::Timestamp now);

  struct Look {
    std::filesystem::file_time_type changed;
    std::uintmax_t bytes = 0;

    bool operator==(const Look&) const = default;
  };

  Settings settings_;
  identity::UnitLoginKeys keys_;
  std::map<std::string, Steady> given_;
  std::optional<Look> look_;       // of the file of logins, when it was read
  std::set<std::string> revoked_;  // users that it names
};

}  // namespace steward::station
