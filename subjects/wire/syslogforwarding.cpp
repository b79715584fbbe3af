#include "subjects/wire/syslogforwarding.hpp"

#include "subjects/wire/compression.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestFilter = 2'048;

template <class Number>
void append_number(std::string& out, std::string_view name, Number value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out += name;
  out.append(digits.data(), end);
}

enum class Letters { plain, escaped, foreign };

// Which letters a JSON text takes as they are; beyond ASCII it has to be UTF-8.
constexpr auto kLetters = [] {
  std::array<Letters, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = i >= 0x80                           ? Letters::foreign
               : i < 0x20 || i == '"' || i == '\\' ? Letters::escaped
                                                   : Letters::plain;
  }
  return table;
}();

void append_escaped(std::string& out, std::string_view text) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto letter = static_cast<unsigned char>(text[i]);
    if (kLetters[letter] != Letters::escaped) {
      continue;
    }
    out.append(text.substr(begin, i - begin));
    begin = i + 1;
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += static_cast<char>(letter);
    } else if (letter == '\t') {
      out += "\\t";
    } else if (letter == '\n') {
      out += "\\n";
    } else {
      out += "\\u00";
      out += "0123456789abcdef"[letter >> 4U];
      out += "0123456789abcdef"[letter & 0xfU];
    }
  }
  out.append(text.substr(begin));
}

// Eight letters at a time: whether all are printing ASCII that JSON takes as it is. A letter too
// many is no harm: it is looked at again.
bool all_plain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes * 0x80U;
  // The high bit of each byte that is 0 (with ASCII alone nothing is borrowed from a neighbour).
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  std::uint64_t found = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    found |=
        word | (word - kOnes * 0x20U) | zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\'));
  }
  for (; i < text.size(); ++i) {
    found |= kLetters[static_cast<unsigned char>(text[i])] == Letters::plain ? 0 : kHighs;
  }
  return (found & kHighs) == 0;
}

// ,"name":"text"; or ,"name_b64":"..." where it is not UTF-8.
void append_text(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  if (all_plain(text)) {
    out += "\":\"";
    out += text;
  } else if (!is_utf8(text)) {
    out += "_b64\":\"";
    out += base64(text);
  } else {
    out += "\":\"";
    append_escaped(out, text);
  }
  out += '"';
}

void append_if(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) {
    append_text(out, name, text);
  }
}

constexpr std::int64_t kMostInteger = std::numeric_limits<std::int64_t>::max();

std::string read_text_or_base64(Fields& fields, const std::string& name) {
  if (!fields.has(name + "_b64")) {
    return fields.text(name);
  }
  auto bytes = parse_base64(fields.text(name + "_b64"));
  if (!bytes) {
    fields.fail(ErrorCode::bad_payload, name + "_b64", "is not base64");
    return {};
  }
  return *std::move(bytes);
}

std::uint64_t read_counter(Fields& fields, std::string_view name, std::uint64_t fallback) {
  return static_cast<std::uint64_t>(
      fields.integer(name, static_cast<std::int64_t>(fallback), 0, kMostInteger));
}

Result<LogBatchHead> decode_head(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  LogBatchHead head;
  head.source = fields.required_text("source");
  head.epoch = fields.required_text("epoch");
  head.first = read_counter(fields, "first", 1);
  head.last = read_counter(fields, "last", 0);
  head.lines = read_counter(fields, "lines", 0);
  head.suppressed = read_counter(fields, "suppressed", 0);
  head.gap = fields.text("gap");
  head.gap_lines = read_counter(fields, "gap_lines", 0);
  if (fields.has("dropped")) {
    const auto counts = fields.integers("dropped", 0, kMostInteger);
    if (counts.size() != head.dropped.emplace().size()) {
      fields.fail(ErrorCode::bad_payload, "dropped", "has to have 8 items");
    } else {
      std::copy(counts.begin(), counts.end(), head.dropped->begin());
    }
  }
  if (head.first == 0 || head.last < head.first - 1 || head.last - (head.first - 1) < head.lines) {
    fields.fail(ErrorCode::bad_payload, "last", "does not fit the others");
  }
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return head;
}

Result<LogLine> decode_line(std::string_view text, const LogBatchHead& head, const LogLine* last) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  LogLine line;
  line.seq = read_counter(fields, "n", last != nullptr ? last->seq + 1 : head.first);
  line.received_us =
      fields.integer("r_us", last != nullptr ? last->received_us : 0, -kMostInteger, kMostInteger);
  const auto usual_time = last != nullptr && !fields.has("r_us") ? last->time_us : line.received_us;
  line.time_us = fields.integer("t_us", usual_time, -kMostInteger, kMostInteger);
  line.severity = static_cast<int>(fields.integer("sev", kUsualSeverity, 0, 7));
  line.facility = static_cast<int>(fields.integer("fac", -1, 0, 23));
  line.host = read_text_or_base64(fields, "host");
  line.program = read_text_or_base64(fields, "program");
  line.pid = read_text_or_base64(fields, "pid");
  line.unit = read_text_or_base64(fields, "unit");
  line.line = read_text_or_base64(fields, "line");
  line.at = read_counter(fields, "at", last != nullptr ? last->at : 0);
  line.length =
      read_counter(fields, "length", line.line.size() - std::min(line.at, line.line.size()));
  line.whole = read_counter(fields, "total_bytes", 0);
  if (line.seq < head.first || line.seq > head.last || (last != nullptr && line.seq <= last->seq)) {
    fields.fail(ErrorCode::bad_payload, "n", "is none of its batch");
  }
  if (line.at > line.line.size() || line.length > line.line.size() - line.at) {
    fields.fail(ErrorCode::bad_payload, "at", "is not in the line");
  }
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return line;
}

// Takes what stands before the next line feed off the front.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

void LogRecordWriter::append(std::string& out, const LogRecord& record) {
  const std::size_t begin = out.size();
  if (record.seq != next_) {
    append_number(out, ",\"n\":", record.seq);
  }
  if (record.received_us != received_us_) {
    append_number(out, ",\"r_us\":", record.received_us);
    time_us_ = record.received_us;
  }
  if (record.time_us != time_us_) {
    append_number(out, ",\"t_us\":", record.time_us);
  }
  if (record.severity != kUsualSeverity) {
    append_number(out, ",\"sev\":", record.severity);
  }
  if (record.facility >= 0) {
    append_number(out, ",\"fac\":", record.facility);
  }
  append_if(out, "host", record.host);
  append_if(out, "program", record.program);
  append_if(out, "pid", record.pid);
  append_if(out, "unit", record.unit);
  if (record.at != at_) {
    append_number(out, ",\"at\":", record.at);
  }
  if (record.length != record.line.size() - record.at) {
    append_number(out, ",\"length\":", record.length);
  }
  if (record.whole != 0) {
    append_number(out, ",\"total_bytes\":", record.whole);
  }
  append_text(out, "line", record.line);
  out[begin] = '{';  // was the comma before the first
  out += "}\n";
  next_ = record.seq + 1;
  received_us_ = record.received_us;
  time_us_ = record.time_us;
  at_ = record.at;
}

std::string encode(const LogBatchHead& head) {
  json out{{"source", head.source},
           {"epoch", head.epoch},
           {"first", head.first},
           {"last", head.last},
           {"lines", head.lines}};
  if (head.suppressed != 0) {
    out["suppressed"] = head.suppressed;
  }
  if (head.dropped) {
    out["dropped"] = *head.dropped;
  }
  if (!head.gap.empty()) {
    out["gap"] = head.gap;
  }
  if (head.gap_lines != 0) {
    out["gap_lines"] = head.gap_lines;
  }
  return dump_json(out) + "\n";
}

Result<LogBatch> decode_log_batch(std::string_view payload, std::string_view encoding) {
  std::string unpacked;
  if (encoding == kLogContentEncoding) {
    STEWARD_TRY(unpacked, decompress(payload, kLargestLogBatch));
    payload = unpacked;
  } else if (!encoding.empty()) {
    return failure(ErrorCode::unsupported, "a Content-Encoding that is not known");
  }
  LogBatch batch;
  STEWARD_TRY(batch.head, decode_head(take_line(payload)));
  while (!payload.empty()) {
    STEWARD_TRY(
        auto line,
        decode_line(
            take_line(payload), batch.head, batch.lines.empty() ? nullptr : &batch.lines.back()));
    batch.lines.push_back(std::move(line));
  }
  if (batch.lines.size() != batch.head.lines) {
    return failure(ErrorCode::bad_payload, "lines: is not how many there are");
  }
  return batch;
}

namespace {

void read_replay(Fields& fields, LogRequest& request) {
  constexpr std::size_t kLongestPlace = 2'048;
  request.source = fields.text("source", "*");
  request.cursor = fields.text("cursor");
  const auto since = fields.text("since");
  for (const auto* text : {&request.source, &request.cursor}) {
    if (text->empty() ? text == &request.source : text->size() > kLongestPlace) {
      fields.fail(ErrorCode::bad_payload,
                  text == &request.source ? "source" : "cursor",
                  "has no character, or more than 2048 bytes");
    }
  }
  if (since.empty()) {
    return;
  }
  if (!request.cursor.empty()) {
    fields.fail(ErrorCode::bad_payload, "since", "goes without cursor");
  }
  if (auto time = parse_time(since)) {
    request.since = *time;
  } else {
    fields.fail(ErrorCode::bad_payload, "since", "is a moment: 2026-11-22T02:00:00Z");
  }
}

}  // namespace

Result<LogRequest> decode_log_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload.empty() ? "{}" : payload));
  Fields fields(object);
  LogRequest request;
  request.op = static_cast<LogRequest::Op>(
      fields.choice("op", {"status", "start", "stop", "filter", "replay", "spool"}, 0));
  if (request.op == LogRequest::Op::filter) {
    request.filter = fields.text("filter");
    if (request.filter.size() > kLongestFilter) {
      fields.fail(ErrorCode::bad_payload, "filter", "has more than 2048 bytes");
    }
  }
  if (request.op == LogRequest::Op::replay) {
    read_replay(fields, request);
  }
  fields.must();
  STEWARD_TRY(request.ignored, fields.finish());
  return request;
}

}  // namespace steward::wire
