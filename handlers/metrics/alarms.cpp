#include "handlers/metrics/alarms.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

using nlohmann::json;
using wire::AlertEvent;

constexpr const char* kAlertsFile = "alerts.json";

// While something is open all of it is said again, so that a station that began anew knows it.
constexpr std::chrono::hours kSaidAgain{1};

}  // namespace

Alarms::Alarms(runtime::Context& context)
    : context_(context),
      book_(context.options),
      programs_(context),
      complaint_(context.clock, context.log) {}

void Alarms::start() {
  if (auto loaded = book_.load(context_.state_dir); !loaded) {
    context_.log.warning("rules are not as they were set: " + loaded.error().text());
  }
  const auto kept = runtime::load_kept(context_.state_dir / kAlertsFile);
  if (kept && *kept) {
    if (auto event = wire::decode_alert_event(**kept)) {
      judge_.restore(std::move(event->alerts));
    }
  }
  say(judge_.use(book_.rules()), {});
  if (wanted() || (kept && *kept)) {
    say_all();
  }
}

void Alarms::round(const Measurement& measurement) {
  const auto events = judge_.judge({measurement.schema_hash(),
                                    [&measurement] { return measurement.schema(); },
                                    measurement.numbers(),
                                    context_.clock.steady(),
                                    context_.clock.now()});
  say(events, judge_.rules());
  if (context_.clock.steady() - said_all_ >= kSaidAgain && !judge_.open().empty()) {
    say_all();
  }
}

void Alarms::say(const std::vector<AlertEvent>& events, const std::vector<wire::AlertRule>& rules) {
  for (const auto& event : events) {
    context_.publisher.alert(wire::encode(event));
    const auto& name = event.alerts.front().rule;
    const auto rule = std::find_if(
        rules.begin(), rules.end(), [&name](const auto& one) { return one.name == name; });
    if (rule != rules.end()) {
      programs_.run(*rule, event);
    }
  }
  if (!events.empty()) {
    keep();
  }
}

void Alarms::say_all() {
  said_all_ = context_.clock.steady();
  context_.publisher.alert(wire::encode(AlertEvent{AlertEvent::State::all, judge_.open(), {}}));
}

void Alarms::keep() {
  const AlertEvent all{AlertEvent::State::all, judge_.open(), {}};
  if (auto kept = runtime::save_kept(context_.state_dir / kAlertsFile, wire::encode(all)); !kept) {
    complaint_.say("what is open is not kept: " + kept.error().text());
  }
}

Result<std::string> Alarms::answer(const wire::MetricsRequest& request) {
  if (!request.add.empty() || !request.remove.empty()) {
    STEWARD_TRY(auto book, book_.changed_by(request));
    if (auto saved = book.save(context_.state_dir); !saved) {
      return tl::unexpected<Error>(std::move(saved).error());
    }
    book_ = std::move(book);
    const auto before = judge_.rules();
    say(judge_.use(book_.rules()), before);
  }
  json rules = json::array();
  for (const auto& rule : judge_.rules()) {
    rules.push_back(json::parse(wire::encode(rule)));
  }
  json out = json::parse(wire::encode(AlertEvent{AlertEvent::State::all, judge_.open(), {}}));
  out.erase("state");
  out["rules"] = std::move(rules);
  out["dropped"] = judge_.dropped();
  out["runs"] = programs_.runs();
  out["failed_runs"] = programs_.failures();
  return wire::dump_json(out);
}

}  // namespace steward::handlers::metrics
