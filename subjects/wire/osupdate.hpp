#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace steward::wire {

// Payloads of the method osupdate. The contract, with each field's meaning and bounds, is in
// README.md ("osupdate").

inline constexpr std::size_t kMostUpdateNames = 500;       // that a command names
inline constexpr std::size_t kMostUpdatePackages = 1'500;  // that an answer lists
inline constexpr std::size_t kMostUpdateHistory = 50;      // runs that a unit remembers

// "libc6", "libc6:i386", "NetworkManager", "glibc.i686".
bool is_package_name(std::string_view name);

// "libc6", "libc6=2.36-9", "web=2:1.0^git1-3.fc40".
bool is_package_choice(std::string_view choice);

enum class UpdateScope { all, security, packages };
enum class UpdateMode { upgrade, full };
enum class ConffilePolicy { keep, replace, fail };

// Which of the updates there are.
struct UpdateChoice {
  UpdateScope scope = UpdateScope::all;
  std::vector<std::string> packages;  // of scope packages
  std::vector<std::string> exclude;
  UpdateMode mode = UpdateMode::upgrade;
  bool allow_new = true;                 // packages that are not there yet
  std::chrono::milliseconds min_age{0};  // since the unit has first been offered a version

  bool operator==(const UpdateChoice&) const = default;
};

struct UpdateCheck {
  bool refresh = false;  // the lists of the repositories first

  bool operator==(const UpdateCheck&) const = default;
};

struct UpdateList {
  bool operator==(const UpdateList&) const = default;
};

struct UpdatePlanRequest {
  UpdateChoice choice;

  bool operator==(const UpdatePlanRequest&) const = default;
};

// When a unit may be changed. Empty: at any time.
struct UpdateWindow {
  std::string cron;  // "0 2 * * 6": when it opens
  std::string zone = "UTC";
  std::chrono::milliseconds duration{7'200'000};

  bool operator==(const UpdateWindow&) const = default;
};

struct UpdateReboot {
  enum class Policy { never, if_required, always };

  Policy policy = Policy::never;
  std::chrono::milliseconds delay{60'000};
  bool lease = false;  // behind the delay it waits until its station grants it

  bool operator==(const UpdateReboot&) const = default;
};

// A program that says by its exit code whether the unit is well.
struct UpdateHealth {
  std::vector<std::string> argv;
  std::chrono::milliseconds timeout{300'000};  // it may fail for so long

  bool operator==(const UpdateHealth&) const = default;
};

// What changes the unit, or fetches what is to change it.
struct UpdateRun {
  enum class Op { download, apply, rollback, reboot };
  Op op = Op::apply;
  UpdateChoice choice;    // not of a rollback
  std::string plan_hash;  // only if the plan is still this one
  ConffilePolicy conffile = ConffilePolicy::keep;
  bool allow_remove = false;
  std::chrono::milliseconds lock_wait{600'000};
  std::int64_t most_bytes = 0;  // to fetch; 0: any
  std::int64_t rate = 0;        // bytes a second; 0: as fast as it goes
  std::string run;              // to roll back; empty: the last that was applied
  UpdateWindow window;
  std::vector<std::string> restart;  // globs of services that may be started anew
  UpdateReboot reboot;
  UpdateHealth health;
  std::vector<std::string> pre;   // a program before anything is changed; empty: none
  std::vector<std::string> post;  // and one behind all

  bool operator==(const UpdateRun&) const = default;
};

struct UpdateHold {
  bool hold = true;
  std::vector<std::string> packages;

  bool operator==(const UpdateHold&) const = default;
};

struct UpdateStatus {
  bool operator==(const UpdateStatus&) const = default;
};

struct UpdateHistory {
  std::size_t limit = 10;

  bool operator==(const UpdateHistory&) const = default;
};

// That run may reboot now: the station's word.
struct UpdateGrant {
  std::string run;  // id of its command

  bool operator==(const UpdateGrant&) const = default;
};

using UpdateRequest = std::variant<UpdateCheck,
                                   UpdateList,
                                   UpdatePlanRequest,
                                   UpdateRun,
                                   UpdateHold,
                                   UpdateStatus,
                                   UpdateHistory,
                                   UpdateGrant>;

struct DecodedUpdateRequest {
  UpdateRequest request;
  std::vector<std::string> ignored;
};

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<DecodedUpdateRequest> decode_update_request(std::string_view payload);

std::string encode(const UpdateRequest& request);

// A package and its way; `from` empty: it is new.
struct UpdatePackage {
  std::string name;
  std::string from;
  std::string to;
  std::string origin;
  bool security = false;
  std::int64_t bytes = 0;  // to fetch, where it is not there yet

  bool operator==(const UpdatePackage&) const = default;
};

// A package with an update that is not part of the plan, and why.
struct KeptBack {
  std::string name;
  std::string reason;  // "held", "excluded", "phased", "dependencies", "age"

  bool operator==(const KeptBack&) const = default;
};

struct UpdatePlan {
  std::string hash;
  std::vector<UpdatePackage> packages;
  std::vector<std::string> removed;
  std::vector<std::string> essential;  // of those: without them the system does not work
  std::vector<KeptBack> kept_back;
  std::vector<std::string> held;
  std::int64_t download_bytes = 0;
  std::int64_t disk_bytes = 0;          // more than now, or less
  std::size_t left_out = 0;             // packages that this answer has no room for
  std::vector<std::string> restarts;    // services that run code of these packages now
  std::vector<std::string> reboot_for;  // packages of it that ask for a reboot

  bool operator==(const UpdatePlan&) const = default;
};

std::string encode(const UpdatePlan& plan);

// Errors: bad_payload.
[[nodiscard]] Result<UpdatePlan> decode_update_plan(std::string_view json);

// A unit in a line.
struct UpdateSummary {
  std::int64_t updates = 0;
  std::int64_t security = 0;
  bool reboot_required = false;
  Timestamp checked;

  bool operator==(const UpdateSummary&) const = default;
};

std::string encode(const UpdateSummary& summary);

// Errors: bad_payload.
[[nodiscard]] Result<UpdateSummary> decode_update_summary(std::string_view json);

enum class UpdatePhase {
  queued,
  planning,
  waiting_window,
  waiting_lock,
  downloading,
  applying,
  repairing,
  services,
  reboot_pending,
  lease_wait,
  rebooting,
  verifying,
  done,
  failed,
  cancelled
};

std::string_view word(UpdatePhase phase);

struct ConffileOutcome {
  std::string path;
  bool kept = true;  // as it was; else the package's

  bool operator==(const ConffileOutcome&) const = default;
};

// How a run went, as its ACK, its last event and the history have it.
struct UpdateOutcome {
  std::string id;  // of its command
  UpdateRun::Op op = UpdateRun::Op::apply;
  UpdatePhase state = UpdatePhase::done;  // done, failed, cancelled
  std::string code;                       // of an error
  std::string message;
  Timestamp started;
  Timestamp ended;
  std::string plan_hash;
  std::vector<UpdatePackage> packages;  // that are as planned now
  std::vector<std::string> removed;
  std::vector<std::string> failed;  // that are not
  std::vector<ConffileOutcome> conffiles;
  bool repaired = false;               // an interrupted dpkg, on the way
  bool needs_help = false;             // packages are half installed, and one repair was not enough
  std::vector<std::string> restarted;  // services
  std::vector<std::string> stale;      // services that still run what was replaced
  bool rebooted = false;
  std::string kernel_before;  // of a reboot
  std::string kernel_after;
  bool reboot_required = false;
  std::string log;  // its last lines, where it failed

  bool operator==(const UpdateOutcome&) const = default;
};

std::string encode(const UpdateOutcome& outcome);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<UpdateOutcome> decode_update_outcome(std::string_view json);

// Payload of <node>.event.osupdate.<domain>: `phase`, `stalled`, `end` and `pending` recorded,
// `progress` streamed.
struct UpdateEvent {
  enum class Type { phase, progress, stalled, end, pending };
  Type type = Type::phase;
  std::string id;  // of the run; not of `pending`
  UpdatePhase phase = UpdatePhase::planning;
  std::int64_t percent = 0;
  std::string package;  // that it is at
  std::string text;     // who holds the lock, what apt says
  std::optional<UpdateOutcome> outcome;
  std::optional<UpdateSummary> summary;

  bool operator==(const UpdateEvent&) const = default;
};

std::string encode(const UpdateEvent& event);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<UpdateEvent> decode_update_event(std::string_view payload);

}  // namespace steward::wire
