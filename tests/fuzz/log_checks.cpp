#include "tests/fuzz/log_checks.hpp"

#include "handlers/syslogforwarding/condition.hpp"
#include "handlers/syslogforwarding/parse/framer.hpp"
#include "handlers/syslogforwarding/parse/kernel_record.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "subjects/wire/compression.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace steward::fuzz {
namespace {

using namespace std::string_view_literals;
using handlers::syslogforwarding::Condition;
using handlers::syslogforwarding::Framer;
using handlers::syslogforwarding::LineParser;
using handlers::syslogforwarding::Origin;
using handlers::syslogforwarding::take_kernel_record;

constexpr std::int64_t kNow = 1'795'315'854'000'000;

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// What was found is in the line, and comes out of a batch as it went in.
bool line_holds(std::string_view bytes) {
  LineParser parser([](std::int64_t seconds) { return seconds % 7 * 3'600'000'000; });
  wire::LogRecordWriter writer;
  writer.begin(1);
  std::string text;
  std::vector<wire::LogRecord> records;
  for (const auto origin : {Origin::file, Origin::local, Origin::network}) {
    auto& record = records.emplace_back();
    parser.parse(bytes, origin, kNow, record);
    record.seq = records.size();
    if (record.line != bytes || record.at > bytes.size() ||
        record.length > bytes.size() - record.at || record.severity < 0 || record.severity > 7 ||
        record.facility < -1 || record.facility > 23 || !is_within(record.host, bytes) ||
        !is_within(record.program, bytes) || !is_within(record.pid, bytes)) {
      return false;
    }
    writer.append(text, record);
  }
  const auto batch =
      wire::decode_log_batch(encode(wire::LogBatchHead{"s", "e", 1, 3, 3}) + text, "");
  return batch && std::equal(batch->lines.begin(),
                             batch->lines.end(),
                             records.begin(),
                             records.end(),
                             [](const wire::LogLine& a, const wire::LogRecord& b) {
                               return a.line == b.line && a.at == b.at && a.length == b.length &&
                                      a.time_us == b.time_us && a.host == b.host &&
                                      a.program == b.program && a.pid == b.pid &&
                                      a.severity == b.severity && a.facility == b.facility;
                             });
}

using Framed = std::vector<std::pair<std::string, std::size_t>>;

Framed framed(std::string_view bytes, std::size_t step) {
  constexpr std::size_t kMost = 50;
  Framer framer(kMost);
  Framed all;
  const auto take = [&all](std::string_view message, std::size_t whole) {
    all.emplace_back(message, whole);
  };
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    framer.feed(bytes.substr(at, step), take);
  }
  framer.end(take);
  for (const auto& [message, whole] : all) {
    if (message.size() > kMost || (whole != 0 && whole <= kMost)) {
      return {};
    }
  }
  return all;
}

bool framer_holds(std::string_view bytes) {
  const auto whole = framed(bytes, std::max<std::size_t>(1, bytes.size()));
  const bool nothing = bytes.find_first_not_of("\r\n\0"sv) == std::string_view::npos;
  return (nothing || !whole.empty()) && framed(bytes, 1) == whole && framed(bytes, 13) == whole;
}

// Each call takes whole lines off the front, one of them at least, and no more than one that does
// not begin with a blank; its text is in what was taken, and reads the same without what follows.
bool kernel_holds(std::string_view bytes) {
  while (!bytes.empty()) {
    auto rest = bytes;
    const auto record = take_kernel_record(rest);
    if (rest.size() >= bytes.size() || !is_within(rest, bytes)) {
      return false;
    }
    auto taken = bytes.substr(0, bytes.size() - rest.size());
    const auto first = taken.substr(0, taken.find('\n'));
    if ((!rest.empty() && (taken.back() != '\n' || rest.front() == ' ')) ||
        (record && (!is_within(record->text, first) || record->severity < 0 ||
                    record->severity > 7 || record->facility < 0 || record->facility > 23))) {
      return false;
    }
    for (auto at = taken.find('\n'); at != std::string_view::npos; at = taken.find('\n', at + 1)) {
      if (at + 1 < taken.size() && taken[at + 1] != ' ') {
        return false;
      }
    }
    const auto again = take_kernel_record(taken);
    if (again.has_value() != record.has_value() || !taken.empty() ||
        (record && (again->text != record->text || again->number != record->number ||
                    again->since_us != record->since_us))) {
      return false;
    }
    bytes = rest;
  }
  return true;
}

bool condition_holds(std::string_view bytes) {
  const auto condition = Condition::parse(bytes.substr(0, 2'048));
  if (!condition) {
    return condition.error().code == ErrorCode::bad_payload;
  }
  const auto again = Condition::parse(condition->text());
  wire::LogRecord record;
  record.line = record.program = record.host = bytes.substr(0, 100);
  record.length = record.line.size();
  return again && again->text() == condition->text() &&
         again->holds(record, bytes) == condition->holds(record, bytes);
}

bool batch_holds(std::string_view bytes) {
  for (const auto* encoding : {"", "zstd"}) {
    const auto batch = wire::decode_log_batch(bytes, encoding);
    if (!batch && batch.error().code != ErrorCode::bad_payload &&
        batch.error().code != ErrorCode::too_large &&
        batch.error().code != ErrorCode::unsupported) {
      return false;
    }
    if (batch && batch->lines.size() != batch->head.lines) {
      return false;
    }
  }
  wire::Compressor compressor;
  return wire::decompress(compressor.compress(bytes), bytes.size()) == std::string(bytes);
}

constexpr std::array<Check, 5> kChecks{{{"log_line", line_holds},
                                        {"log_framer", framer_holds},
                                        {"log_kernel", kernel_holds},
                                        {"log_condition", condition_holds},
                                        {"log_batch", batch_holds}}};

}  // namespace

const Check& log_check(std::string_view name) {
  const auto* const at = std::find_if(
      kChecks.begin(), kChecks.end(), [name](const Check& check) { return check.name == name; });
  if (at == kChecks.end()) {
    std::abort();
  }
  return *at;
}

}  // namespace steward::fuzz
