#include "subjects/wire/pattern.hpp"
#include "subjects/wire/process_fields.hpp"
#include "subjects/wire/shellcommand_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The bounds of README.md, "shellcommand".
constexpr milliseconds kLongestRun = hours(24 * 30);
constexpr milliseconds kLongestGrace = hours(1);
constexpr milliseconds kLongestDrain = minutes(1);
constexpr milliseconds kLongestStall = hours(24);
constexpr milliseconds kLongestUnless = minutes(10);
constexpr milliseconds kLongestFlush = seconds(10);
constexpr std::size_t kMostOutput = 16 * 1024 * 1024;
constexpr std::size_t kLargestChunk = 64 * 1024;
constexpr std::int64_t kMostSpool = std::int64_t{10} * 1024 * 1024 * 1024;
constexpr std::int64_t kMostParallel = 256;

using Words = std::string_view;
constexpr std::array<Words, 2> kEnvironmentModes{"clean", "inherit"};
constexpr std::array<Words, 2> kKillScopes{"tree", "main"};
constexpr std::array<Words, 4> kOutputModes{"result", "stream", "both", "none"};
constexpr std::array<Words, 3> kOutputKeeps{"headtail", "tail", "head"};
constexpr std::array<Words, 3> kEncodings{"auto", "utf8", "b64"};
constexpr std::array<Words, 4> kQueueModes{"serial", "parallel", "replace", "reject"};
constexpr std::array<Words, 2> kExpectActions{"event", "kill"};

void read_stdin(Fields& fields, ShellRun& run) {
  fields.object("stdin", [&run](Fields& inner) {
    run.stdin_open = inner.boolean("open", false);
    if (!inner.has("text") && !inner.has("b64") && !run.stdin_open) {
      inner.fail(ErrorCode::bad_payload, "text", "is missing, and so are 'b64' and 'open'");
    }
    run.stdin_bytes = read_bytes(inner, "text", "b64");
  });
}

void read_pty(Fields& fields, ShellRun& run) {
  if (fields.raw("pty") != "false") {
    fields.object("pty", [&run](Fields& inner) { run.pty = read_size(inner); });
  }
}

void read_output(Fields& fields, OutputOptions& output) {
  const auto size =
      [](Fields& inner, std::string_view name, std::size_t usual, auto low, auto high) {
        return static_cast<std::size_t>(inner.integer(name,
                                                      static_cast<std::int64_t>(usual),
                                                      static_cast<std::int64_t>(low),
                                                      static_cast<std::int64_t>(high)));
      };
  fields.object("output", [&output, &size](Fields& inner) {
    read_word(inner, "mode", kOutputModes, output.mode);
    output.max_bytes = size(inner, "max_bytes", output.max_bytes, 0, kMostOutput);
    read_word(inner, "keep", kOutputKeeps, output.keep);
    output.chunk_bytes = size(inner, "chunk_bytes", output.chunk_bytes, 1, kLargestChunk);
    output.flush = inner.milliseconds("flush_ms", output.flush, milliseconds(1), kLongestFlush);
    output.merge = inner.boolean("merge", output.merge);
    output.spool_bytes = size(inner, "spool_bytes", output.spool_bytes, 0, kMostSpool);
    read_word(inner, "encoding", kEncodings, output.encoding);
  });
}

std::vector<std::int64_t> read_ok_codes(Fields& fields) {
  if (!fields.has("ok_codes")) {
    return {0};
  }
  auto codes = fields.integers("ok_codes", 0, 255);
  if (codes.empty() || codes.size() > 256) {
    fields.fail(ErrorCode::bad_payload, "ok_codes", "must hold 1 to 256 exit codes");
  }
  return codes;
}

void read_expectation(Fields& fields, ShellRun& run) {
  fields.object("expect", [&run](Fields& inner) {
    Expectation expect;
    expect.regex = inner.required_text("regex");
    expect.within = inner.milliseconds("within_ms", {}, {}, kLongestRun);
    read_word(inner, "action", kExpectActions, expect.action);
    if (const auto pattern = Pattern::compile(expect.regex); !pattern) {
      inner.fail(ErrorCode::bad_payload, "regex", pattern.error().message);
    }
    run.expect = std::move(expect);
  });
}

json output_json(const OutputOptions& output) {
  const OutputOptions usual;
  json out = json::object();
  put_word(out, "mode", output.mode, usual.mode, kOutputModes);
  put(out, "max_bytes", output.max_bytes, usual.max_bytes);
  put_word(out, "keep", output.keep, usual.keep, kOutputKeeps);
  put(out, "chunk_bytes", output.chunk_bytes, usual.chunk_bytes);
  put(out, "flush_ms", output.flush, usual.flush);
  put(out, "merge", output.merge, usual.merge);
  put(out, "spool_bytes", output.spool_bytes, usual.spool_bytes);
  put_word(out, "encoding", output.encoding, usual.encoding, kEncodings);
  return out;
}

json stdin_json(const ShellRun& run) {
  json out = json::object();
  if (run.stdin_bytes) {
    write_bytes(out, "text", "b64", *run.stdin_bytes, OutputEncoding::automatic);
  }
  put(out, "open", run.stdin_open, false);
  return out;
}

json expect_json(const Expectation& expect) {
  json out = {{"regex", expect.regex}};
  put(out, "within_ms", expect.within, milliseconds(0));
  put_word(out, "action", expect.action, ExpectAction::event, kExpectActions);
  return out;
}

// What is to outlive the agent has no bound unless one is asked for.
milliseconds usual_timeout(const ShellRun& run) {
  return run.detach ? milliseconds(0) : ShellRun().timeout;
}

}  // namespace

TerminalSize read_size(Fields& fields) {
  const TerminalSize usual;
  return {fields.integer("cols", usual.columns, 1, 10'000),
          fields.integer("rows", usual.rows, 1, 10'000)};
}

ShellRun read_run(Fields& fields) {
  ShellRun run;
  run.argv = read_argv(fields, "argv");
  run.shell = read_c_text(fields, "shell");
  if (run.argv.empty() == run.shell.empty()) {
    fields.fail(ErrorCode::bad_payload, "argv", "give either 'argv' or 'shell'");
  }
  run.interpreter = read_path(fields, "interpreter", run.interpreter);
  run.cwd = read_path(fields, "cwd", run.cwd);
  run.env = read_env(fields);
  read_word(fields, "env_mode", kEnvironmentModes, run.env_mode);
  run.user = read_c_text(fields, "user");
  run.group = read_c_text(fields, "group");
  run.umask = read_umask(fields);
  read_stdin(fields, run);
  read_pty(fields, run);
  run.detach = fields.boolean("detach", false);
  run.timeout = fields.milliseconds("timeout_ms", usual_timeout(run), {}, kLongestRun);
  run.grace = fields.milliseconds("grace_ms", run.grace, {}, kLongestGrace);
  read_word(fields, "kill_scope", kKillScopes, run.kill_scope);
  run.drain = fields.milliseconds("drain_ms", run.drain, {}, kLongestDrain);
  run.stall = fields.milliseconds("stall_ms", run.stall, {}, kLongestStall);
  read_output(fields, run.output);
  read_limits(fields, run.limits);
  run.ok_codes = read_ok_codes(fields);
  read_word(fields, "queue", kQueueModes, run.queue);
  run.max_parallel = fields.integer("max_parallel", run.max_parallel, 1, kMostParallel);
  run.creates = read_path(fields, "creates");
  run.removes = read_path(fields, "removes");
  run.unless_argv = read_argv(fields, "unless_argv");
  run.unless_timeout =
      fields.milliseconds("unless_timeout_ms", run.unless_timeout, milliseconds(1), kLongestUnless);
  run.secret_env = fields.texts("secret_env");
  read_expectation(fields, run);
  if (run.detach && (run.pty || run.stdin_open)) {
    fields.fail(
        ErrorCode::unsupported, "detach", "a detached command has no terminal and no open input");
  }
  return run;
}

void write_run(const ShellRun& run, json& out) {
  const ShellRun usual;
  put(out, "argv", run.argv, usual.argv);
  put(out, "shell", run.shell, usual.shell);
  put(out, "interpreter", run.interpreter, usual.interpreter);
  put(out, "cwd", run.cwd, usual.cwd);
  put(out, "env", run.env, usual.env);
  put_word(out, "env_mode", run.env_mode, usual.env_mode, kEnvironmentModes);
  put(out, "user", run.user, usual.user);
  put(out, "group", run.group, usual.group);
  if (run.umask) {
    out["umask"] = octal(*run.umask);
  }
  put_object(out, "stdin", stdin_json(run));
  if (run.pty) {
    out["pty"] = {{"cols", run.pty->columns}, {"rows", run.pty->rows}};
  }
  put(out, "detach", run.detach, usual.detach);
  put(out, "timeout_ms", run.timeout, usual_timeout(run));
  put(out, "grace_ms", run.grace, usual.grace);
  put_word(out, "kill_scope", run.kill_scope, usual.kill_scope, kKillScopes);
  put(out, "drain_ms", run.drain, usual.drain);
  put(out, "stall_ms", run.stall, usual.stall);
  put_object(out, "output", output_json(run.output));
  put_object(out, "limits", limits_json(run.limits));
  put(out, "ok_codes", run.ok_codes, usual.ok_codes);
  put_word(out, "queue", run.queue, usual.queue, kQueueModes);
  put(out, "max_parallel", run.max_parallel, usual.max_parallel);
  put(out, "creates", run.creates, usual.creates);
  put(out, "removes", run.removes, usual.removes);
  put(out, "unless_argv", run.unless_argv, usual.unless_argv);
  put(out, "unless_timeout_ms", run.unless_timeout, usual.unless_timeout);
  put(out, "secret_env", run.secret_env, usual.secret_env);
  if (run.expect) {
    out["expect"] = expect_json(*run.expect);
  }
}

}  // namespace steward::wire
