#include "subjects/wire/alert.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/metrics.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kLongestHold{std::chrono::hours(24 * 7)};
constexpr milliseconds kShortestRun{100};
constexpr milliseconds kLongestProgramRun{3'600'000};
constexpr std::size_t kMostArguments = 64;
constexpr std::size_t kMostArgumentBytes = 4'096;

// 4, 0.1, 1e+20
std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

double read_number(Fields& fields, std::string_view name, double fallback) {
  const double value = fields.number(name, fallback);
  if (!std::isfinite(value)) {
    fields.fail(ErrorCode::bad_payload, name, "must be a finite number");
  }
  return value;
}

void read_threshold(Fields& fields, AlertRule& rule) {
  const bool above = fields.has("above");
  if (above == fields.has("below")) {
    fields.fail(ErrorCode::bad_payload, "above", "exactly one of above and below is needed");
    return;
  }
  rule.when = above ? AlertRule::When::above : AlertRule::When::below;
  rule.threshold = read_number(fields, above ? "above" : "below", 0);
  rule.clear = read_number(fields, "clear", rule.threshold);
  if (above ? rule.clear > rule.threshold : rule.clear < rule.threshold) {
    fields.fail(ErrorCode::bad_payload,
                "clear",
                "must be on the good side of the threshold, or an alert would end as it begins");
  }
}

void read_program(Fields& fields, AlertRule& rule) {
  rule.run = fields.texts("run");
  std::size_t bytes = 0;
  bool good = rule.run.size() <= kMostArguments && (rule.run.empty() || !rule.run[0].empty());
  for (const auto& argument : rule.run) {
    bytes += argument.size();
    good = good && argument.find('\0') == std::string::npos;
  }
  if (!good || bytes > kMostArgumentBytes) {
    fields.fail(ErrorCode::bad_payload,
                "run",
                "must be a program and its arguments, at most 64 in 4096 bytes, without NUL");
  }
  rule.run_timeout =
      fields.milliseconds("run_timeout_ms", rule.run_timeout, kShortestRun, kLongestProgramRun);
}

}  // namespace

bool is_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestRuleName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

std::string condition_of(const AlertRule& rule) {
  std::string text = rule.rate ? "rate of " + rule.metric : rule.metric;
  text += rule.of.empty() ? "" : " / " + rule.of;
  text += rule.when == AlertRule::When::above ? " > " : " < ";
  text += number_text(rule.threshold);
  if (rule.hold.count() > 0) {
    text += " for " + number_text(std::chrono::duration<double>(rule.hold).count()) + "s";
  }
  return text;
}

std::string encode(const AlertRule& rule) {
  json out{{"name", rule.name}, {"metric", rule.metric}};
  if (!rule.of.empty()) {
    out["of"] = rule.of;
  }
  if (rule.rate) {
    out["rate"] = true;
  }
  out[rule.when == AlertRule::When::above ? "above" : "below"] = rule.threshold;
  out["clear"] = rule.clear;
  out["for_ms"] = rule.hold.count();
  out["severity"] = word(rule.severity);
  if (!rule.run.empty()) {
    out["run"] = rule.run;
  }
  out["run_timeout_ms"] = rule.run_timeout.count();
  return dump_json(out);
}

AlertRule read_rule(Fields& fields) {
  AlertRule rule;
  rule.name = fields.required_text("name");
  if (!is_rule_name(rule.name)) {
    fields.fail(ErrorCode::bad_payload, "name", "must be 1 to 64 of A-Z a-z 0-9 _ - .");
  }
  rule.metric = fields.required_text("metric");
  if (rule.metric.size() > kLongestSeries || !is_metric_pattern(rule.metric)) {
    fields.fail(
        ErrorCode::bad_payload, "metric", "must be a metric: load1, or NAME{LABEL=\"...\"}");
  }
  rule.of = fields.text("of");
  if (!rule.of.empty() && (rule.of.size() > kLongestSeries || !is_metric_pattern(rule.of) ||
                           rule.of.find('{') != std::string::npos)) {
    fields.fail(ErrorCode::bad_payload, "of", "must be a metric's name without labels");
  }
  rule.rate = fields.boolean("rate", false);
  read_threshold(fields, rule);
  rule.hold = fields.milliseconds("for_ms", rule.hold, milliseconds(0), kLongestHold);
  rule.severity =
      static_cast<Severity>(fields.choice("severity", {"info", "warning", "critical"}, 1));
  read_program(fields, rule);
  return rule;
}

Result<AlertRule> decode_alert_rule(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  auto rule = read_rule(fields);
  STEWARD_TRY(const auto ignored, fields.finish());
  if (!ignored.empty()) {
    return failure(ErrorCode::bad_payload, "a rule has no '" + ignored.front() + "'");
  }
  return rule;
}

}  // namespace steward::wire
