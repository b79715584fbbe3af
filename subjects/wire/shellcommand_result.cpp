#include "subjects/wire/hello_fields.hpp"
#include "subjects/wire/shellcommand_fields.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 6> kEventTypes{
    "output", "stall", "term_sent", "kill_sent", "expect_match", "expect_timeout"};

std::uint64_t read_count(Fields& fields, std::string_view name) {
  return static_cast<std::uint64_t>(fields.integer(name, 0, 0, INT64_MAX));
}

json stream_json(const StreamResult& stream, OutputEncoding encoding) {
  json out = {{"total_bytes", stream.total_bytes}};
  write_bytes(out, "head", "head_b64", stream.head, encoding);
  if (!stream.tail.empty()) {
    write_bytes(out, "tail", "tail_b64", stream.tail, encoding);
  }
  if (stream.truncated) {
    out["truncated"] = true;
  }
  if (!stream.sha256.empty()) {
    out["sha256"] = stream.sha256;
  }
  return out;
}

StreamResult read_stream_result(Fields& fields, std::string_view name) {
  StreamResult stream;
  fields.object(name, [&stream](Fields& inner) {
    stream.head = read_bytes(inner, "head", "head_b64");
    stream.tail = read_bytes(inner, "tail", "tail_b64");
    stream.total_bytes = read_count(inner, "total_bytes");
    stream.truncated = inner.boolean("truncated", false);
    stream.sha256 = inner.text("sha256");
  });
  return stream;
}

void write_process(const ShellResult& result, json& out) {
  if (result.exit_code) {
    out["exit_code"] = *result.exit_code;
  }
  const auto put_text = [&out](const char* name, const std::string& text) {
    if (!text.empty()) {
      out[name] = text;
    }
  };
  put_text("signal", result.signal);
  put_text("reason", result.reason);
  put_text("started", result.started);
  put_text("ended", result.ended);
  const auto put_flag = [&out](const char* name, bool set) {
    if (set) {
      out[name] = true;
    }
  };
  put_flag("core_dumped", result.core_dumped);
  put_flag("skipped", result.skipped);
  put_flag("pipe_held", result.pipe_held);
}

void write_figures(const ShellResult& result, json& out) {
  const auto put_number = [](json& into, const char* name, std::int64_t value) {
    if (value != 0) {
      into[name] = value;
    }
  };
  out["duration_ms"] = result.duration.count();
  put_number(out, "queue_ms", result.queued.count());
  json usage = json::object();
  put_number(usage, "utime_us", result.user_time.count());
  put_number(usage, "stime_us", result.system_time.count());
  put_number(usage, "maxrss_bytes", result.max_rss_bytes);
  if (!usage.empty()) {
    out["rusage"] = std::move(usage);
  }
  put_number(out, "killed_procs", result.killed_processes);
  put_number(out, "leaked_procs", result.leaked_processes);
  if (!result.holders.empty()) {
    out["holders"] = result.holders;
  }
  if (!result.limits_applied.empty()) {
    out["limits_applied"] = result.limits_applied;
  }
}

}  // namespace

std::string encode(const ShellResult& result, OutputEncoding encoding) {
  json out = json::object();
  write_process(result, out);
  write_figures(result, out);
  out["stdout"] = stream_json(result.out, encoding);
  out["stderr"] = stream_json(result.err, encoding);
  return dump_json(out);
}

Result<ShellResult> decode_shell_result(std::string_view result_json) {
  STEWARD_TRY(const auto object, parse_json(result_json));
  Fields fields(object);
  ShellResult result;
  result.exit_code = fields.optional_integer("exit_code", INT32_MIN, INT32_MAX);
  result.signal = fields.text("signal");
  result.core_dumped = fields.boolean("core_dumped", false);
  result.skipped = fields.boolean("skipped", false);
  result.reason = fields.text("reason");
  result.out = read_stream_result(fields, "stdout");
  result.err = read_stream_result(fields, "stderr");
  result.duration = fields.milliseconds("duration_ms", {}, {}, kMostTime);
  result.queued = fields.milliseconds("queue_ms", {}, {}, kMostTime);
  fields.object("rusage", [&result](Fields& inner) {
    result.user_time = microseconds(inner.integer("utime_us", 0, 0, kMostWhole));
    result.system_time = microseconds(inner.integer("stime_us", 0, 0, kMostWhole));
    result.max_rss_bytes = inner.integer("maxrss_bytes", 0, 0, kMostWhole);
  });
  result.killed_processes = fields.integer("killed_procs", 0, 0, kMostWhole);
  result.leaked_processes = fields.integer("leaked_procs", 0, 0, kMostWhole);
  result.pipe_held = fields.boolean("pipe_held", false);
  result.holders = fields.integers("holders", 1, INT32_MAX);
  result.limits_applied = fields.text_map("limits_applied");
  result.started = fields.text("started");
  result.ended = fields.text("ended");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return result;
}

std::string_view word(ShellEventType type) { return kEventTypes[static_cast<std::size_t>(type)]; }

std::string encode(const ShellEvent& event, OutputEncoding encoding) {
  json out = {{"ref", event.ref.view()}, {"type", word(event.type)}};
  if (event.type == ShellEventType::output || event.fd != 1) {
    out["fd"] = event.fd;
  }
  if (event.type == ShellEventType::output || event.offset != 0) {
    out["offset"] = event.offset;
  }
  if (event.type == ShellEventType::output || !event.bytes.empty()) {
    write_bytes(out, "data", "b64", event.bytes, encoding);
  }
  if (event.gap_bytes != 0) {
    out["gap_bytes"] = event.gap_bytes;
  }
  return dump_json(out);
}

Result<ShellEvent> decode_shell_event(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  const auto ref = MessageId::parse(fields.required_text("ref"));
  if (!ref) {
    fields.fail(ErrorCode::bad_payload, "ref", ref.error().message);
  }
  if (!fields.has("type")) {
    fields.fail(ErrorCode::bad_payload, "type", "is missing");
  }
  ShellEvent event{ref.value_or(MessageId::make(0, {}))};
  event.type = static_cast<ShellEventType>(fields.choice("type", kEventTypes, 0));
  event.fd = static_cast<int>(fields.integer("fd", 1, 1, 2));
  event.offset = read_count(fields, "offset");
  event.bytes = read_bytes(fields, "data", "b64");
  event.gap_bytes = read_count(fields, "gap_bytes");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return event;
}

}  // namespace steward::wire
