#include "steward/selection.hpp"

#include "subjects/wire/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using nlohmann::json;

std::string text_of_value(const json& value) {
  return value.is_string() ? value.get<std::string>() : wire::dump_json(value);
}

// A value as the facts have it, as texts: those of a list one by one.
std::vector<std::string> texts_of(const std::string& value) {
  const auto parsed = json::parse(value, nullptr, false);
  if (!parsed.is_array()) {
    return {text_of_value(parsed)};
  }
  std::vector<std::string> texts;
  for (const auto& item : parsed) {
    texts.push_back(text_of_value(item));
  }
  return texts;
}

// The numbers of the series of that name that have those labels: node_load1,
// node_disk_io_now{device="vda"}.
std::vector<std::string> metrics_of(const MetricsTable::Latest& latest, std::string_view key) {
  const auto [name, with] = wire::name_and_labels(key);
  const auto family = latest.families->families.find(name);
  std::vector<std::string> values;
  if (family == latest.families->families.end()) {
    return values;
  }
  const auto labels = with.empty() ? std::vector<std::string_view>() : wire::labels_in(with);
  for (const auto& line : family->second.lines) {
    const bool meant = std::all_of(labels.begin(), labels.end(), [&line](const auto& label) {
      const auto between = std::string(label) + ',';
      return line.head.find('{' + between) != std::string::npos ||
             line.head.find(',' + between) != std::string::npos;
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

// What of the store it takes to judge a unit, that of groups in it included.
Result<void> Selection::prepare(const wire::Selector& selector, int depth) {
  constexpr int kDeepest = 8;
  for (const auto& key : selector.keys()) {
    if (wire::is_fact_path(key) && !facts_.contains(key)) {
      STEWARD_TRY(labels_[key], store_.fact_of_all("labels." + key));
      STEWARD_TRY(facts_[key], store_.fact_of_all(key));
    }
  }
  for (const auto& name : selector.groups()) {
    const auto* group = groups_.find(name);
    if (group == nullptr) {
      return failure(ErrorCode::not_found, "no group is named '@" + name + "'");
    }
    if (depth == kDeepest) {
      return failure(ErrorCode::bad_payload,
                     "group '@" + name + "' is more than 8 groups deep, or in itself");
    }
    auto& deepest = prepared_[name];
    if (deepest > depth) {
      continue;  // what was not too deep there is not here
    }
    STEWARD_TRY(auto inner, wire::Selector::parse(group->target));
    if (auto prepared = prepare(inner, depth + 1); !prepared) {
      return prepared;
    }
    deepest = depth + 1;
    selectors_.insert_or_assign(name, std::move(inner));
  }
  return {};
}

bool Selection::is_meant(const wire::Selector& selector, const wire::UnitRow& row) const {
  return selector.matches({row.unit,
                           [this, &row](std::string_view key) { return values_of(row, key); },
                           [this, &row](std::string_view group) {
                             const auto at = selectors_.find(group);
                             return at != selectors_.end() && is_meant(at->second, row);
                           }});
}

Result<std::vector<std::string>> Selection::pick(const wire::Selector& selector) {
  if (auto prepared = prepare(selector, 0); !prepared) {
    return tl::unexpected<Error>(std::move(prepared).error());
  }
  std::vector<std::string> names;
  units_.visit([&](const wire::UnitRow& row) {
    if (is_meant(selector, row)) {
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
