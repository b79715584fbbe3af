#include "steward/logs/line_text.hpp"

#include "subjects/wire/time.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kMostHost = 255;
constexpr std::size_t kMostProgram = 48;
constexpr std::size_t kMostPid = 128;
constexpr int kUserFacility = 1;    // of a line that says none
constexpr int kSyslogFacility = 5;  // of what we say ourselves
constexpr int kNoticeSeverity = 4;
constexpr int kPerFacility = 8;

// A field of the header: printable ASCII without spaces, so long at most.
std::string field(std::string_view text, std::size_t most) {
  std::string out(text.substr(0, most));
  for (auto& letter : out) {
    if (letter <= ' ' || letter > '~') {
      letter = '_';
    }
  }
  return out.empty() ? "-" : out;
}

// A value of structured data.
std::string parameter_value(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\' || letter == ']') {
      out += '\\';
    }
    out += letter;
  }
  return out + '"';
}

// What a line of RFC 5424 has between its header's process id and its message.
struct Kept {
  std::string_view message_id = "-";
  std::string_view data;  // elements; empty: none
};

// "<14>1 time host program pid ID [data] message": the sixth field and what follows it.
std::optional<Kept> kept_of(const wire::LogLine& line) {
  std::string_view head = std::string_view(line.line).substr(0, line.at);
  const auto close = head.find('>');
  if (head.empty() || head.front() != '<' || close == std::string_view::npos ||
      head.substr(close + 1, 2) != "1 ") {
    return std::nullopt;
  }
  head.remove_prefix(close + 3);
  constexpr int kFieldsBefore = 4;
  for (int skipped = 0; skipped < kFieldsBefore; ++skipped) {
    const auto space = head.find(' ');
    if (space == std::string_view::npos) {
      return std::nullopt;
    }
    head.remove_prefix(space + 1);
  }
  const auto space = head.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  Kept kept{head.substr(0, space), head.substr(space + 1)};
  const auto last = kept.data.rfind(']');
  const bool has_data = kept.data.starts_with('[') && last != std::string_view::npos;
  kept.data = has_data ? kept.data.substr(0, last + 1) : std::string_view();
  return kept;
}

std::string origin(const bus::LogItem& item) {
  std::string out = "[steward@32473 unit=" + parameter_value(item.unit) +
                    " domain=" + parameter_value(item.domain) +
                    " source=" + parameter_value(item.source);
  if (item.line) {
    out += " seq=\"" + std::to_string(item.line->seq) + '"';
  }
  return out + ']';
}

std::string header(int priority,
                   std::int64_t time_us,
                   std::string_view host,
                   std::string_view program,
                   std::string_view pid) {
  return '<' + std::to_string(priority) + ">1 " +
         wire::format_time(wire::Timestamp(std::chrono::microseconds(time_us))) + ' ' +
         field(host, kMostHost) + ' ' + field(program, kMostProgram) + ' ' + field(pid, kMostPid) +
         ' ';
}

}  // namespace

std::string rfc5424(const bus::LogItem& item) {
  if (!item.line) {
    return header(kSyslogFacility * kPerFacility + kNoticeSeverity,
                  item.time_us,
                  item.unit,
                  "steward",
                  "") +
           "- " + origin(item) + ' ' + item.notice;
  }
  const auto& line = *item.line;
  const int facility = line.facility < 0 ? kUserFacility : line.facility;
  const auto kept = kept_of(line).value_or(Kept{});
  return header(facility * kPerFacility + line.severity,
                line.time_us,
                line.host.empty() ? item.unit : line.host,
                line.program,
                line.pid) +
         std::string(kept.message_id) + ' ' + std::string(kept.data) + origin(item) + ' ' +
         std::string(line.message());
}

std::string counted(std::string_view message) {
  return std::to_string(message.size()) + ' ' + std::string(message);
}

std::string file_line(const bus::LogItem& item, LineForm form) {
  if (form == LineForm::raw) {
    return (item.line ? item.line->line : "steward: " + item.source + ": " + item.notice) + '\n';
  }
  std::string out;
  for (const char letter : rfc5424(item)) {
    if (letter == '\n') {
      out += "#012";
    } else {
      out += letter;
    }
  }
  return out + '\n';
}

}  // namespace steward::station
