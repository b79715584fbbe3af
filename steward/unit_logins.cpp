#include "steward/unit_logins.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/login_configuration.hpp"

#include <system_error>
#include <utility>

namespace steward::station {

Result<UnitLogins> UnitLogins::open(Settings settings) {
  STEWARD_TRY(auto keys, identity::read_unit_login_keys(settings.keys));
  return UnitLogins(std::move(settings), std::move(keys));
}

// The broker refuses who is in there all the same; a login that is good for nothing is not signed.
Result<void> UnitLogins::read_revoked(wire::Timestamp now) {
  if (settings_.logins.empty()) {
    return {};
  }
  std::error_code error;
  const Look look{std::filesystem::last_write_time(settings_.logins, error),
                  std::filesystem::file_size(settings_.logins, error)};
  if (look == look_ && !error) {
    return {};
  }
  STEWARD_TRY(auto text, identity::read_file(settings_.logins));
  STEWARD_TRY(const auto read, identity::LoginConfiguration::parse(std::move(text), now));
  revoked_.clear();
  for (const auto& [user, at] : read.account().revoked) {
    revoked_.insert(user);
  }
  look_ = look;
  return {};
}

Result<std::string> UnitLogins::renew(const wire::NodeName& unit,
                                      wire::Timestamp now,
                                      Steady steady) {
  const auto given = given_.find(unit.str());
  if (given != given_.end() && steady - given->second < kAgain) {
    return failure(ErrorCode::overloaded, unit.str() + " got a login just now");
  }
  STEWARD_TRY(const auto known, identity::known_unit(settings_.units, unit));
  if (auto read = read_revoked(now); !read) {
    return tl::unexpected<Error>(std::move(read).error());
  }
  if (revoked_.contains(known.login.text())) {
    return failure(ErrorCode::denied, "the login of " + unit.str() + " is revoked");
  }
  STEWARD_TRY(auto jwt, identity::sign_unit_login(unit, known.login, keys_, now, settings_.life));
  given_.insert_or_assign(unit.str(), steady);
  return jwt;
}

}  // namespace steward::station
