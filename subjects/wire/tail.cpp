#include "subjects/wire/tail.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::wire {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kLongestPath = 4'096;
constexpr std::int64_t kMostTailLines = 10'000;
constexpr milliseconds kShortestLease{1'000};
constexpr milliseconds kLongestLease{600'000};

std::string read_stream_name(Fields& fields) {
  auto stream = fields.required_text("stream");
  if (!Token::parse(stream)) {
    fields.fail(ErrorCode::bad_payload, "stream", "must be 1 to 64 of A-Z, a-z, 0-9, '_' and '-'");
  }
  return stream;
}

}  // namespace

std::string encode(const TailRequest& request) {
  if (request.op == TailRequest::Op::stop) {
    return dump_json({{"op", "stop"}, {"stream", request.stream}});
  }
  json out{{"op", "follow"},
           {"stream", request.stream},
           {"lines", request.lines},
           {"follow", request.follow},
           {"lease_ms", request.lease.count()}};
  for (const auto& [field, text] : {std::pair("path", &request.path),
                                    std::pair("unit", &request.unit),
                                    std::pair("daemon", &request.daemon)}) {
    if (!text->empty()) {
      out[field] = *text;
    }
  }
  return dump_json(out);
}

Result<TailRequest> decode_tail_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  TailRequest request;
  request.op = static_cast<TailRequest::Op>(fields.choice("op", {"follow", "stop"}, 0));
  request.stream = read_stream_name(fields);
  request.path = fields.text("path");
  request.unit = fields.text("unit");
  request.daemon = fields.text("daemon");
  request.lines = static_cast<std::size_t>(
      fields.integer("lines", static_cast<std::int64_t>(request.lines), 0, kMostTailLines));
  request.follow = fields.boolean("follow", request.follow);
  request.lease = fields.milliseconds("lease_ms", request.lease, kShortestLease, kLongestLease);
  const int sources = (request.path.empty() ? 0 : 1) + (request.unit.empty() ? 0 : 1) +
                      (request.daemon.empty() ? 0 : 1);
  if (request.op == TailRequest::Op::follow && sources != 1) {
    fields.fail(ErrorCode::bad_payload, "path", "or unit or daemon has to be there, one of them");
  }
  if (request.path.size() > kLongestPath || request.path.find('\0') != std::string::npos ||
      request.unit.size() > kLongestPath || request.daemon.size() > kLongestPath) {
    fields.fail(ErrorCode::bad_payload, "path", "is too long, or no path");
  }
  fields.must();
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return request;
}

std::string encode(const TailEvent& event) {
  json out{{"stream", event.stream}, {"number", event.number}};
  if (is_utf8(event.data)) {
    out["data"] = event.data;
  } else {
    out["data_b64"] = base64(event.data);
  }
  if (!event.notice.empty()) {
    out["notice"] = event.notice;
  }
  if (event.last) {
    out["last"] = true;
  }
  if (!event.error.empty()) {
    out["error"] = event.error;
  }
  return dump_json(out);
}

Result<TailEvent> decode_tail_event(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  TailEvent event;
  event.stream = read_stream_name(fields);
  event.number = static_cast<std::uint64_t>(fields.integer("number", 1, 1, std::int64_t{1} << 53U));
  event.data = fields.text("data");
  if (fields.has("data_b64")) {
    auto bytes = parse_base64(fields.text("data_b64"));
    if (!bytes) {
      fields.fail(ErrorCode::bad_payload, "data_b64", "is not base64");
    } else {
      event.data = *std::move(bytes);
    }
  }
  event.notice = fields.text("notice");
  event.last = fields.boolean("last", false);
  event.error = fields.text("error");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return event;
}

}  // namespace steward::wire
