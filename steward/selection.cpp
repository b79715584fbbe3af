#include "steward/selection.hpp"

#include "subjects/wire/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  return value.is_string() ? value.get<std::string>() : wire::dump_json(value);
}

// A value as the facts have it, as texts: those of a list one by one.
std::vector<std::string> texts_of(const std::string& value) {
  const auto parsed = json::parse(value, nullptr, false);
  if (!parsed.is_array()) {
    return {shown(parsed)};
  }
  std::vector<std::string> texts;
  for (const auto& item : parsed) {
    texts.push_back(shown(item));
  }
  return texts;
}

// `a="1",b="2"` one by one; what stands in quotes may hold commas.
std::vector<std::string> labels_in(std::string_view text) {
  std::vector<std::string> labels(1);
  bool quoted = false;
  for (const char c : text) {
    quoted = quoted != (c == '"');
    if (c == ',' && !quoted) {
      labels.emplace_back();
    } else {
      labels.back() += c;
    }
  }
  return labels;
}

// The numbers of the series of that name that have those labels: node_load1,
// node_disk_io_now{device="vda"}.
std::vector<std::string> metrics_of(const MetricsTable::Latest& latest, std::string_view key) {
  const auto brace = key.find('{');
  const auto family = latest.families->families.find(key.substr(0, brace));
  std::vector<std::string> values;
  if (family == latest.families->families.end()) {
    return values;
  }
  std::vector<std::string> labels;
  if (brace != std::string_view::npos && key.ends_with('}')) {
    labels = labels_in(key.substr(brace + 1, key.size() - brace - 2));
  }
  for (const auto& line : family->second.lines) {
    const bool meant = std::all_of(labels.begin(), labels.end(), [&line](const auto& label) {
      return line.head.find('{' + label + ',') != std::string::npos ||
             line.head.find(',' + label + ',') != std::string::npos;
    });
    const auto number = latest.numbers[line.number];
    if (meant && number != wire::kAbsent) {
      values.push_back(
          fmt::format("{}", static_cast<double>(number) * line.multiplier / line.divisor));
    }
  }
  return values;
}

}  // namespace

Result<std::vector<std::string>> Selection::pick(const wire::Selector& selector) {
  for (const auto& key : selector.keys()) {
    if (wire::is_fact_path(key)) {
      STEWARD_TRY(labels_[key], store_.fact_of_all("labels." + key));
      STEWARD_TRY(facts_[key], store_.fact_of_all(key));
    }
  }
  std::vector<std::string> names;
  units_.visit([&](const wire::UnitRow& row) {
    const wire::Selector::Unit unit{
        row.unit, [this, &row](std::string_view key) { return values_of(row, key); }};
    if (selector.matches(unit)) {
      names.push_back(row.unit);
    }
  });
  return names;
}

std::vector<std::string> Selection::values_of(const wire::UnitRow& row,
                                              std::string_view key) const {
  if (key == "state") {
    return {std::string(wire::word(row.state))};
  }
  if (key == "unit") {
    return {row.unit};
  }
  for (const auto* table : {&labels_, &facts_}) {
    if (const auto by_unit = table->find(key); by_unit != table->end()) {
      if (const auto at = by_unit->second.find(row.unit); at != by_unit->second.end()) {
        return texts_of(at->second);
      }
    }
  }
  if (const auto latest = metrics_.find(row.unit, now_)) {
    auto values = metrics_of(*latest, key);
    return values.empty() ? metrics_of(*latest, "node_" + std::string(key)) : values;
  }
  return {};
}

}  // namespace steward::station
