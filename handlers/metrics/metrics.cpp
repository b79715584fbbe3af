#include "handlers/metrics/metrics.hpp"

#include "handlers/runtime/answer.hpp"
#include "handlers/runtime/place.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A round in full so often: whoever has missed one waits no longer than that.
constexpr std::uint64_t kRoundsOnOneBase = 30;

std::string text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::chrono::milliseconds since_1970(wire::Timestamp now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
}

constexpr std::chrono::milliseconds kFirstFillPatience{1'000};
constexpr std::chrono::milliseconds kLongestFillPatience{300'000};

constexpr const char* kLateFile = "late.rounds";
constexpr std::int64_t kUsualSpool = std::int64_t{2} * 1024 * 1024;
constexpr std::int64_t kMostSpool = std::int64_t{64} * 1024 * 1024;

constexpr const char* kTextFiles = "/var/lib/steward/textfile.d";

Roots completed(Roots roots, runtime::Context& context, const CheckResults& checks) {
  const auto agent = context.state_dir.parent_path().parent_path();
  roots.daemons = (agent / "daemon").string();
  roots.textfiles = context.options.text("textfile_directory", kTextFiles);
  roots.checks = &checks;
  return roots;
}

json row_of(const CheckResults::Outcome& one) {
  json row{{"name", one.name}, {"runs", one.runs}, {"series", one.series.size()}};
  if (one.has_run) {
    row.update(
        {{"status", one.status}, {"duration_ms", one.took.count()}, {"ended_ms", one.ended_ms}});
  }
  if (!one.message.empty()) {
    row["message"] = one.message;
  }
  if (!one.error.empty()) {
    row["error"] = one.error;
  }
  if (one.skipped != 0) {
    row["skipped"] = one.skipped;
  }
  return row;
}

}  // namespace

MetricsHandler::MetricsHandler(runtime::Context& context, Roots roots, FillPace pace)
    : context_(context),
      checks_(context),
      roots_(completed(std::move(roots), context, checks_)),
      pace_(pace),
      settings_(read_options(context.options)),
      alarms_(context),
      complaint_(context.clock, context.log),
      late_(context.state_dir / kLateFile,
            static_cast<std::size_t>(
                context.options.integer("spool_bytes", kUsualSpool, 0, kMostSpool))),
      fill_(context.loop, [this] { fill_in(); }),
      beat_(context.loop, [this] { round(); }),
      phase_(context.loop, [this] {
        round();
        beat_.start_every(settings_.interval);
      }) {}

Result<void> MetricsHandler::start() {
  auto kept = load_settings(context_.state_dir, settings_);
  if (!kept) {
    // The configuration's own are better than none; the next `set` writes the file anew.
    context_.log.warning("settings are not as they were set: " + kept.error().text());
    use(settings_);
  } else {
    use(*std::move(kept));
  }
  if (auto loaded = late_.load(); !loaded) {
    context_.log.warning("late rounds are not as they were kept: " + loaded.error().text());
  }
  if (!late_.empty()) {
    fill_.start(kFirstFillPatience + runtime::place_in(pace_.spread, context_.node.str()));
  }
  alarms_.start();
  checks_.start();
  return {};
}

void MetricsHandler::use(Settings settings) {
  settings_ = std::move(settings);
  measurement_ =
      std::make_unique<Measurement>(roots_, settings_.filters, settings_.disabled, context_.clock);
  beat_.stop();
  phase_.start(std::chrono::milliseconds(1) +
               runtime::place_in(settings_.interval, context_.node.str()));
}

void MetricsHandler::link_up() {
  said_schema_ = 0;
  fill_patience_ = {};
  fill_.start(milliseconds(1) + runtime::place_in(pace_.spread, context_.node.str()));
}

void MetricsHandler::round() {
  const bool heard = context_.publisher.link_up();
  if (!heard && !alarms_.wanted() && !late_.wanted()) {
    ++lost_;
    return;  // nobody wants to know: the machine is left in peace
  }
  measurement_->round();
  alarms_.round(*measurement_);
  ++number_;
  if (!heard || !say_round()) {
    base_number_ = 0;
    keep_round();
  }
}

bool MetricsHandler::say_round() {
  const bool same = said_schema_ == measurement_->schema_hash();
  return (same || say_schema()) && say_numbers();
}

// By itself: what comes before it may be thinned out.
void MetricsHandler::keep_round() {
  if (!late_.wanted()) {
    ++lost_;
    return;
  }
  const wire::MetricRoundHead head{measurement_->schema_hash(),
                                   number_,
                                   0,
                                   since_1970(context_.clock.now()),
                                   measurement_->took(),
                                   true};
  const auto kept = late_.keep(encode_metric_round(head, measurement_->numbers(), {}), [this] {
    auto schema = measurement_->schema();
    schema.late = true;
    return encode(schema);
  });
  if (!kept) {
    ++lost_;
    complaint_.say("round not kept: " + kept.error().text());
  }
}

void MetricsHandler::fill_in() {
  if (is_filling_ || late_.empty() || !context_.publisher.link_up()) {
    return;
  }
  auto payload = late_.first();
  if (!payload) {
    complaint_.say("late round: " + payload.error().text());
    late_.drop_first();
    fill_.start(pace_.between);
    return;
  }
  if (!filling_) {
    filling_ = context_.clock.new_id();
  }
  is_filling_ = true;
  context_.publisher.deliver({*filling_, context_.domain, *std::move(payload)},
                             [this](const Result<void>& said) { filled(said); });
}

void MetricsHandler::filled(const Result<void>& said) {
  is_filling_ = false;
  const bool for_good = !said && said.error().code == ErrorCode::too_large;
  if (said || for_good) {
    filling_.reset();
    fill_patience_ = {};
    filled_ += said && late_.first_is_round() ? 1 : 0;
    late_.drop_first();
    fill_.start(pace_.between);
    return;
  }
  complaint_.say("late round not said: " + said.error().text());
  fill_patience_ = std::clamp(2 * fill_patience_, kFirstFillPatience, kLongestFillPatience);
  fill_.start(fill_patience_);
}

bool MetricsHandler::say_schema() {
  base_number_ = 0;
  if (auto said = context_.publisher.stream(encode(measurement_->schema())); !said) {
    complaint_.say("schema not said: " + said.error().text());
    return false;
  }
  said_schema_ = measurement_->schema_hash();
  return true;
}

bool MetricsHandler::say_numbers() {
  const auto numbers = measurement_->numbers();
  if (base_number_ == 0 || number_ - base_number_ >= kRoundsOnOneBase) {
    base_number_ = 0;
    base_.clear();
  }
  const wire::MetricRoundHead head{
      said_schema_, number_, base_number_, since_1970(context_.clock.now()), measurement_->took()};
  auto payload = encode_metric_round(head, numbers, base_);
  last_bytes_ = payload.size();
  if (auto said = context_.publisher.stream(std::move(payload)); !said) {
    complaint_.say("round not said: " + said.error().text());
    return false;
  }
  total_bytes_ += last_bytes_;
  if (base_number_ == 0) {
    base_number_ = number_;
    base_.assign(numbers.begin(), numbers.end());
  }
  return true;
}

Result<runtime::Admission> MetricsHandler::receive(const runtime::Command& command) {
  STEWARD_TRY(auto request, wire::decode_metrics_request(command.payload));
  if (auto fits = changed_by(settings_, request); !fits) {
    return tl::unexpected<Error>(std::move(fits).error());
  }
  auto ignored = request.ignored;
  return runtime::Admission{.ignored = std::move(ignored),
                            .start =
                                [this, id = command.envelope.id, asked = std::move(request)] {
                                  runtime::answer(context_, id, act(asked));
                                },
                            .repeatable = true};
}

Result<std::string> MetricsHandler::act(const wire::MetricsRequest& request) {
  switch (request.op) {
    case wire::MetricsRequest::Op::set:
      return set(request);
    case wire::MetricsRequest::Op::collect:
      return collect(request.values);
    case wire::MetricsRequest::Op::schema:
      said_schema_ = 0;
      round();
      return text({{"round", number_}, {"series", measurement_->numbers().size()}});
    case wire::MetricsRequest::Op::rules:
      return alarms_.answer(request);
    case wire::MetricsRequest::Op::status:
      break;
  }
  return status();
}

Result<std::string> MetricsHandler::set(const wire::MetricsRequest& request) {
  STEWARD_TRY(auto settings, changed_by(settings_, request));
  if (settings != settings_) {
    if (auto saved = save_settings(context_.state_dir, settings); !saved) {
      return tl::unexpected<Error>(std::move(saved).error());
    }
    use(std::move(settings));
  }
  return to_json(settings_);
}

Result<std::string> MetricsHandler::collect(bool values) {
  round();
  json out{{"round", number_},
           {"series", measurement_->numbers().size()},
           {"bytes", last_bytes_},
           {"duration_us", measurement_->took().count()}};
  if (values) {
    const auto schema = measurement_->schema();
    const auto numbers = measurement_->numbers();
    json& all = out["values"] = json::object();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] != wire::kAbsent) {
        all[schema.series[i].key] = schema.series[i].value(numbers[i]);
      }
    }
  }
  return text(out);
}

std::string MetricsHandler::status() const {
  json collectors = json::array();
  for (const auto& one : measurement_->standings()) {
    json row{{"name", one.name}, {"series", one.series}, {"duration_us", one.took.count()}};
    if (one.error) {
      row["error"] = one.error->text();
      row["failures"] = one.failures;
    }
    if (!one.trouble.empty()) {
      row["trouble"] = one.trouble;
    }
    if (one.dropped != 0) {
      row["dropped"] = one.dropped;
    }
    collectors.push_back(std::move(row));
  }
  json checks = json::array();
  for (const auto* one : checks_.results()) {
    checks.push_back(row_of(*one));
  }
  json out = json::parse(to_json(settings_));
  out.erase("op");
  out.update({{"rounds", number_},
              {"lost", lost_},
              {"late", late_.rounds()},
              {"filled", filled_},
              {"thinned", late_.thinned()},
              {"series", measurement_->numbers().size()},
              {"bytes", last_bytes_},
              {"total_bytes", total_bytes_},
              {"duration_us", measurement_->took().count()},
              {"collectors", std::move(collectors)},
              {"checks", std::move(checks)}});
  return text(out);
}

}  // namespace steward::handlers::metrics
