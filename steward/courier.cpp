#include "steward/courier.hpp"

#include "subjects/bus/crash_point.hpp"
#include "subjects/wire/subject.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{3'600'000};

// The broker's streams keep a command once: no stream has this name, so none takes the message a
// second time, and whoever listens gets it.
constexpr const char* kForNoStream = "Nats-Expected-Stream";
constexpr const char* kNoStream = "none";

std::function<double()> chance() {
  return [random = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>()(random);
  };
}

// Headers as they came, but for what concerns streams.
wire::Headers headers_for(const wire::Headers& headers) {
  wire::Headers out;
  for (const auto& [name, value] : headers) {
    if (name != kForNoStream) {
      out.add(name, value);
    }
  }
  out.add(kForNoStream, kNoStream);
  return out;
}

// A broadcast goes on to one unit under that one's name.
std::string subject_for(const std::string& subject, const std::string& unit) {
  return unit + subject.substr(subject.find('.'));
}

std::string recall_payload(const std::vector<wire::MessageId>& refs) {
  std::string list;
  for (const auto& ref : refs) {
    list.append(list.empty() ? "\"" : ",\"").append(ref.str()).append("\"");
  }
  return R"({"op":"recall","refs":[)" + list + "]}";
}

}  // namespace

Courier::Courier(Surroundings surroundings)
    : around_(std::move(surroundings)),
      redelivery_(Redelivery::Settings{}, {chance(), around_.is_there}),
      timer_(around_.loop, [this] { pump(); }) {}

Moment Courier::now() const { return {around_.clock.steady(), around_.clock.now()}; }

void Courier::restore(const Store::Kept& kept) {
  std::map<wire::MessageId, const TrackedCommand*> open;
  for (const auto& command : kept.open) {
    open.emplace(command.id, &command);
    for (const auto& [unit, on_unit] : command.units) {
      recall_.step(command.id, unit, on_unit.state, now());
    }
  }
  for (const auto& command : kept.undelivered) {
    const auto at = open.find(command.id);
    if (at == open.end()) {
      continue;
    }
    for (const auto& [unit, on_unit] : at->second->units) {
      if (on_unit.state == wire::CommandState::sent) {
        redelivery_.restore(command, unit, now());
      }
    }
  }
}

void Courier::committed(const Batch& batch) {
  for (const auto& step : batch.steps) {
    recall_.step(step.command, step.unit, step.state, now());
    if (step.state != wire::CommandState::sent) {
      redelivery_.answered(step.command, step.unit, now());
      continue;
    }
    const auto at = batch.undelivered.find(step.command);
    if (at != batch.undelivered.end()) {
      const auto& command = at->second;
      redelivery_.published(
          {command.id, command.order, command.expires, command.payload.size()}, step.unit, now());
    }
  }
  for (const auto& [command, unit] : batch.withheld) {
    redelivery_.answered(command, unit, now());
  }
  arm();
}

void Courier::hear(const std::vector<Recall::Hello>& hellos,
                   const std::vector<std::string>& returned) {
  for (const auto& unit : returned) {
    redelivery_.returned(unit, now());
  }
  for (const auto& hello : hellos) {
    if (!acting_) {
      break;
    }
    if (const auto refs = recall_.hello(hello, now()); !refs.empty()) {
      around_.log.info(hello.unit + " seems to have forgotten commands: asks it about " +
                       std::to_string(refs.size()));
      around_.say(hello.unit + ".command.outbox.events", recall_payload(refs));
    }
  }
  arm();
}

void Courier::begin() {
  if (!std::exchange(acting_, true)) {
    redelivery_.again(now());
    arm();
  }
}

void Courier::cease() {
  acting_ = false;
  timer_.stop();
}

void Courier::arm() {
  if (!acting_) {
    return;
  }
  const auto moment = now();
  if (const auto due = redelivery_.next_due(moment)) {
    const auto left = std::chrono::ceil<milliseconds>(*due - moment.steady);
    timer_.start(std::clamp(left, milliseconds(0), kLongestWait));
  } else {
    timer_.stop();
  }
}

void Courier::pump() {
  for (const auto& next : redelivery_.due(now())) {
    sent_again_ += send(next) ? 1 : 0;
  }
  arm();
}

// What cannot be sent now has its turn again later, as if it had been lost on the way.
bool Courier::send(const Redelivery::Send& next) {
  auto found = around_.store.find_undelivered(next.command);
  if (!found || !*found) {
    around_.log.debug("a command to send again is not to be had: " + next.command.str());
    return false;
  }
  auto& command = **found;
  const bus::Message message{subject_for(command.subject, next.unit),
                             headers_for(command.headers),
                             std::move(command.payload),
                             {}};
  bus::crash_point("station.redeliver.before");
  if (auto sent = around_.bus.publish(message); !sent) {
    around_.log.debug("not sent again on " + message.subject + ": " + sent.error().text());
    return false;
  }
  bus::crash_point("station.redeliver.after");
  return true;
}

}  // namespace steward::station
