#include "steward/metrics/metrics_table.hpp"

#include "handlers/runtime/digest.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kUsualInterval{10'000};
constexpr int kIntervalsFresh = 3;
constexpr std::chrono::hours kForgotten{1};

}  // namespace

MetricFamilies::MetricFamilies(const wire::MetricSchema& schema)
    : series(schema.series.size()), schema_hash(schema.hash()) {
  for (std::size_t number = 0; number < schema.series.size(); ++number) {
    const auto& row = schema.series[number];
    const auto [name, labels] = wire::name_and_labels(row.key);
    auto& family = families[std::string(name)];
    family.type = row.type;
    std::string head(name);
    head += '{';
    head += labels;
    head += labels.empty() ? "unit=\"" : ",unit=\"";
    family.lines.push_back({std::move(head), number, row.multiplier, row.divisor, row.type});
  }
}

// A line's head ends where the unit's name would follow.
static std::string key_of(const MetricFamilies::Line& line) {
  constexpr std::string_view kUnitLabel = "unit=\"";
  std::string key = line.head.substr(0, line.head.size() - kUnitLabel.size());
  const bool labelled = key.back() == ',';
  key.pop_back();
  key += labelled ? "}" : "";
  return key;
}

wire::MetricSchema MetricFamilies::schema() const {
  wire::MetricSchema schema;
  schema.series.resize(series);
  for (const auto& [name, family] : families) {
    for (const auto& line : family.lines) {
      schema.series[line.number] = {key_of(line), line.type, line.multiplier, line.divisor};
    }
  }
  return schema;
}

void MetricsTable::take(std::string_view name, std::string_view payload, Steady now) {
  const bus::Lock lock(mutex_);
  // What was is for the stream: it says nothing of now.
  if (const auto head = wire::decode_metric_round_head(payload); head && head->late) {
    ++counts_.late;
    return;
  }
  Unit* unit = find_or_add(name);
  if (unit == nullptr) {
    ++counts_.refused;
    return;
  }
  unit->heard = now;
  if (wire::is_metric_round(payload)) {
    take_round(name, *unit, payload, now);
  } else {
    take_schema(*unit, payload);
  }
}

MetricsTable::Unit* MetricsTable::find_or_add(std::string_view name) {
  if (const auto at = units_.find(name); at != units_.end()) {
    return &at->second;
  }
  if (units_.size() >= bounds_.units) {
    return nullptr;
  }
  return &units_.emplace(std::string(name), Unit{}).first->second;
}

void MetricsTable::take_schema(Unit& unit, std::string_view payload) {
  const auto schema = wire::decode_metric_schema(payload);
  if (!schema) {
    ++counts_.garbled;
    return;
  }
  if (schema->late) {
    return;
  }
  const std::size_t held = unit.families ? unit.families->series : 0;
  if (counts_.series - held + schema->series.size() > bounds_.series) {
    ++counts_.refused;
    return;
  }
  const auto hash = schema->hash();
  if (unit.families && unit.schema == hash) {
    return;
  }
  counts_.series += schema->series.size() - held;
  unit.families = shared(*schema, payload);
  unit.schema = hash;
  unit.base_number = 0;
  unit.base.clear();
}

// By a digest that nobody can forge: else one unit could give others its names.
std::shared_ptr<const MetricFamilies> MetricsTable::shared(const wire::MetricSchema& schema,
                                                           std::string_view payload) {
  runtime::Digest digest;
  digest.update(payload);
  const std::string digest_text = digest.hex();
  auto& known = schemas_[digest_text];
  auto families = known.lock();
  if (!families) {
    auto made = std::make_shared<MetricFamilies>(schema);
    made->digest = digest_text;
    families = std::move(made);
    known = families;
  }
  return families;
}

void MetricsTable::take_round(std::string_view name,
                              Unit& unit,
                              std::string_view payload,
                              Steady now) {
  const auto head = wire::decode_metric_round_head(payload);
  if (!head) {
    ++counts_.garbled;
    return;
  }
  const bool readable = unit.families && unit.schema == head->schema &&
                        (head->base == 0 || head->base == unit.base_number);
  if (!readable) {
    lacking_.want(name, now);
    ++counts_.incomplete;
    return;
  }
  const std::span<const std::int64_t> base(unit.base.data(),
                                           head->base == 0 ? 0 : unit.base.size());
  auto numbers = wire::decode_metric_numbers(payload, unit.families->series, base);
  if (!numbers) {
    ++counts_.garbled;
    return;
  }
  auto latest = std::make_shared<Latest>();
  latest->families = unit.families;
  latest->time = head->time;
  latest->took = head->took;
  latest->heard = now;
  latest->interval = kUsualInterval;
  if (unit.latest) {
    latest->interval = unit.latest->interval;
    if (head->number == unit.number + 1 && head->time > unit.latest->time) {
      latest->interval = std::clamp(head->time - unit.latest->time,
                                    wire::kShortestMetricsInterval,
                                    wire::kLongestMetricsInterval);
    }
  }
  if (head->base == 0) {
    unit.base_number = head->number;
    unit.base = *numbers;
  }
  latest->numbers = *std::move(numbers);
  unit.number = head->number;
  unit.latest = std::move(latest);
  lacking_.drop(name);
  ++counts_.rounds;
}

bool MetricsTable::is_fresh(const Latest& latest, Steady now) {
  return now - latest.heard <= kIntervalsFresh * latest.interval;
}

std::shared_ptr<const MetricsTable::Latest> MetricsTable::find(std::string_view unit,
                                                               Steady now) const {
  const bus::Lock lock(mutex_);
  const auto at = units_.find(unit);
  if (at == units_.end() || !at->second.latest || !is_fresh(*at->second.latest, now)) {
    return nullptr;
  }
  return at->second.latest;
}

std::vector<std::pair<std::string, std::shared_ptr<const MetricsTable::Latest>>>
MetricsTable::fresh(Steady now) const {
  const bus::Lock lock(mutex_);
  std::vector<std::pair<std::string, std::shared_ptr<const Latest>>> found;
  found.reserve(units_.size());
  for (const auto& [name, unit] : units_) {
    if (unit.latest && is_fresh(*unit.latest, now)) {
      found.emplace_back(name, unit.latest);
    }
  }
  return found;
}

std::vector<MetricsTable::Kept> MetricsTable::heard_since(Steady since, Steady now) const {
  const bus::Lock lock(mutex_);
  std::vector<Kept> all;
  for (const auto& [name, unit] : units_) {
    if (!unit.latest || unit.latest->heard < since) {
      continue;
    }
    const auto& latest = *unit.latest;
    const wire::MetricRoundHead head{.schema = latest.families->schema_hash,
                                     .number = unit.number,
                                     .time = latest.time,
                                     .took = latest.took};
    all.push_back({name,
                   latest.families->digest,
                   {},
                   wire::encode_metric_round(head, latest.numbers, {}),
                   latest.interval,
                   std::chrono::duration_cast<milliseconds>(now - latest.heard)});
  }
  return all;
}

std::string MetricsTable::schema_of(std::string_view digest) const {
  std::shared_ptr<const MetricFamilies> families;
  {
    const bus::Lock lock(mutex_);
    const auto at = schemas_.find(std::string(digest));
    families = at == schemas_.end() ? nullptr : at->second.lock();
  }
  return families ? wire::encode(families->schema()) : std::string();
}

void MetricsTable::restore(const Kept& kept, Steady now) {
  const auto schema = wire::decode_metric_schema(kept.schema);
  const auto head = wire::decode_metric_round_head(kept.round);
  if (!schema || !head || head->schema != schema->hash() || head->base != 0 ||
      kept.age < milliseconds(0) || kept.age >= kForgotten) {
    return;
  }
  auto numbers = wire::decode_metric_numbers(kept.round, schema->series.size(), {});
  const bus::Lock lock(mutex_);
  if (!numbers || units_.find(kept.unit) != units_.end() ||
      counts_.series + schema->series.size() > bounds_.series) {
    return;
  }
  Unit* unit = find_or_add(kept.unit);
  if (unit == nullptr) {
    return;
  }
  counts_.series += schema->series.size();
  unit->families = shared(*schema, kept.schema);
  unit->schema = head->schema;
  unit->number = head->number;
  unit->heard = now - kept.age;
  auto latest = std::make_shared<Latest>();
  latest->families = unit->families;
  latest->numbers = *std::move(numbers);
  latest->time = head->time;
  latest->took = head->took;
  latest->interval =
      std::clamp(kept.interval, wire::kShortestMetricsInterval, wire::kLongestMetricsInterval);
  latest->heard = unit->heard;
  unit->latest = std::move(latest);
}

std::vector<std::string> MetricsTable::lacking(Steady now, std::size_t most) {
  const bus::Lock lock(mutex_);
  return lacking_.due(now, most);
}

void MetricsTable::forget_silent(Steady now) {
  const bus::Lock lock(mutex_);
  std::erase_if(units_, [this, now](const auto& entry) STEWARD_REQUIRES(mutex_) {
    const Unit& unit = entry.second;
    if (now - unit.heard < kForgotten) {
      return false;
    }
    counts_.series -= unit.families ? unit.families->series : 0;
    return true;
  });
  lacking_.drop_if([this](const std::string& name)
                       STEWARD_REQUIRES(mutex_) { return units_.find(name) == units_.end(); });
  std::erase_if(schemas_, [](const auto& entry) { return entry.second.expired(); });
}

MetricsTable::Counts MetricsTable::counts() const {
  const bus::Lock lock(mutex_);
  auto counts = counts_;
  counts.units = units_.size();
  return counts;
}

wire::MetricsRow metrics_row(const std::string& unit,
                             const MetricsTable::Latest& latest,
                             const std::vector<std::string>& patterns) {
  wire::MetricsRow row{
      .unit = unit, .time = latest.time, .interval = latest.interval, .took = latest.took};
  for (const auto& [name, family] : latest.families->families) {
    auto& values = family.type == wire::MetricType::counter ? row.counters : row.gauges;
    for (const auto& line : family.lines) {
      const auto number = latest.numbers[line.number];
      if (number == wire::kAbsent) {
        continue;
      }
      std::string key = key_of(line);
      if (patterns.empty() ||
          std::any_of(patterns.begin(), patterns.end(), [&key](const auto& pattern) {
            return wire::is_meant(key, pattern);
          })) {
        values.insert_or_assign(std::move(key),
                                static_cast<double>(number) * line.multiplier / line.divisor);
      }
    }
  }
  return row;
}

}  // namespace steward::station
