#include "subjects/wire/shellcommand.hpp"

#include "subjects/wire/shellcommand_fields.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::int64_t kLargestOffset = std::int64_t{1} << 53;
constexpr std::int64_t kLongestOutput = 256 * 1024;

// In the order of ShellRequest's alternatives.
constexpr std::array<std::string_view, 7> kOperations{
    "run", "signal", "stdin", "resize", "status", "output", "list"};

constexpr std::array<std::string_view, 31> kSignals{
    "HUP",  "INT",  "QUIT", "ILL",  "TRAP", "ABRT", "BUS",    "FPE",   "KILL",  "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "CHLD", "CONT", "STOP",   "TSTP",  "TTIN",  "TTOU", "URG",
    "XCPU", "XFSZ", "IO",   "PWR",  "SYS",  "PROF", "VTALRM", "WINCH", "STKFLT"};

// The command that is meant; where there is no good id, an error is kept and any id stands in.
MessageId read_ref(Fields& fields) {
  const auto ref = MessageId::parse(fields.required_text("ref"));
  if (!ref) {
    fields.fail(ErrorCode::bad_payload, "ref", ref.error().message);
    return MessageId::make(0, {});
  }
  return *ref;
}

ShellSignal read_signal(Fields& fields) {
  ShellSignal request{read_ref(fields), {}};
  if (!fields.has("signal")) {
    fields.fail(ErrorCode::bad_payload, "signal", "is missing");
  }
  request.signal = kSignals[fields.choice("signal", kSignals, 0)];
  return request;
}

ShellOutput read_output_request(Fields& fields) {
  ShellOutput request{read_ref(fields)};
  request.fd = static_cast<int>(fields.integer("fd", request.fd, 1, 2));
  request.offset = fields.integer("offset", request.offset, 0, kLargestOffset);
  request.length = fields.integer("length", request.length, 1, kLongestOutput);
  return request;
}

ShellRequest read_shell_request(Fields& fields) {
  switch (fields.choice("op", kOperations, 0)) {
    case 1:
      return read_signal(fields);
    case 2: {
      ShellInput input{read_ref(fields), read_bytes(fields, "text", "b64")};
      input.close = fields.boolean("close", false);
      return input;
    }
    case 3: {
      const MessageId ref = read_ref(fields);
      return ShellResize{ref, read_size(fields)};
    }
    case 4:
      return ShellStatus{read_ref(fields)};
    case 5:
      return read_output_request(fields);
    case 6:
      return ShellList{};
    default:
      return read_run(fields);
  }
}

void write_fields(const ShellRun& run, json& out) { write_run(run, out); }

void write_fields(const ShellSignal& request, json& out) {
  out["ref"] = request.ref.view();
  out["signal"] = request.signal;
}

void write_fields(const ShellInput& request, json& out) {
  out["ref"] = request.ref.view();
  write_bytes(out, "text", "b64", request.bytes, OutputEncoding::automatic);
  if (request.close) {
    out["close"] = true;
  }
}

void write_fields(const ShellResize& request, json& out) {
  out["ref"] = request.ref.view();
  out["cols"] = request.size.columns;
  out["rows"] = request.size.rows;
}

void write_fields(const ShellStatus& request, json& out) { out["ref"] = request.ref.view(); }

void write_fields(const ShellOutput& request, json& out) {
  const ShellOutput usual{request.ref};
  out["ref"] = request.ref.view();
  if (request.fd != usual.fd) {
    out["fd"] = request.fd;
  }
  if (request.offset != usual.offset) {
    out["offset"] = request.offset;
  }
  if (request.length != usual.length) {
    out["length"] = request.length;
  }
}

void write_fields(const ShellList&, json&) {}

}  // namespace

void write_bytes(json& out,
                 const std::string& text_name,
                 const std::string& base64_name,
                 std::string_view bytes,
                 OutputEncoding encoding) {
  if (encoding == OutputEncoding::utf8 ||
      (encoding == OutputEncoding::automatic && is_utf8(bytes))) {
    out[text_name] = bytes;
  } else {
    out[base64_name] = base64(bytes);
  }
}

std::string read_bytes(Fields& fields, std::string_view text_name, std::string_view base64_name) {
  std::string text = fields.text(text_name);
  if (!fields.has(base64_name)) {
    return text;
  }
  if (fields.has(text_name)) {
    fields.fail(ErrorCode::bad_payload,
                base64_name,
                "is there together with '" + std::string(text_name) + "'");
    return {};
  }
  auto bytes = parse_base64(fields.text(base64_name));
  if (!bytes) {
    fields.fail(ErrorCode::bad_payload, base64_name, bytes.error().message);
    return {};
  }
  return *std::move(bytes);
}

Result<DecodedShellRequest> decode_shell_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  ShellRequest request = read_shell_request(fields);
  fields.must();
  STEWARD_TRY(auto ignored, fields.finish());
  return DecodedShellRequest{std::move(request), std::move(ignored)};
}

std::string encode(const ShellRequest& request) {
  json out = json::object();
  if (request.index() != 0) {
    out["op"] = kOperations[request.index()];
  }
  std::visit([&out](const auto& alternative) { write_fields(alternative, out); }, request);
  return dump_json(out);
}

}  // namespace steward::wire
