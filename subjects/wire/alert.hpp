#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

class Fields;

enum class Severity { info, warning, critical };

std::string_view word(Severity severity);

inline constexpr std::size_t kMostRules = 64;        // of a unit
inline constexpr std::size_t kMostAlerts = 256;      // of a unit, open at once
inline constexpr std::size_t kLongestRuleName = 64;  // of A-Z a-z 0-9 _ - .
inline constexpr std::size_t kLongestSeries = 512;

bool is_rule_name(std::string_view name);

// When a unit is to raise an alert. The contract is in README.md ("alert").
struct AlertRule {
  enum class When { above, below };

  std::string name;
  std::string metric;  // load1, node_load1, filesystem_avail_bytes{mountpoint="/"}: each of its
                       // series by itself
  std::string of;      // its value is divided by this metric's, where that has the same labels
  bool rate = false;   // its growth per second
  When when = When::above;
  double threshold = 0;
  double clear = 0;                   // an alert ends where the value is not beyond this any more
  std::chrono::milliseconds hold{0};  // it begins once the value was beyond for so long
  Severity severity = Severity::warning;
  std::vector<std::string> run;  // a program, when it begins and when it ends
  std::chrono::milliseconds run_timeout{30'000};

  bool operator==(const AlertRule&) const = default;
};

// For people: "load1 > 4 for 60s".
std::string condition_of(const AlertRule& rule);

// One JSON object.
std::string encode(const AlertRule& rule);

// What the fields are; `ignored` are left to the caller. For what holds rules.
AlertRule read_rule(Fields& fields);

// Errors: bad_payload (a field that is not known, too), unsupported.
[[nodiscard]] Result<AlertRule> decode_alert_rule(std::string_view json);

// An alert that is open, or has just ended.
struct Alert {
  std::string rule;
  std::string series;  // as Prometheus writes it; of what has no series: empty
  Severity severity = Severity::warning;
  std::string condition;  // for people
  double value = 0;
  Timestamp since;  // of the unit's clock

  bool operator==(const Alert&) const = default;
};

// Payload of <node>.event.alert.<method>: one has begun or ended; or all that are open.
struct AlertEvent {
  enum class State { firing, resolved, all };

  State state = State::firing;
  std::vector<Alert> alerts;  // one, but for `all`
  std::string reason;         // why it has ended, where its value has not come back

  bool operator==(const AlertEvent&) const = default;
};

std::string encode(const AlertEvent& event);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<AlertEvent> decode_alert_event(std::string_view payload);

// One open alert as a station tells it.
struct AlertRow {
  std::string unit;
  std::string source;  // the method that raised it: metrics
  Alert alert;
  Timestamp heard;       // by the station's clock
  std::string acked_by;  // who has said that he has seen it; empty: nobody
  std::optional<Timestamp> acked_at;
  std::string note;
  std::optional<Timestamp> silenced_until;

  bool operator==(const AlertRow&) const = default;
};

std::string encode(const AlertRow& row);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<AlertRow> decode_alert_row(std::string_view json);

// What keeps alerts quiet for a time, as a station tells it.
struct SilenceRow {
  std::string id;
  std::string target;  // names of units, see Target
  std::string rule;    // a glob
  Timestamp until;
  std::string by;
  std::string note;

  bool operator==(const SilenceRow&) const = default;
};

std::string encode(const SilenceRow& row);

// Errors: bad_payload.
[[nodiscard]] Result<SilenceRow> decode_silence_row(std::string_view json);

// Payload of <station>.command.alerts.<domain>.
struct AlertsRequest {
  enum class Op { ack, silence, unsilence, drop };

  Op op = Op::ack;
  std::string target;  // ack, silence, drop: names of units, see Target
  std::string rule;    // a glob: those rules alone
  std::string note;
  std::chrono::milliseconds time{0};  // silence
  std::string id;                     // unsilence

  bool operator==(const AlertsRequest&) const = default;
};

inline constexpr std::chrono::hours kLongestSilence{24 * 365};

std::string encode(const AlertsRequest& request);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<AlertsRequest> decode_alerts_request(std::string_view payload);

}  // namespace steward::wire
