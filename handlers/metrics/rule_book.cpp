#include "handlers/metrics/rule_book.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::handlers::metrics {
namespace {

constexpr const char* kRulesFile = "rules.json";

}  // namespace

RuleBook::RuleBook(runtime::Options options) {
  for (const auto& text : options.tables("rules")) {
    auto rule = wire::decode_alert_rule(text);
    if (!rule) {
      options.reject("rules", rule.error().message);
      continue;
    }
    const std::string name = rule->name;
    if (!configured_.emplace(name, *std::move(rule)).second) {
      options.reject("rules", "two of them are named '" + name + "'");
    }
  }
  if (configured_.size() > wire::kMostRules) {
    options.reject("rules", "more than 64");
  }
}

Result<void> RuleBook::load(const std::filesystem::path& folder) {
  STEWARD_TRY(const auto text, runtime::load_kept(folder / kRulesFile));
  if (!text) {
    return {};
  }
  STEWARD_TRY(const auto request, wire::decode_metrics_request(*text));
  for (const auto& name : request.remove) {
    changes_.insert_or_assign(name, std::nullopt);
  }
  for (const auto& rule : request.add) {
    changes_.insert_or_assign(rule.name, rule);
  }
  return {};
}

std::vector<wire::AlertRule> RuleBook::rules() const {
  auto all = configured_;
  for (const auto& [name, rule] : changes_) {
    if (rule) {
      all.insert_or_assign(name, *rule);
    } else {
      all.erase(name);
    }
  }
  std::vector<wire::AlertRule> rules;
  rules.reserve(all.size());
  for (auto& [name, rule] : all) {
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<RuleBook> RuleBook::changed_by(const wire::MetricsRequest& request) const {
  RuleBook book = *this;
  for (const auto& name : request.remove) {
    const auto change = book.changes_.find(name);
    const bool configured = book.configured_.contains(name);
    const bool there = change == book.changes_.end() ? configured : change->second.has_value();
    if (!there) {
      return failure(ErrorCode::not_found, "no rule is named '" + name.substr(0, 64) + "'");
    }
    book.changes_.erase(name);
    if (configured) {
      book.changes_.emplace(name, std::nullopt);
    }
  }
  for (const auto& rule : request.add) {
    book.changes_.insert_or_assign(rule.name, rule);
  }
  if (book.rules().size() > wire::kMostRules) {
    return failure(ErrorCode::bad_payload, "a unit has at most 64 rules");
  }
  return book;
}

Result<void> RuleBook::save(const std::filesystem::path& folder) const {
  nlohmann::json out{
      {"op", "rules"}, {"set", nlohmann::json::array()}, {"remove", nlohmann::json::array()}};
  for (const auto& [name, rule] : changes_) {
    if (rule) {
      out["set"].push_back(nlohmann::json::parse(wire::encode(*rule)));
    } else {
      out["remove"].push_back(name);
    }
  }
  return runtime::save_kept(folder / kRulesFile, wire::dump_json(out));
}

}  // namespace steward::handlers::metrics
