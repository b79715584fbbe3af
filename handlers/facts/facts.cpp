#include "handlers/facts/facts.hpp"

#include "handlers/runtime/answer.hpp"
#include "handlers/runtime/kept_file.hpp"
#include "handlers/runtime/place.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace steward::handlers::facts {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kInterval{300'000};
constexpr milliseconds kScriptTimeout{2'000};

// A link that comes and goes does not ask the machine each time.
constexpr std::chrono::seconds kFreshEnough{10};

constexpr const char* kToldFile = "told.json";
constexpr const char* kLabelsFile = "labels.json";

std::string text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

FactsHandler::FactsHandler(runtime::Context& context, Root root)
    : context_(context),
      root_(std::move(root)),
      interval_(context.options.milliseconds(
          "interval_ms", kInterval, wire::kShortestFactsInterval, wire::kLongestFactsInterval)),
      external_(context.loop,
                context.processes,
                context.options.text("directory", "/etc/steward/facts.d"),
                context.options.milliseconds(
                    "timeout_ms", kScriptTimeout, milliseconds(10), milliseconds(600'000))),
      complaint_(context.clock, context.log),
      beat_(context.loop, [this] { refresh([] {}); }),
      phase_(context.loop, [this] {
        refresh([] {});
        beat_.start_every(interval_);
      }) {
  read_labels();
}

void FactsHandler::read_labels() {
  for (const auto& row : context_.options.texts("labels")) {
    const auto equals = row.find('=');
    const auto name = row.substr(0, equals);
    if (equals == std::string::npos || !wire::is_label(name)) {
      context_.options.reject("labels", "'" + row + "' is no label; write \"site=oslo\"");
      continue;
    }
    configured_.insert_or_assign(name, row.substr(equals + 1));
  }
}

Result<void> FactsHandler::start() {
  if (auto kept = runtime::load_kept(context_.state_dir / kToldFile); kept && *kept) {
    told_ = wire::facts_from_json(**kept).value_or(wire::Facts());
  }
  if (auto kept = runtime::load_kept(context_.state_dir / kLabelsFile); !kept) {
    context_.log.warning("labels are not as they were set: " + kept.error().text());
  } else if (*kept) {
    if (const auto facts = wire::facts_from_json(**kept)) {
      for (const auto& [name, value] : *facts) {
        const auto label = json::parse(value, nullptr, false);
        labels_.emplace(name, label.is_string() ? label.get<std::string>() : std::string());
      }
    }
  }
  context_.vitals.facts_told(wire::hash_of(told_));
  refresh([] {});
  phase_.start(milliseconds(1) + runtime::place_in(interval_, context_.node.str()));
  return {};
}

// Another way to the broker may mean another network.
void FactsHandler::link_up() {
  if (context_.clock.steady() - at_ > kFreshEnough) {
    refresh([] {});
  }
}

void FactsHandler::refresh(std::function<void()> then) {
  at_ = context_.clock.steady();
  external_.refresh([this, then = std::move(then)] {
    gather();
    if (now_ != told_) {
      tell(told_);
    }
    then();
  });
}

void FactsHandler::gather() {
  const auto begin = context_.clock.steady();
  wire::Facts facts;
  add_os(root_, facts);
  add_hardware(root_, facts);
  add_platform(root_, facts);
  add_network(root_, facts);
  packages_.add(root_, facts);
  put(facts, "agent.version", context_.vitals.hello().agent_version);
  put(facts, "agent.uid", static_cast<std::int64_t>(::geteuid()));
  took_ = std::chrono::duration_cast<std::chrono::microseconds>(context_.clock.steady() - begin);
  for (const auto& [name, value] : configured_) {
    put(facts, "labels." + name, value);
  }
  for (const auto& [name, value] : labels_) {
    facts.erase("labels." + name);
    put(facts, "labels." + name, value);
  }
  add_external(facts);
  now_ = std::move(facts);
}

// They add to what is known, and cannot speak for the unit's own nor for labels.
void FactsHandler::add_external(wire::Facts& facts) {
  left_.clear();
  const auto own = facts;
  std::size_t bytes = wire::bytes_of(own);
  for (const auto& [file, outcome] : external_.outcomes()) {
    if (!outcome.error.empty()) {
      left_[file] = outcome.error;
    }
    for (const auto& [path, value] : outcome.facts) {
      if (own.find(path) != own.end() || path.starts_with("labels.")) {
        left_[file] = "'" + path + "' is a fact of the unit's own";
        continue;
      }
      bytes += path.size() + value.size();
      if (facts.size() >= wire::kMostFacts || bytes > wire::kMostFactBytes) {
        left_[file] = "too many facts";
        break;
      }
      facts.insert_or_assign(path, value);
    }
  }
  for (const auto& [file, error] : left_) {
    complaint_.say("external facts: " + file + ": " + error);
  }
}

void FactsHandler::tell(const wire::Facts& base) {
  context_.publisher.record(wire::encode(wire::difference(base, now_)));
  told_ = now_;
  context_.vitals.facts_told(wire::hash_of(told_));
  if (auto kept = runtime::save_kept(context_.state_dir / kToldFile, wire::facts_to_json(told_));
      !kept) {
    complaint_.say("what was told is not kept: " + kept.error().text());
  }
}

Result<runtime::Admission> FactsHandler::receive(const runtime::Command& command) {
  STEWARD_TRY(auto request, wire::decode_facts_request(command.payload));
  auto ignored = request.ignored;
  return runtime::Admission{
      .ignored = std::move(ignored),
      .start = [this, id = command.envelope.id, asked = std::move(request)] { act(id, asked); },
      .repeatable = true};
}

void FactsHandler::act(const wire::MessageId& id, const wire::FactsRequest& request) {
  switch (request.op) {
    case wire::FactsRequest::Op::get:
      runtime::answer(context_, id, found(request.keys));
      return;
    case wire::FactsRequest::Op::refresh:
      refresh([this, id, keys = request.keys] { runtime::answer(context_, id, found(keys)); });
      return;
    case wire::FactsRequest::Op::tell:
      tell({});
      runtime::answer(
          context_, id, text({{"hash", wire::hash_of(told_)}, {"facts", told_.size()}}));
      return;
    case wire::FactsRequest::Op::set:
      runtime::answer(context_, id, set(request));
      return;
  }
}

Result<std::string> FactsHandler::set(const wire::FactsRequest& request) {
  auto labels = labels_;
  for (const auto& [name, value] : request.labels) {
    if (value) {
      labels.insert_or_assign(name, *value);
    } else if (configured_.find(name) != configured_.end()) {
      labels.insert_or_assign(name, "");
    } else {
      labels.erase(name);
    }
  }
  if (labels.size() > wire::kMostLabels) {
    return failure(ErrorCode::bad_payload, "labels: more than 64 on one unit");
  }
  if (labels != labels_) {
    if (auto kept = runtime::save_kept(context_.state_dir / kLabelsFile, text(json(labels)));
        !kept) {
      return tl::unexpected<Error>(std::move(kept).error());
    }
    labels_ = std::move(labels);
    gather();
    if (now_ != told_) {
      tell(told_);
    }
  }
  json out = json::object();
  for (const auto& [path, value] : now_) {
    if (path.starts_with("labels.")) {
      out[path.substr(std::string_view("labels.").size())] = json::parse(value);
    }
  }
  return text({{"labels", std::move(out)}});
}

std::string FactsHandler::found(const std::vector<std::string>& keys) const {
  json facts = json::object();
  for (const auto& [path, value] : now_) {
    if (wire::is_among(path, keys)) {
      facts[path] = json::parse(value);
    }
  }
  json out{{"hash", wire::hash_of(now_)}, {"facts", std::move(facts)}, {"took_us", took_.count()}};
  if (!left_.empty()) {
    out["errors"] = left_;
  }
  return text(out);
}

}  // namespace steward::handlers::facts
