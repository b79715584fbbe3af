#include "subjects/identity/policy_arguments.hpp"

#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::identity {
namespace {

using nlohmann::json;

constexpr std::string_view kFurther = "...";
constexpr std::size_t kLongestName = 64;  // of a field, in a reason

// Linear for each star: at a mismatch it goes on from the last star alone.
bool fits_text(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t next = 0;
  std::size_t star = std::string_view::npos;
  std::size_t tried = 0;
  while (next < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      tried = next;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[next])) {
      ++at;
      ++next;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      next = ++tried;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(at), pattern.end(), [](char c) {
    return c == '*';
  });
}

bool fits_range(const json& range, const json& value) {
  return value.is_number_integer() && value >= range.at("from") && value <= range.at("to");
}

bool fits(const json& rule, const json& value);

bool fits_list(const json& rule, const json& value) {
  const bool open = !rule.empty() && rule.back() == kFurther;
  const std::size_t fixed = rule.size() - (open ? 1 : 0);
  if (!value.is_array() || value.size() < fixed || (!open && value.size() != fixed)) {
    return false;
  }
  for (std::size_t i = 0; i < fixed; ++i) {
    if (!fits(rule[i], value[i])) {
      return false;
    }
  }
  return true;
}

// Recursion ends with the rule's own depth, which is bounded by the parser of JSON.
bool fits(const json& rule, const json& value) {
  if (rule.is_object()) {
    return rule.contains("any") || fits_range(rule, value);
  }
  if (rule.is_string()) {
    return value.is_string() &&
           fits_text(rule.get_ref<const std::string&>(), value.get_ref<const std::string&>());
  }
  return rule.is_array() ? fits_list(rule, value) : rule == value;
}

bool is_well_formed(const json& rule) {
  if (rule.is_object()) {
    const bool any = rule.size() == 1 && rule.value("any", json()) == true;
    return any || (rule.size() == 2 && rule.value("from", json()).is_number_integer() &&
                   rule.value("to", json()).is_number_integer());
  }
  return !rule.is_array() || std::all_of(rule.begin(), rule.end(), &is_well_formed);
}

}  // namespace

Result<ArgumentRule> ArgumentRule::parse(std::string_view text) {
  STEWARD_TRY(const auto rule, wire::parse_json(text));
  if (!rule.is_object()) {
    return failure(ErrorCode::bad_payload, "args must be an object of fields");
  }
  for (const auto& [name, values] : rule.items()) {
    if (!values.is_array() || values.empty()) {
      return failure(ErrorCode::bad_payload, "args: each field has a list of good values");
    }
    if (!is_well_formed(values)) {
      return failure(ErrorCode::unsupported,
                     "args: an object is {\"any\": true} or {\"from\": a, \"to\": b}");
    }
  }
  return ArgumentRule(std::string(text));
}

std::string ArgumentRule::complaint(std::string_view payload) const {
  const auto rule = wire::parse_json(json_);
  const auto fields = wire::parse_json(payload.empty() ? "{}" : payload);
  if (!rule || !fields || !fields->is_object()) {
    return "the payload is not a JSON object";
  }
  const auto named = [](const std::string& name) {
    return "'" + name.substr(0, kLongestName) + "'";
  };
  for (const auto& [name, value] : fields->items()) {
    if (!rule->contains(name)) {
      return named(name) + " is not among the arguments that it allows";
    }
  }
  for (const auto& [name, values] : rule->items()) {
    const json value = fields->value(name, json());
    const bool good = std::any_of(
        values.begin(), values.end(), [&value](const json& one) { return fits(one, value); });
    if (!good) {
      return named(name) +
             (value.is_null() ? " is missing" : " has a value that it does not allow");
    }
  }
  return {};
}

}  // namespace steward::identity
