#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/process.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace steward::wire {

// Payloads of the method daemon. The contract, with each field's meaning and bounds, is in
// README.md ("daemon").

inline constexpr std::size_t kMostDaemons = 1'000;     // of a unit
inline constexpr std::size_t kLongestDaemonName = 64;  // of A-Z a-z 0-9 _ - . and a replica's @N
inline constexpr std::int64_t kMostReplicas = 100;     // of a daemon

// "web"; "web@2", the second replica of it.
bool is_daemon_name(std::string_view name);

// "web" of "web@2"; others as they are.
std::string_view daemon_base(std::string_view name);

// A unit of systemd: "nginx.service", "getty@tty1.service".
bool is_unit_name(std::string_view name);

// Who runs it: the agent with a shim, systemd, or systemd where there is one.
enum class DaemonMode { own, systemd, automatic };
enum class ReadyBy { none, delay, notify, descriptor, tcp, http };
enum class RestartPolicy { always, on_failure, never };

struct DaemonReady {
  ReadyBy by = ReadyBy::none;
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds delay{0};
  std::int64_t fd = 3;
  std::string address;  // of tcp: "127.0.0.1:80"
  std::string url;      // of http

  bool operator==(const DaemonReady&) const = default;
};

// Asks a daemon that is ready again and again whether it is well.
struct DaemonCheck {
  enum class By { exec, tcp, http, unix_socket, watchdog };
  enum class Action { restart, event };

  By by = By::exec;
  std::vector<std::string> argv;  // of exec: exit code 0 is well
  std::string address;            // of tcp: "127.0.0.1:80"; of unix: an absolute path
  std::string url;                // of http: "http://127.0.0.1:80/health"
  std::int64_t expect = 0;        // of http: the status; 0: 200 to 399
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{2'000};  // of an attempt; of watchdog: the longest silence
  std::int64_t fail = 3;                     // so many attempts in a row, and it is not well
  std::int64_t ok = 1;                       // so many, and it is again
  std::chrono::milliseconds grace{10'000};   // after it is ready
  Action action = Action::restart;

  bool operator==(const DaemonCheck&) const = default;
};

inline constexpr std::size_t kMostChecks = 16;  // of a daemon

struct DaemonRestart {
  RestartPolicy policy = RestartPolicy::always;
  std::chrono::milliseconds shortest{250};
  std::chrono::milliseconds longest{300'000};
  double factor = 2;
  double jitter = 0.2;                      // a part of the pause, to either side
  std::chrono::milliseconds reset{60'000};  // so long up, and the pauses begin anew

  bool operator==(const DaemonRestart&) const = default;
};

struct DaemonStop {
  std::string signal = "TERM";
  std::chrono::milliseconds grace{10'000};

  bool operator==(const DaemonStop&) const = default;
};

// What becomes of a daemon while the unit has no link to the broker.
struct DaemonLinkLost {
  enum class Action { keep, stop, exec };

  Action action = Action::keep;
  std::chrono::milliseconds after{60'000};  // without a link
  std::vector<std::string> argv;            // of exec: run once each time

  bool operator==(const DaemonLinkLost&) const = default;
};

// What a daemon is to be: the same in a command and in a file.
struct DaemonSpec {
  std::string name;
  DaemonMode mode = DaemonMode::own;
  std::string unit;  // of systemd; empty: one made from argv
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string cwd = "/";
  std::string user;   // empty: the agent's own
  std::string group;  // empty: the user's
  std::optional<std::int64_t> umask;
  DaemonReady ready;
  std::vector<DaemonCheck> health;
  DaemonRestart restart;
  DaemonStop stop;
  ProcessLimits limits;
  std::vector<std::string> after;            // not before these are ready, where they are wanted
  std::vector<std::string> requires_;        // as after; and only while they are wanted
  std::size_t log_bytes = 16 * 1024 * 1024;  // of its output, kept on the unit
  std::string log_domain;  // of syslogforwarding, which forwards its output; empty: none does
  DaemonLinkLost link_lost;
  bool certificate = false;        // of its own, by the unit's authority
  std::string certificate_signal;  // "HUP": it is told by it of a new one; empty: it looks itself
  bool keep = true;                // when the agent stops
  std::int64_t replicas = 1;       // more: so many like it, "web@1" and on

  bool operator==(const DaemonSpec&) const = default;
};

// The daemons that a spec means: itself, or one for each of its replicas, with a name of its own
// and its number in place of %i (%% is a %) in argv, env, cwd, unit, ready and health.
std::vector<DaemonSpec> replicas_of(const DaemonSpec& spec);

// One JSON object.
std::string encode(const DaemonSpec& spec);

// Errors: bad_payload (a field that is not known, too), unsupported.
[[nodiscard]] Result<DaemonSpec> decode_daemon_spec(std::string_view json);

// The names of the fields in which two differ.
std::vector<std::string> changes(const DaemonSpec& one, const DaemonSpec& other);

// Make it so: started, as the spec says.
struct DaemonApply {
  DaemonSpec spec;
  bool wait = true;      // until it is ready, or has gone back to what it was
  bool dry_run = false;  // only say what would change

  bool operator==(const DaemonApply&) const = default;
};

// The name is one of a daemon, or of a unit of systemd that is none: systemd is told then, and
// nothing is kept.
struct DaemonOrder {
  enum class Op { start, stop, restart, remove, reload, freeze, thaw, enable, disable, reset };
  Op op = Op::start;
  std::string name;
  bool wait = true;  // of the first four

  bool operator==(const DaemonOrder&) const = default;
};

struct DaemonSignal {
  std::string name;
  std::string signal;  // "HUP", without SIG

  bool operator==(const DaemonSignal&) const = default;
};

struct DaemonStatus {
  std::string name;  // empty: all of them

  bool operator==(const DaemonStatus&) const = default;
};

// Every unit that systemd has loaded.
struct DaemonUnits {
  bool operator==(const DaemonUnits&) const = default;
};

struct DaemonLogs {
  std::string name;
  std::size_t lines = 100;
  std::optional<std::uint64_t> offset;  // from there on, in place of the last lines

  bool operator==(const DaemonLogs&) const = default;
};

using DaemonRequest =
    std::variant<DaemonApply, DaemonOrder, DaemonSignal, DaemonStatus, DaemonUnits, DaemonLogs>;

struct DecodedDaemonRequest {
  DaemonRequest request;
  std::vector<std::string> ignored;
};

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<DecodedDaemonRequest> decode_daemon_request(std::string_view payload);

std::string encode(const DaemonRequest& request);

// unhealthy: it runs, and a check fails that does not restart it.
enum class DaemonState { stopped, waiting, starting, ready, backoff, stopping, failed, unhealthy };

std::string_view word(DaemonState state);

// How a run has ended.
struct DaemonExit {
  Timestamp started;
  Timestamp ended;
  std::optional<std::int64_t> exit_code;
  std::string signal;  // "KILL": ended by it; with neither: nobody knows
  bool core_dumped = false;
  std::string last_log;  // its last lines
  std::string cause;     // what systemd says beyond that: "watchdog", "oom-kill", "timeout"

  bool operator==(const DaemonExit&) const = default;
};

// A daemon as its unit tells it.
struct DaemonRow {
  std::string name;
  DaemonState state = DaemonState::stopped;
  std::string reason;  // why it is not as wanted, what it waits for
  bool wanted = true;  // to be up
  std::int64_t version = 1;
  std::int64_t pid = 0;
  std::int64_t restarts = 0;  // by itself, since this agent knows it
  std::optional<Timestamp> since;
  std::string status;  // in the daemon's own words
  std::string unit;    // of systemd, where that runs it
  std::optional<DaemonExit> last_exit;

  bool operator==(const DaemonRow&) const = default;
};

// A daemon of a unit as a station tells it.
struct UnitDaemon {
  std::string unit;
  std::string domain;
  DaemonRow daemon;
  Timestamp heard;        // by the station's clock
  std::string epoch;      // of the unit's outbox, and the place in it: what was told before that
  std::uint64_t seq = 0;  // changes nothing

  bool operator==(const UnitDaemon&) const = default;
};

std::string encode(const UnitDaemon& daemon);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<UnitDaemon> decode_unit_daemon(std::string_view json);

std::string encode(const DaemonRow& row);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<DaemonRow> decode_daemon_row(std::string_view json);

// Payload of <node>.event.daemon.<domain>, recorded: one has changed; or all that there are, of a
// part of the alphabet where they do not fit into one message.
struct DaemonEvent {
  enum class Type { state, exit, removed, all };
  Type type = Type::state;
  std::vector<DaemonRow> daemons;  // one, but for `all`
  std::string behind;              // of `all`: those whose names come behind that one,
  std::string up_to;               // up to and with that one; empty: to the end

  bool operator==(const DaemonEvent&) const = default;
};

std::string encode(const DaemonEvent& event);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<DaemonEvent> decode_daemon_event(std::string_view payload);

}  // namespace steward::wire
