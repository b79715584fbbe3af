#include "steward/identity_alarms.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace steward::station {
namespace {

using wire::Severity;
using Days = std::chrono::duration<std::int64_t, std::ratio<86'400>>;

// Whole days until then; negative: it is over.
Days left_until(std::chrono::milliseconds moment, wire::Timestamp now) {
  return std::chrono::floor<Days>(wire::Timestamp(moment) - now);
}

wire::Alert alarm(
    std::string rule, Severity severity, std::string condition, Days left, wire::Timestamp now) {
  return {
      std::move(rule), "", severity, std::move(condition), static_cast<double>(left.count()), now};
}

std::optional<Severity> of_authority(Days left) {
  if (left >= Days(60)) {
    return std::nullopt;
  }
  return left < Days(7) ? Severity::critical : left < Days(30) ? Severity::warning : Severity::info;
}

}  // namespace

std::vector<wire::Alert> identity_alarms(const wire::UnitRow& row, wire::Timestamp now) {
  std::vector<wire::Alert> alarms;
  if (row.hello.authority_expires) {
    const auto left = left_until(*row.hello.authority_expires, now);
    if (const auto severity = of_authority(left)) {
      alarms.push_back(alarm("authority_expires",
                             *severity,
                             "days until its authority ends < 60: it needs another bundle",
                             left,
                             now));
    }
  }
  const bool there = row.state == wire::UnitState::up || row.state == wire::UnitState::late;
  if (row.hello.login_expires && there) {
    const auto left = left_until(*row.hello.login_expires, now);
    if (left < Days(1)) {
      alarms.push_back(alarm(
          "login_not_renewed", Severity::warning, "days until its login ends < 1", left, now));
    }
  }
  return alarms;
}

}  // namespace steward::station
