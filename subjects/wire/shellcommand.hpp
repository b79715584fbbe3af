#pragma once

#include "subjects/wire/names.hpp"
#include "subjects/wire/process.hpp"

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

// Payloads of the method shellcommand. The contract, with each field's meaning and bounds, is in
// README.md ("shellcommand"); here they are as C++ sees them.

enum class EnvironmentMode { clean, inherit };
enum class KillScope { tree, main };
enum class OutputMode { result, stream, both, none };
enum class OutputKeep { headtail, tail, head };
enum class OutputEncoding { automatic, utf8, base64 };
enum class QueueMode { serial, parallel, replace, reject };
enum class ExpectAction { event, kill };

struct TerminalSize {
  std::int64_t columns = 80;
  std::int64_t rows = 24;

  bool operator==(const TerminalSize&) const = default;
};

struct OutputOptions {
  OutputMode mode = OutputMode::result;
  std::size_t max_bytes = 1024 * 1024;  // kept for the result, both streams together
  OutputKeep keep = OutputKeep::headtail;
  std::size_t chunk_bytes = 32 * 1024;
  std::chrono::milliseconds flush{200};
  bool merge = false;                          // stderr into stdout, in order
  std::size_t spool_bytes = 64 * 1024 * 1024;  // on the unit's disk, while the bus is away
  OutputEncoding encoding = OutputEncoding::automatic;

  bool operator==(const OutputOptions&) const = default;
};

struct Expectation {
  std::string regex;  // a Pattern (pattern.hpp), searched in each line of the output
  std::chrono::milliseconds within{0};
  ExpectAction action = ExpectAction::event;

  bool operator==(const Expectation&) const = default;
};

// Run a program.
struct ShellRun {
  std::vector<std::string> argv;  // of the program; or:
  std::string shell;              // a script for the interpreter
  std::string interpreter = "/bin/sh";
  std::string cwd = "/";
  std::map<std::string, std::string> env;
  EnvironmentMode env_mode = EnvironmentMode::clean;
  std::string user;   // empty: the agent's own
  std::string group;  // empty: the user's
  std::optional<std::int64_t> umask;
  std::optional<std::string> stdin_bytes;  // none: /dev/null
  bool stdin_open = false;                 // stays open for op stdin after stdin_bytes
  std::optional<TerminalSize> pty;
  std::chrono::milliseconds timeout{60'000};  // 0: none, as is usual for a detached one
  std::chrono::milliseconds grace{5'000};     // from TERM to KILL
  KillScope kill_scope = KillScope::tree;
  std::chrono::milliseconds drain{500};  // for output after the program's exit
  std::chrono::milliseconds stall{0};    // silence after which a stall event is said; 0: never
  OutputOptions output;
  ProcessLimits limits;
  std::vector<std::int64_t> ok_codes{0};
  QueueMode queue = QueueMode::serial;
  std::int64_t max_parallel = 4;
  std::string creates;                   // do not run where this path exists
  std::string removes;                   // do not run where this path does not exist
  std::vector<std::string> unless_argv;  // do not run where this ends with 0
  std::chrono::milliseconds unless_timeout{10'000};
  std::vector<std::string> secret_env;  // names of env whose values are never logged
  std::optional<Expectation> expect;
  bool detach = false;  // goes on without the agent

  bool operator==(const ShellRun&) const = default;
};

// What is asked of a command that runs already ("cancel" is every method's: runtime).
struct ShellSignal {
  MessageId ref;
  std::string signal;  // "TERM", "HUP", ... without SIG

  bool operator==(const ShellSignal&) const = default;
};

struct ShellInput {
  MessageId ref;
  std::string bytes;
  bool close = false;  // end of input after these

  bool operator==(const ShellInput&) const = default;
};

struct ShellResize {
  MessageId ref;
  TerminalSize size;

  bool operator==(const ShellResize&) const = default;
};

struct ShellStatus {
  MessageId ref;

  bool operator==(const ShellStatus&) const = default;
};

// Kept or spooled output of a running or lately finished command.
struct ShellOutput {
  MessageId ref;
  int fd = 1;
  std::int64_t offset = 0;
  std::int64_t length = 256 * 1024;

  bool operator==(const ShellOutput&) const = default;
};

struct ShellList {
  bool operator==(const ShellList&) const = default;
};

using ShellRequest = std::
    variant<ShellRun, ShellSignal, ShellInput, ShellResize, ShellStatus, ShellOutput, ShellList>;

struct DecodedShellRequest {
  ShellRequest request;
  std::vector<std::string> ignored;
};

// Errors: bad_payload (wrong type, out of bounds, neither argv nor shell, both, NUL in a string, a
// bad regex), unsupported (an unknown op or word, a terminal or an open input with `detach`, a name
// in `must` that we do not know).
[[nodiscard]] Result<DecodedShellRequest> decode_shell_request(std::string_view payload);

std::string encode(const ShellRequest& request);

// One stream of a finished command's output.
struct StreamResult {
  std::string head;  // bytes, as they came
  std::string tail;  // what follows after the gap; empty when nothing was left out
  std::uint64_t total_bytes = 0;
  bool truncated = false;
  std::string sha256;  // of all bytes, hexadecimal

  bool operator==(const StreamResult&) const = default;
};

// The `result` of a terminal ACK of a ShellRun.
struct ShellResult {
  std::optional<std::int64_t> exit_code;
  std::string signal;  // "KILL": ended by it
  bool core_dumped = false;
  bool skipped = false;  // creates, removes or unless said that nothing was to be done
  std::string reason;    // why skipped
  StreamResult out;
  StreamResult err;
  std::chrono::milliseconds duration{0};  // exec to exit
  std::chrono::milliseconds queued{0};    // accepted to exec
  std::chrono::microseconds user_time{0};
  std::chrono::microseconds system_time{0};
  std::int64_t max_rss_bytes = 0;
  std::int64_t killed_processes = 0;
  std::int64_t leaked_processes = 0;  // of its tree, still there
  bool pipe_held = false;             // by them, after `drain`
  std::vector<std::int64_t> holders;  // their pids, at most 32
  std::map<std::string, std::string>
      limits_applied;   // "mem_bytes" -> "cgroup" | "rlimit" | "none: why"
  std::string started;  // RFC 3339
  std::string ended;

  bool operator==(const ShellResult&) const = default;
};

// JSON object for Ack::result. Text where the bytes are UTF-8 (or the encoding says so), else
// base64.
std::string encode(const ShellResult& result, OutputEncoding encoding);

// Errors: bad_payload.
[[nodiscard]] Result<ShellResult> decode_shell_result(std::string_view result_json);

enum class ShellEventType { output, stall, term_sent, kill_sent, expect_match, expect_timeout };

std::string_view word(ShellEventType type);

// Payload of <node>.event.shellcommand.<domain>: live, not recorded.
struct ShellEvent {
  MessageId ref;
  ShellEventType type = ShellEventType::output;
  int fd = 1;                   // output: 1 or 2
  std::uint64_t offset = 0;     // output: of the first byte in its stream
  std::string bytes;            // output; expect_match: the line
  std::uint64_t gap_bytes = 0;  // output: lost before this chunk

  bool operator==(const ShellEvent&) const = default;
};

std::string encode(const ShellEvent& event, OutputEncoding encoding);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<ShellEvent> decode_shell_event(std::string_view payload);

}  // namespace steward::wire
