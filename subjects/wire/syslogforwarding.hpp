#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

inline constexpr std::string_view kLogContentType = "application/x-ndjson";
inline constexpr std::string_view kLogContentEncoding = "zstd";

// What a batch may hold when it is unpacked, its head included.
inline constexpr std::size_t kLargestLogBatch = std::size_t{4} * 1024 * 1024;

// Of a line that does not say how severe it is: "info".
inline constexpr int kUsualSeverity = 6;
inline constexpr std::array<std::string_view, 8> kSeverities = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

using BySeverity = std::array<std::uint64_t, 8>;

// A line as it goes into a batch; views into whatever it was read from.
struct LogRecord {
  std::uint64_t seq = 0;         // of its source's epoch
  std::int64_t received_us = 0;  // since 1970, by the unit's clock
  std::int64_t time_us = 0;      // as the line says; when it says nothing, as received
  int severity = kUsualSeverity;
  int facility = -1;  // -1: it does not say
  std::string_view host, program, pid, unit;
  std::string_view line;   // its bytes as they came, without the line's end
  std::size_t at = 0;      // where the message begins in it
  std::size_t length = 0;  // of the message
  std::size_t whole = 0;   // bytes of the line before it was cut; 0: it is whole

  std::string_view message() const { return line.substr(at, length); }
};

// Writes records one behind the other; what is as in the one before is left out.
class LogRecordWriter {
 public:
  void append(std::string& out, const LogRecord& record);

  // The next one is the first of a batch that begins with that number.
  void begin(std::uint64_t first) {
    next_ = first;
    received_us_ = 0;
    time_us_ = 0;
    at_ = 0;
  }

 private:
  std::uint64_t next_ = 1;
  std::int64_t received_us_ = 0;
  std::int64_t time_us_ = 0;
  std::size_t at_ = 0;
};

// What stands before the records of a batch. It is all that its source had for this domain from
// `first` to `last`: what of it is in no record was not meant for it, or is counted here.
struct LogBatchHead {
  std::string source;  // "file:/var/log/syslog", "udp:0.0.0.0:514"
  std::string epoch;   // numbers begin at 1 in each
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::uint64_t lines = 0;            // records in it
  std::uint64_t suppressed = 0;       // lines beyond the rate that was set
  std::optional<BySeverity> dropped;  // lines that found no room on the unit's disk
  std::string gap;  // why lines before it are missing, as far as the unit knows; "": none are
  std::uint64_t gap_lines = 0;  // how many, where that is known

  bool operator==(const LogBatchHead&) const = default;
};

// With its line feed.
std::string encode(const LogBatchHead& head);

// A record as a reader gets it.
struct LogLine {
  std::uint64_t seq = 0;
  std::int64_t received_us = 0;
  std::int64_t time_us = 0;
  int severity = kUsualSeverity;
  int facility = -1;
  std::string host, program, pid, unit;
  std::string line;
  std::size_t at = 0;
  std::size_t length = 0;
  std::size_t whole = 0;

  std::string_view message() const { return std::string_view(line).substr(at, length); }
};

struct LogBatch {
  LogBatchHead head;
  std::vector<LogLine> lines;
};

// `encoding`: the message's Content-Encoding, "zstd" or empty. Errors: bad_payload, unsupported,
// too_large.
[[nodiscard]] Result<LogBatch> decode_log_batch(std::string_view payload,
                                                std::string_view encoding);

// Payload of <node>.command.syslogforwarding.<domain>.
struct LogRequest {
  enum class Op { status, start, stop, filter, replay, spool };
  Op op = Op::status;
  std::string filter;              // for filter
  std::string source;              // for replay: a glob
  std::optional<Timestamp> since;  // for replay; none: from the first line that is there
  std::string cursor;              // for replay, of a journal, in the place of `since`
  std::vector<std::string> ignored;
};

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<LogRequest> decode_log_request(std::string_view payload);

}  // namespace steward::wire
