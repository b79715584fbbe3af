#include "subjects/wire/metrics.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/fnv.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 3> kSeriesTypes{"g", "c", "u"};
constexpr std::size_t kMostGlobs = 64;
constexpr std::size_t kLongestGlob = 256;

bool is_metric_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

// Takes a name off the front; empty where there is none.
std::string_view take_name(std::string_view& text, bool with_colons) {
  std::size_t length = 0;
  while (length < text.size() &&
         (is_metric_letter(text[length]) || (with_colons && text[length] == ':') ||
          (length > 0 && is_digit(text[length])))) {
    ++length;
  }
  const auto name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

// Takes ="value" off the front, its quotes, backslashes and line feeds escaped.
bool take_value(std::string_view& text) {
  if (!text.starts_with("=\"")) {
    return false;
  }
  std::size_t at = 2;
  while (at < text.size() && text[at] != '"') {
    const bool escapes = text[at] == '\\';
    if (text[at] == '\n' ||
        (escapes && (at + 1 == text.size() ||
                     std::string_view("\"\\n").find(text[at + 1]) == std::string_view::npos))) {
      return false;
    }
    at += escapes ? 2 : 1;
  }
  if (at >= text.size()) {
    return false;
  }
  text.remove_prefix(at + 1);
  return true;
}

// As Prometheus writes it. A label `unit` is the station's to give: nobody speaks for another.
bool is_series_key(std::string_view text) {
  if (take_name(text, true).empty()) {
    return false;
  }
  if (text.empty()) {
    return true;
  }
  char before = '{';
  while (text.starts_with(before)) {
    text.remove_prefix(1);
    const auto label = take_name(text, false);
    if (label.empty() || label == "unit" || !take_value(text)) {
      return false;
    }
    before = ',';
  }
  return text == "}" && before == ',';
}

}  // namespace

std::pair<std::string_view, std::string_view> name_and_labels(std::string_view key) {
  const auto brace = key.find('{');
  if (brace == std::string_view::npos || key.back() != '}') {
    return {key, {}};
  }
  return {key.substr(0, brace), key.substr(brace + 1, key.size() - brace - 2)};
}

bool is_metric_pattern(std::string_view text) { return is_series_key(text); }

std::vector<std::string_view> labels_in(std::string_view text) {
  std::vector<std::string_view> labels;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (text[at] == ',' && !quoted) {
      labels.push_back(text.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  labels.push_back(text.substr(std::min(begin, text.size())));
  return labels;
}

bool is_meant(std::string_view key, std::string_view pattern) {
  constexpr std::string_view kPrefix = "node_";
  const auto [name, labels] = name_and_labels(key);
  const auto [wanted, with] = name_and_labels(pattern);
  const bool named =
      name == wanted || (name.starts_with(kPrefix) && name.substr(kPrefix.size()) == wanted);
  if (!named || with.empty()) {
    return named;
  }
  const auto has = labels_in(labels);
  const auto asked = labels_in(with);
  return std::all_of(asked.begin(), asked.end(), [&has](std::string_view label) {
    return std::find(has.begin(), has.end(), label) != has.end();
  });
}

namespace {

// A row [key, type, multiplier, divisor].
Result<MetricSeries> read_series(const json& row) {
  const auto wrong = [] { return failure(ErrorCode::bad_payload, "series: a row is malformed"); };
  if (!row.is_array() || row.size() != 4 || !row[0].is_string() || !row[1].is_string() ||
      !row[2].is_number_unsigned() || !row[3].is_number_unsigned()) {
    return wrong();
  }
  MetricSeries series{.key = row[0].get<std::string>()};
  const auto type = row[1].get<std::string>();
  const auto multiplier = row[2].get<std::uint64_t>();
  const auto divisor = row[3].get<std::uint64_t>();
  std::size_t at = 0;
  while (at < kSeriesTypes.size() && kSeriesTypes[at] != type) {
    ++at;
  }
  if (at == kSeriesTypes.size()) {
    return failure(ErrorCode::unsupported, "series: no type is named '" + type + "'");
  }
  if (!is_series_key(series.key)) {
    return failure(ErrorCode::bad_payload, "series: a name that Prometheus would not take");
  }
  if (multiplier == 0 || multiplier > UINT32_MAX || divisor == 0 || divisor > UINT32_MAX) {
    return wrong();
  }
  series.type = static_cast<MetricType>(at);
  series.multiplier = static_cast<std::uint32_t>(multiplier);
  series.divisor = static_cast<std::uint32_t>(divisor);
  return series;
}

std::optional<std::vector<std::string>> read_texts(Fields& fields, std::string_view name) {
  if (!fields.has(name)) {
    return std::nullopt;
  }
  auto texts = fields.texts(name);
  if (texts.size() > kMostGlobs) {
    fields.fail(ErrorCode::bad_payload, name, "has more than 64 items");
  }
  for (const auto& text : texts) {
    if (text.empty() || text.size() > kLongestGlob || text.find('\0') != std::string::npos) {
      fields.fail(ErrorCode::bad_payload, name, "items must be 1 to 256 bytes, without NUL");
    }
  }
  return texts;
}

}  // namespace

std::uint64_t MetricSchema::hash() const {
  Fnv hash;
  for (const auto& one : series) {
    hash.bytes(one.key);
    hash.step(static_cast<std::uint64_t>(one.type));
    hash.step(one.multiplier);
    hash.step(one.divisor);
  }
  return hash.value();
}

// Row by row: a tree of it all would take ten times its room, on every unit.
std::string encode(const MetricSchema& schema) {
  std::string out = R"({"schema":")" + hex(schema.hash()) + '"';
  out += schema.late ? R"(,"late":true,"series":[)" : R"(,"series":[)";
  for (const auto& series : schema.series) {
    out += out.back() == '[' ? "[" : ",[";
    out += dump_json(series.key);
    out += ",\"";
    out += kSeriesTypes[static_cast<std::size_t>(series.type)];
    out += "\"," + std::to_string(series.multiplier) + ',' + std::to_string(series.divisor) + ']';
  }
  return out + "]}";
}

Result<MetricSchema> decode_metric_schema(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  const std::string told = fields.required_text("schema");
  const auto rows = object.find("series");
  if (rows == object.end() || !rows->is_array()) {
    return failure(ErrorCode::bad_payload, "series must be a list");
  }
  if (rows->size() > kMostSeries) {
    return failure(ErrorCode::too_large, "more than 16384 series");
  }
  MetricSchema schema;
  schema.late = fields.boolean("late", false);
  schema.series.reserve(rows->size());
  for (const auto& row : *rows) {
    STEWARD_TRY(schema.series.emplace_back(), read_series(row));
  }
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  if (told != hex(schema.hash())) {
    return failure(ErrorCode::bad_payload, "schema: is not the hash of the series");
  }
  return schema;
}

Result<MetricsRequest> decode_metrics_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload.empty() ? "{}" : payload));
  Fields fields(object);
  MetricsRequest request;
  request.op = static_cast<MetricsRequest::Op>(
      fields.choice("op", {"status", "set", "collect", "schema", "rules"}, 0));
  if (request.op == MetricsRequest::Op::set) {
    if (fields.has("interval_ms")) {
      request.interval =
          fields.milliseconds("interval_ms", {}, kShortestMetricsInterval, kLongestMetricsInterval);
    }
    request.disabled = read_texts(fields, "disabled");
    fields.object("filters", [&request](Fields& filters) {
      request.mountpoints = read_texts(filters, "mountpoints");
      request.fstypes = read_texts(filters, "fstypes");
      request.disks = read_texts(filters, "disks");
      request.interfaces = read_texts(filters, "interfaces");
    });
  } else if (request.op == MetricsRequest::Op::collect) {
    request.values = fields.boolean("values", false);
  } else if (request.op == MetricsRequest::Op::rules) {
    fields.objects("set", [&request](Fields& rule) { request.add.push_back(read_rule(rule)); });
    request.remove = fields.texts("remove");
    if (request.add.size() > kMostRules || request.remove.size() > kMostRules) {
      fields.fail(ErrorCode::bad_payload, "set", "more than 64 rules");
    }
  }
  fields.must();
  STEWARD_TRY(request.ignored, fields.finish());
  return request;
}

}  // namespace steward::wire
