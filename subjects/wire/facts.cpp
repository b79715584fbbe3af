#include "subjects/wire/facts.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/fnv.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestLabelValue = 256;
constexpr std::size_t kMostKeys = 64;

bool is_word_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_scalar(const json& value) {
  return value.is_string() || value.is_boolean() || value.is_number_integer() ||
         (value.is_number_float() && std::isfinite(value.get<double>()));
}

// The value as it is kept; none for what no value may be.
std::optional<std::string> value_text(const json& value) {
  const bool fits =
      is_scalar(value) || (value.is_array() && std::all_of(value.begin(), value.end(), is_scalar));
  auto text = fits ? dump_json(value) : std::string();
  if (!fits || text.size() > kLongestFact) {
    return std::nullopt;
  }
  return text;
}

// Walks a value of the world: objects become paths.
class Adder {
 public:
  explicit Adder(Facts& facts) : facts_(facts), bytes_(bytes_of(facts)) {}

  void add(const std::string& path, const json& value) {
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) {
        add(path.empty() ? name : path + "." + name, member);
      }
      return;
    }
    if (value.is_null()) {
      return;
    }
    auto text = value_text(value);
    if (!text && value.is_array()) {
      text = value_text(json(dump_json(value)));
    }
    const bool room =
        text && facts_.size() < kMostFacts && bytes_ + path.size() + text->size() <= kMostFactBytes;
    if (!room || !is_fact_path(path)) {
      left.push_back(path.substr(0, kLongestFactPath));
      return;
    }
    bytes_ += path.size() + text->size();
    facts_.insert_or_assign(path, *std::move(text));
  }

  std::vector<std::string> left;

 private:
  Facts& facts_;
  std::size_t bytes_;
};

Result<Facts> read_facts(const json& object, std::string_view name) {
  if (!object.is_object()) {
    return failure(ErrorCode::bad_payload, std::string(name) + " must be an object");
  }
  if (object.size() > kMostFacts) {
    return failure(ErrorCode::too_large, "more than 2048 facts");
  }
  Facts facts;
  std::size_t bytes = 0;
  for (const auto& [path, value] : object.items()) {
    auto text = value_text(value);
    if (!is_fact_path(path) || !text) {
      return failure(ErrorCode::bad_payload, std::string(name) + ": a fact is malformed");
    }
    bytes += path.size() + text->size();
    facts.emplace(path, *std::move(text));
  }
  if (bytes > kMostFactBytes) {
    return failure(ErrorCode::too_large, "more than 192 KiB of facts");
  }
  return facts;
}

bool is_hash(std::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

bool is_fact_path(std::string_view path) {
  return !path.empty() && path.size() <= kLongestFactPath && path.front() != '.' &&
         path.back() != '.' && std::all_of(path.begin(), path.end(), [](char c) {
           return is_word_letter(c) || c == '.' || c == ':' || c == '/';
         });
}

bool is_label(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kLongestLabel && plain(name.front()) &&
         plain(name.back()) && std::all_of(name.begin(), name.end(), [&plain](char c) {
           return plain(c) || c == '_' || c == '-' || c == '.';
         });
}

std::size_t bytes_of(const Facts& facts) {
  std::size_t bytes = 0;
  for (const auto& [path, value] : facts) {
    bytes += path.size() + value.size();
  }
  return bytes;
}

Result<std::vector<std::string>> add_facts(Facts& facts,
                                           const std::string& prefix,
                                           std::string_view text) {
  STEWARD_TRY(const auto value, parse_json(text));
  Adder adder(facts);
  adder.add(prefix, value);
  return std::move(adder.left);
}

std::string fact_text(std::string_view text) {
  auto out = dump_json(json(text));
  return out.size() <= kLongestFact ? out : dump_json(json(text.substr(0, kLongestFact / 8)));
}

std::string hash_of(const Facts& facts) {
  if (facts.empty()) {
    return {};
  }
  Fnv hash;
  for (const auto& [path, value] : facts) {
    hash.bytes(path);
    hash.step('\n');
    hash.bytes(value);
    hash.step('\n');
  }
  return hex(hash.value());
}

FactsEvent difference(const Facts& from, const Facts& to) {
  FactsEvent event{hash_of(to), hash_of(from), {}, {}};
  for (const auto& [path, value] : to) {
    const auto old = from.find(path);
    if (old == from.end() || old->second != value) {
      event.facts.emplace(path, value);
    }
  }
  if (!event.base.empty()) {
    for (const auto& [path, value] : from) {
      if (to.find(path) == to.end()) {
        event.gone.push_back(path);
      }
    }
  }
  return event;
}

Result<void> apply_facts(const FactsEvent& event, Facts& facts) {
  if (!event.base.empty() && event.base != hash_of(facts)) {
    return failure(ErrorCode::conflict, "the facts that these changes are to are not known");
  }
  Facts result = event.base.empty() ? Facts() : facts;
  for (const auto& path : event.gone) {
    result.erase(path);
  }
  for (const auto& [path, value] : event.facts) {
    result.insert_or_assign(path, value);
  }
  if (hash_of(result) != event.hash) {
    return failure(ErrorCode::conflict, "the facts have not the hash that they are said to have");
  }
  facts = std::move(result);
  return {};
}

std::string facts_to_json(const Facts& facts) {
  std::string out = "{";
  for (const auto& [path, value] : facts) {
    out += out.size() == 1 ? "\"" : ",\"";
    out += path;
    out += "\":";
    out += value;
  }
  return out + "}";
}

std::string encode(const FactsEvent& event) {
  std::string out = R"({"hash":")" + event.hash + '"';
  if (!event.base.empty()) {
    out += R"(,"base":")" + event.base + '"';
  }
  out += R"(,"facts":)" + facts_to_json(event.facts);
  if (!event.gone.empty()) {
    out += R"(,"gone":)" + dump_json(json(event.gone));
  }
  return out + "}";
}

Result<Facts> facts_from_json(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  return read_facts(object, "facts");
}

Result<FactsEvent> decode_facts_event(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  FactsEvent event;
  event.hash = fields.required_text("hash");
  event.base = fields.text("base");
  event.gone = fields.texts("gone");
  if (fields.has("facts")) {
    STEWARD_TRY(event.facts, read_facts(object["facts"], "facts"));
  }
  if (!event.hash.empty() && !is_hash(event.hash)) {
    fields.fail(ErrorCode::bad_payload, "hash", "must be 16 hexadecimal digits");
  }
  if (!event.base.empty() && !is_hash(event.base)) {
    fields.fail(ErrorCode::bad_payload, "base", "must be 16 hexadecimal digits");
  }
  if (event.gone.size() > kMostFacts || (event.base.empty() && !event.gone.empty()) ||
      !std::all_of(event.gone.begin(), event.gone.end(), is_fact_path)) {
    fields.fail(ErrorCode::bad_payload, "gone", "must be paths, of facts that the base has");
  }
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return event;
}

std::string encode(const FactsRow& row) {
  return R"({"unit":)" + dump_json(json(row.unit)) + R"(,"hash":")" + row.hash + R"(","at":")" +
         format_time(row.at) + R"(","facts":)" + facts_to_json(row.facts) + '}';
}

Result<FactsRow> decode_facts_row(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text, kDeepestAnswer));
  Fields fields(object);
  FactsRow row{.unit = fields.required_text("unit"), .hash = fields.text("hash")};
  if (const auto at = parse_time(fields.required_text("at"))) {
    row.at = *at;
  } else {
    fields.fail(ErrorCode::bad_payload, "at", "must be a time");
  }
  if (fields.has("facts")) {
    STEWARD_TRY(row.facts, read_facts(object["facts"], "facts"));
  }
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return row;
}

Result<FactsRequest> decode_facts_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload.empty() ? "{}" : payload));
  Fields fields(object);
  FactsRequest request;
  request.op =
      static_cast<FactsRequest::Op>(fields.choice("op", {"get", "refresh", "tell", "set"}, 0));
  if (request.op == FactsRequest::Op::get || request.op == FactsRequest::Op::refresh) {
    request.keys = fields.texts("keys");
    if (request.keys.size() > kMostKeys ||
        !std::all_of(request.keys.begin(), request.keys.end(), is_fact_path)) {
      fields.fail(ErrorCode::bad_payload, "keys", "must be at most 64 paths, as os.version");
    }
  } else if (request.op == FactsRequest::Op::set) {
    fields.object("labels", [&](Fields& labels) {
      for (const auto& [name, value] : object["labels"].items()) {
        if (!is_label(name)) {
          labels.fail(ErrorCode::bad_payload,
                      name,
                      "a label's name has 1 to 63 of a-z 0-9 _ - . and begins and ends with a "
                      "letter or digit");
          return;
        }
        if (value.is_null()) {
          static_cast<void>(labels.has(name));
          request.labels.emplace(name, std::nullopt);
          continue;
        }
        auto text = labels.text(name);
        if (text.size() > kLongestLabelValue) {
          labels.fail(ErrorCode::bad_payload, name, "has more than 256 bytes");
        }
        request.labels.emplace(name, std::move(text));
      }
    });
    if (request.labels.size() > kMostLabels) {
      fields.fail(ErrorCode::bad_payload, "labels", "more than 64");
    }
  }
  fields.must();
  STEWARD_TRY(request.ignored, fields.finish());
  return request;
}

bool is_among(std::string_view path, const std::vector<std::string>& keys) {
  return keys.empty() || std::any_of(keys.begin(), keys.end(), [path](std::string_view key) {
           return path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.');
         });
}

}  // namespace steward::wire
