#pragma once

#include <array>
#include <string_view>

namespace steward::wire {

// Methods whose commands are recorded: kept in the stream COMMANDS, taken into a unit's ledger and
// ACKed. A test holds this and the catalogue of handlers together.
inline constexpr std::array<std::string_view, 6> kRecordedCommands = {
    "shellcommand", "metrics", "facts", "syslogforwarding", "daemon", "osupdate"};

// Methods whose events go through a unit's outbox and the stream STATE.
inline constexpr std::array<std::string_view, 5> kRecordedEvents = {
    "ack", "facts", "alert", "daemon", "osupdate"};

// Commands that a station carries out itself, when it reads them from the stream COMMANDS: each
// station of that name does, and none of them says an ACK.
inline constexpr std::array<std::string_view, 3> kStationCommands = {"alerts", "groups", "rollout"};

// <node|@all>.command.policy.document: its payload is a signed policy as it is. Neither recorded
// nor acknowledged; believed for its own signature, whoever brings it.
inline constexpr std::string_view kPolicyRoute = "policy.document";

// <station>.command.logins.account: its payload is the JWT of the broker's account as it is, for a
// station that runs the broker. As above.
inline constexpr std::string_view kAccountRoute = "logins.account";

// Enrollment by bus, and the renewal of logins; all of it is method `enroll`, so that a login of
// the enrolling role can do nothing else. Neither recorded nor acknowledged. Behind <unit>.event. :
inline constexpr std::string_view kEnrollRequestRoute = "enroll.request";  // a signed request
inline constexpr std::string_view kEnrollRenewRoute = "enroll.renew";      // signed by the unit

// Behind <unit>.command. (the first one behind <station>.command. too):
inline constexpr std::string_view kEnrollBundleRoute = "enroll.bundle";  // signed by the root
inline constexpr std::string_view kEnrollStatusRoute = "enroll.status";
inline constexpr std::string_view kEnrollLoginRoute = "enroll.login";  // a login's JWT

// Behind <station>.command. :
inline constexpr std::string_view kEnrollRejectRoute = "enroll.reject";

}  // namespace steward::wire
