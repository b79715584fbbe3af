#include "handlers/metrics/scan.hpp"
#include "handlers/metrics/series_key.hpp"
#include "handlers/metrics/told.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace steward::handlers::metrics {
namespace {

using nlohmann::json;
using wire::MetricType;
using LabelMap = std::map<std::string, std::string>;

auto wrong_check(std::string why) { return failure(ErrorCode::bad_payload, std::move(why)); }

std::string metric_name(const std::string& text) {
  std::string name;
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) {
    name = "_";
  }
  append_name(name, text);
  return name;
}

// All numbers of the object; objects in it are gone into where `deep`.
void collect_numbers(const json& object,
                     const std::string& before,
                     bool deep,
                     std::vector<std::pair<std::string, double>>& found) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_number()) {
      found.emplace_back(before + name, value.get<double>());
    } else if (value.is_boolean()) {
      found.emplace_back(before + name, value.get<bool>() ? 1 : 0);
    } else if (value.is_object() && deep) {
      collect_numbers(value, before + name + '_', deep, found);
    }
  }
}

Result<LabelMap> read_check_labels(const json& object, std::string_view check) {
  LabelMap labels{{"check", std::string(check)}};
  const auto at = object.find("labels");
  if (at == object.end() || !at->is_object()) {
    return labels;
  }
  for (const auto& [name, value] : at->items()) {
    std::string label;
    append_name(label, name == "unit" ? "exported_unit" : name);
    const bool good = !label.empty() && label.find(':') == std::string::npos &&
                      !(label.front() >= '0' && label.front() <= '9') && value.is_string();
    if (!good || !labels.emplace(label, value.get<std::string>()).second) {
      return wrong_check("labels: names of labels with texts, each once, and not 'check'");
    }
  }
  return labels;
}

// What Nagios calls the unit of measurement: what the metric's name ends with, and what the value
// is to be multiplied by.
struct Measure {
  std::string_view word;
  std::string_view ending;
  double factor;
};

constexpr double kTenthPower = 1024.0;
constexpr std::array<Measure, 11> kMeasures{{
    {"s", "_seconds", 1},
    {"ms", "_seconds", 1e-3},
    {"us", "_seconds", 1e-6},
    {"ns", "_seconds", 1e-9},
    {"%", "_percent", 1},
    {"B", "_bytes", 1},
    {"KB", "_bytes", kTenthPower},
    {"MB", "_bytes", kTenthPower* kTenthPower},
    {"GB", "_bytes", kTenthPower* kTenthPower* kTenthPower},
    {"TB", "_bytes", kTenthPower* kTenthPower* kTenthPower* kTenthPower},
    {"c", "_total", 1},
}};

// The text behind the first '|' of the first line, and behind the first of the others.
std::string performance_of(std::string_view text) {
  std::string found(1, ' ');
  const auto first = next_line(text);
  if (const auto bar = first.find('|'); bar != std::string_view::npos) {
    found += first.substr(bar + 1);
  }
  if (const auto bar = text.find('|'); bar != std::string_view::npos) {
    found += ' ';
    found += text.substr(bar + 1);
  }
  return found;
}

// Takes a label off the front, up to its '='; 'in quotes' it may hold spaces, and '' is a quote.
bool take_label(std::string_view& rest, std::string& label) {
  if (!rest.starts_with('\'')) {
    const auto end = rest.find_first_of("= \t\r\n");
    label = rest.substr(0, end);
    rest.remove_prefix(std::min(end, rest.size()));
  } else {
    rest.remove_prefix(1);
    while (!rest.empty() && (rest.front() != '\'' || rest.starts_with("''"))) {
      const bool quote = rest.front() == '\'';
      label += rest.front();
      rest.remove_prefix(quote ? 2 : 1);
    }
    if (rest.empty()) {
      return false;
    }
    rest.remove_prefix(1);
  }
  if (label.empty() || !rest.starts_with('=')) {
    return false;
  }
  rest.remove_prefix(1);
  return true;
}

}  // namespace

Result<std::vector<Told>> parse_check_json(std::string_view text, std::string_view check) {
  STEWARD_TRY(const auto object, wire::parse_json(text));
  if (!object.is_object()) {
    return wrong_check("is no JSON object");
  }
  STEWARD_TRY(const auto labels, read_check_labels(object, check));
  std::vector<std::pair<std::string, double>> found;
  if (const auto at = object.find("metrics"); at != object.end() && at->is_object()) {
    collect_numbers(*at, "", false, found);
  } else {
    collect_numbers(object, "", true, found);
  }
  if (found.size() > kMostTold) {
    return failure(ErrorCode::too_large, "more than " + std::to_string(kMostTold) + " numbers");
  }
  std::vector<Told> told;
  std::set<std::string> seen;
  for (const auto& [name, value] : found) {
    const auto metric = metric_name(name);
    if (metric.starts_with("steward_")) {
      return wrong_check("names that begin with steward_ are the unit's own");
    }
    if (!seen.insert(metric).second) {
      return wrong_check("two numbers have the same name");
    }
    told.push_back({series_key(metric, labels), MetricType::gauge, value});
  }
  return told;
}

Result<std::vector<Told>> parse_perfdata(std::string_view text, std::string_view check) {
  const auto all = performance_of(text);
  std::string_view rest(all);
  std::vector<Told> told;
  std::set<std::string> seen;
  constexpr std::string_view kSpaces = " \t\r\n";
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
    if (rest.empty()) {
      return told;
    }
    std::string label;
    if (!take_label(rest, label)) {
      return wrong_check("performance data: no label=value");
    }
    const auto end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
    const auto piece = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto number = piece.substr(0, piece.find(';'));
    if (number == "U") {
      continue;  // it could not be found out
    }
    double value = 0;
    const auto [behind, error] =
        std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc()) {
      return wrong_check("performance data: a value that is no number");
    }
    Measure measure{{}, "", 1};
    const std::string_view word(behind,
                                static_cast<std::size_t>(number.data() + number.size() - behind));
    for (const auto& one : kMeasures) {
      measure = one.word == word ? one : measure;
    }
    const bool counts = measure.word == "c";
    auto key = series_key("steward_check_perfdata" + std::string(measure.ending),
                          {{"check", std::string(check)}, {"label", label}});
    if (!seen.insert(key).second) {
      return wrong_check("performance data: a label that stands there twice");
    }
    if (told.size() == kMostTold) {
      return failure(ErrorCode::too_large, "more than " + std::to_string(kMostTold) + " values");
    }
    told.push_back(
        {std::move(key), counts ? MetricType::counter : MetricType::gauge, value * measure.factor});
  }
}

}  // namespace steward::handlers::metrics
