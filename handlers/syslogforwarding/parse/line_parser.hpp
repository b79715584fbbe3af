#pragma once

#include "handlers/syslogforwarding/parse/moment.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <cstdint>
#include <string_view>

namespace steward::handlers::syslogforwarding {

// Where lines come from: a program on this machine names no host.
enum class Origin { file, local, network };

// Finds out what a line says of itself: RFC 5424, RFC 3164 in its dialects, CEE or JSON, with or
// without a priority before it. What is none of these goes through as it is: nothing is refused.
// One thread.
class LineParser {
 public:
  explicit LineParser(Moments::ZoneOffset zone) : moments_(std::move(zone)) {}

  // `line` has no line's end. Fills in all but `seq`; the views are into the line.
  void parse(std::string_view line,
             Origin origin,
             std::int64_t received_us,
             wire::LogRecord& record);

 private:
  bool rfc5424(Scan scan, wire::LogRecord& record);
  void rfc3164(Scan scan, Origin origin, bool has_priority, wire::LogRecord& record);

  Moments moments_;
};

// The message, program, severity and host of a line that is a JSON object from `at` on; false where
// it is none. Nothing is copied, so a message with escapes in it stays escaped.
bool read_json_line(std::size_t at, wire::LogRecord& record);

}  // namespace steward::handlers::syslogforwarding
