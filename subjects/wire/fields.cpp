#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kMostUnread = 32;
constexpr std::size_t kLongestUnread = 64;

// Depth is checked before parsing: dumping and destroying a deep tree would recurse.
bool too_deep(std::string_view text, int deepest) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// A number without a fraction that fits std::int64_t.
bool is_whole(const json& value) {
  return value.is_number_integer() &&
         !(value.is_number_unsigned() &&
           value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
}

}  // namespace

Result<json> parse_json(std::string_view text, int deepest) {
  if (too_deep(text, deepest)) {
    return failure(ErrorCode::bad_payload,
                   "JSON nested deeper than " + std::to_string(deepest) + " levels");
  }
  try {
    return json::parse(text);
  } catch (const json::parse_error& problem) {
    // Its own words quote the input, which may be as long as a payload.
    return failure(ErrorCode::bad_payload,
                   "not JSON: wrong at byte " + std::to_string(problem.byte));
  } catch (const json::exception&) {
    return failure(ErrorCode::bad_payload, "not JSON: a number is out of range");
  }
}

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Fields::Fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object_.is_object()) {
    error_ = Error{ErrorCode::bad_payload,
                   path_.empty() ? "the payload must be a JSON object"
                                 : path_.substr(0, path_.size() - 1) + ": must be an object"};
  }
}

Fields::~Fields() = default;

const json* Fields::find(std::string_view name) {
  read_.emplace_back(name);
  if (!object_.is_object()) {
    return nullptr;
  }
  const auto at = object_.find(std::string(name));
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

void Fields::fail(ErrorCode code, std::string_view name, std::string_view why) {
  if (!error_) {
    error_ = Error{code, path_ + std::string(name) + ": " + std::string(why)};
  }
}

void Fields::wrong_type(std::string_view name, std::string_view expected) {
  fail(ErrorCode::bad_payload, name, "must be " + std::string(expected));
}

bool Fields::has(std::string_view name) { return find(name) != nullptr; }

std::string Fields::text(std::string_view name, std::string fallback) {
  const json* value = find(name);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_string()) {
    wrong_type(name, "a string");
    return fallback;
  }
  return value->get<std::string>();
}

std::string Fields::required_text(std::string_view name) {
  if (!has(name)) {
    fail(ErrorCode::bad_payload, name, "is missing");
  }
  return text(name);
}

std::optional<std::int64_t> Fields::optional_integer(std::string_view name,
                                                     std::int64_t low,
                                                     std::int64_t high) {
  const json* value = find(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!is_whole(*value)) {
    wrong_type(name, "a whole number");
    return std::nullopt;
  }
  const auto number = value->get<std::int64_t>();
  if (number < low || number > high) {
    fail(ErrorCode::bad_payload,
         name,
         "must be from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  return number;
}

std::int64_t Fields::integer(std::string_view name,
                             std::int64_t fallback,
                             std::int64_t low,
                             std::int64_t high) {
  return optional_integer(name, low, high).value_or(fallback);
}

bool Fields::boolean(std::string_view name, bool fallback) {
  const json* value = find(name);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_boolean()) {
    wrong_type(name, "true or false");
    return fallback;
  }
  return value->get<bool>();
}

double Fields::number(std::string_view name, double fallback) {
  const json* value = find(name);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_number()) {
    wrong_type(name, "a number");
    return fallback;
  }
  return value->get<double>();
}

std::chrono::milliseconds Fields::milliseconds(std::string_view name,
                                               std::chrono::milliseconds fallback,
                                               std::chrono::milliseconds low,
                                               std::chrono::milliseconds high) {
  return std::chrono::milliseconds(integer(name, fallback.count(), low.count(), high.count()));
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> out;
  const json* value = find(name);
  if (value == nullptr) {
    return out;
  }
  if (!value->is_array()) {
    wrong_type(name, "an array of strings");
    return out;
  }
  for (const auto& item : *value) {
    if (!item.is_string()) {
      wrong_type(name, "an array of strings");
      return {};
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<std::int64_t> Fields::integers(std::string_view name,
                                           std::int64_t low,
                                           std::int64_t high) {
  std::vector<std::int64_t> out;
  const json* value = find(name);
  if (value == nullptr) {
    return out;
  }
  const auto good = [low, high](const json& item) {
    return is_whole(item) && item.get<std::int64_t>() >= low && item.get<std::int64_t>() <= high;
  };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), good)) {
    wrong_type(
        name,
        "an array of whole numbers from " + std::to_string(low) + " to " + std::to_string(high));
    return out;
  }
  return value->get<std::vector<std::int64_t>>();
}

std::map<std::string, std::string> Fields::text_map(std::string_view name) {
  std::map<std::string, std::string> out;
  const json* value = find(name);
  if (value == nullptr) {
    return out;
  }
  if (!value->is_object()) {
    wrong_type(name, "an object of strings");
    return out;
  }
  for (const auto& [key, item] : value->items()) {
    if (!item.is_string()) {
      wrong_type(name, "an object of strings");
      return {};
    }
    out.emplace(key, item.get<std::string>());
  }
  return out;
}

std::size_t Fields::choice(std::string_view name,
                           std::initializer_list<std::string_view> words,
                           std::size_t fallback) {
  return choice(name, std::span(words.begin(), words.size()), fallback);
}

std::size_t Fields::choice(std::string_view name,
                           std::span<const std::string_view> words,
                           std::size_t fallback) {
  const json* value = find(name);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_string()) {
    wrong_type(name, "a string");
    return fallback;
  }
  const auto given = value->get<std::string>();
  const auto at = std::find(words.begin(), words.end(), given);
  if (at == words.end()) {
    std::string known;
    for (auto known_word : words) {
      known.append(known.empty() ? "" : ", ").append(known_word);
    }
    fail(ErrorCode::unsupported, name, "'" + given.substr(0, 64) + "' is not one of: " + known);
    return fallback;
  }
  return static_cast<std::size_t>(at - words.begin());
}

void Fields::object(std::string_view name, const std::function<void(Fields&)>& read) {
  const json* value = find(name);
  if (value == nullptr) {
    return;
  }
  Fields inner(*value, path_ + std::string(name) + ".");
  read(inner);
  auto finished = inner.finish();
  if (!finished) {
    if (!error_) {
      error_ = std::move(finished).error();
    }
    return;
  }
  nested_unread_.insert(nested_unread_.end(), finished->begin(), finished->end());
  for (const auto& inner_name : inner.read_) {
    read_.push_back(std::string(name) + "." + inner_name);
  }
}

void Fields::objects(std::string_view name, const std::function<void(Fields&)>& read) {
  const json* value = find(name);
  if (value == nullptr) {
    return;
  }
  if (!value->is_array()) {
    wrong_type(name, "an array of objects");
    return;
  }
  for (const auto& item : *value) {
    Fields inner(item, path_ + std::string(name) + ".");
    read(inner);
    auto finished = inner.finish();
    if (!finished && !error_) {
      error_ = std::move(finished).error();
    }
  }
}

std::string Fields::raw(std::string_view name) {
  const json* value = find(name);
  return value == nullptr ? std::string() : dump_json(*value);
}

void Fields::must() {
  for (const auto& name : texts("must")) {
    if (std::find(read_.begin(), read_.end(), name) == read_.end()) {
      fail(ErrorCode::unsupported, "must", "'" + name.substr(0, kLongestUnread) + "' is not known");
    }
  }
}

std::vector<std::string> Fields::raws(std::string_view name) {
  std::vector<std::string> out;
  const json* value = find(name);
  if (value == nullptr) {
    return out;
  }
  if (!value->is_array()) {
    wrong_type(name, "an array");
    return out;
  }
  std::transform(value->begin(), value->end(), std::back_inserter(out), &dump_json);
  return out;
}

// Bounded, because it is said in an answer: a hostile payload is not to make a large one.
std::vector<std::string> Fields::unread() const {
  std::vector<std::string> out = nested_unread_;
  std::size_t more = 0;
  for (const auto& item : object_.items()) {
    if (std::find(read_.begin(), read_.end(), item.key()) != read_.end()) {
      continue;
    }
    if (out.size() < kMostUnread) {
      out.push_back((path_ + item.key()).substr(0, kLongestUnread));
    } else {
      ++more;
    }
  }
  if (more > 0) {
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

Result<std::vector<std::string>> Fields::finish() {
  if (error_) {
    return tl::unexpected<Error>(*std::move(error_));
  }
  return unread();
}

}  // namespace steward::wire
