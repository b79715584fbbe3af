#include "tools/stewardctl/log_text.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"
#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>

namespace steward::ctl {

namespace {

constexpr int kError = 3;
constexpr int kWarning = 4;

wire::Timestamp moment(std::int64_t time_us) {
  return wire::Timestamp(std::chrono::microseconds(time_us));
}

Paint paint_of_severity(int severity) {
  return severity <= kError ? Paint::bad : severity == kWarning ? Paint::warning : Paint::plain;
}

}  // namespace

std::string log_text(const bus::LogItem& item, const Style& style) {
  const std::string head = fmt::format("{} {}  {:<12}  ",
                                       date_time(moment(item.time_us)).substr(5, 5),
                                       clock_millis(moment(item.time_us)),
                                       item.unit);
  if (!item.line) {
    return style.paint(Paint::faint, head) +
           style.paint(Paint::warning, fmt::format("{}: {}", item.source, item.notice)) + "\n";
  }
  const auto& line = *item.line;
  std::string program = one_line(line.program);
  if (!line.pid.empty()) {
    program += "[" + one_line(line.pid) + "]";
  }
  return style.paint(Paint::faint, head) +
         style.paint(paint_of_severity(line.severity),
                     (program.empty() ? "" : program + ": ") + one_line(line.message())) +
         "\n";
}

std::string log_json(const bus::LogItem& item) {
  nlohmann::json out{{"time", wire::format_time(moment(item.time_us))},
                     {"unit", item.unit},
                     {"domain", item.domain},
                     {"source", item.source}};
  if (!item.line) {
    out["kind"] = "notice";
    out["text"] = item.notice;
    return wire::dump_json(out) + "\n";
  }
  const auto& line = *item.line;
  out["kind"] = "line";
  out["number"] = line.seq;
  out["severity"] = wire::kSeverities[static_cast<std::size_t>(line.severity)];
  out["received"] = wire::format_time(moment(line.received_us));
  if (line.facility >= 0) {
    out["facility"] = line.facility;
  }
  const auto add = [&out](const char* name, const std::string& text) {
    if (!text.empty()) {
      out[name] = text;
    }
  };
  add("host", line.host);
  add("program", line.program);
  add("pid", line.pid);
  add("systemd_unit", line.unit);
  if (line.whole != 0) {
    out["total_bytes"] = line.whole;
  }
  if (wire::is_utf8(line.line)) {
    out["message"] = line.message();
    out["line"] = line.line;
  } else {
    out["line_b64"] = wire::base64(line.line);
  }
  return wire::dump_json(out) + "\n";
}

}  // namespace steward::ctl
