#include "subjects/wire/metrics_row.hpp"

#include "subjects/wire/hello_fields.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace steward::wire {
namespace {

using nlohmann::json;

MetricsRow::Values read_values(Fields& fields, const json& object, std::string_view name) {
  MetricsRow::Values values;
  fields.object(name, [&](Fields& inner) {
    for (const auto& [key, value] : object.at(std::string(name)).items()) {
      values.emplace(key, inner.number(key, 0));
    }
  });
  return values;
}

// JSON has no word for others.
json finite(const MetricsRow::Values& values) {
  json out = json::object();
  for (const auto& [key, value] : values) {
    if (std::isfinite(value)) {
      out[key] = value;
    }
  }
  return out;
}

}  // namespace

std::string encode(const MetricsRow& row) {
  return dump_json({{"unit", row.unit},
                    {"time_ms", row.time.count()},
                    {"interval_ms", row.interval.count()},
                    {"took_us", row.took.count()},
                    {"gauges", finite(row.gauges)},
                    {"counters", finite(row.counters)}});
}

Result<MetricsRow> decode_metrics_row(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text, kDeepestAnswer));
  Fields fields(object);
  MetricsRow row;
  row.unit = read_node(fields, "unit");
  row.time = fields.milliseconds("time_ms", {}, std::chrono::milliseconds(0), kMostTime);
  row.interval = fields.milliseconds("interval_ms", {}, std::chrono::milliseconds(0), kMostTime);
  row.took = std::chrono::microseconds(fields.integer("took_us", 0, 0, kMostWhole));
  row.gauges = read_values(fields, object, "gauges");
  row.counters = read_values(fields, object, "counters");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return row;
}

}  // namespace steward::wire
