#include "steward/station.hpp"
#include "steward/version.hpp"
#include "subjects/bus/crash_point.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::station {

void Station::drain_queries() {
  for (auto& message : query_inbox_.take()) {
    query_inbox_.release(Inbox::size_of(message));
    answer(std::move(message));
  }
}

void Station::answer(bus::Message&& message) {
  if (message.reply.empty()) {
    bus_complaint_.say("a query without an inbox for its answer");
    return;
  }
  const std::string inbox = message.reply;
  const auto chunk = [this, &inbox](std::string text) { send_chunk(inbox, std::move(text)); };
  const auto opened = channel_.open_command(settings_.name, std::move(message), clock_.now());
  if (!opened) {
    ChunkWriter(chunk).fail(opened.error().error);
    return;
  }
  if (!disk_failing_) {
    commit();  // so that the answer knows all that was folded
  }
  queries_.answer(opened->transport.domain.str(), opened->payload, chunk);
  bus::crash_point("station.query.answered");
}

void Station::send_chunk(const std::string& inbox, std::string chunk) {
  bus::Message message{inbox, {}, std::move(chunk), {}};
  message.headers.add("Content-Type", "application/json");
  message.headers.add("ce-time", wire::format_time(clock_.now()));  // for askers to compare clocks
  auto sent = bus_.publish(message);
  if (!sent && sent.error().code == ErrorCode::too_large) {
    wire::QueryChunk refusal;
    refusal.last = true;
    refusal.error = std::move(sent).error();
    message.payload = wire::encode(refusal);
    sent = bus_.publish(message);
  }
  if (!sent) {
    log_.debug("an answer was not sent: " + sent.error().text());
  }
}

std::string Station::station_row() const {
  using nlohmann::json;
  const auto link = bus_.status();
  json units = json::object();
  for (const auto& [state, count] : fold_.units().counts()) {
    units[std::string(wire::word(state))] = count;
  }
  const auto& counts = fold_.counts();
  json logs = json::array();
  for (const auto& each : hand_ons_ ? hand_ons_() : std::vector<HandOnFigures>()) {
    logs.push_back({{"name", each.name},
                    {"to", each.to},
                    {"up", each.up},
                    {"lines", each.lines},
                    {"repeats", each.repeats},
                    {"lag_ms", each.lag.count()},
                    {"errors", each.errors},
                    {"error", each.error},
                    {"position", each.position}});
  }
  return wire::dump_json(
      {{"station", settings_.name.str()},
       {"version", kVersion},
       {"broker", link.broker},
       {"link", link.state == bus::LinkState::up ? "up" : "connecting"},
       {"link_error", link.last_error},
       {"link_garbled", link.garbled},
       {"connects", link.connects},
       {"rtt_us", link.rtt ? json(link.rtt->count()) : json(nullptr)},
       {"uptime_ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - started_).count()},
       {"units", std::move(units)},
       {"messages", counts.folded},
       {"malformed", counts.malformed},
       {"repeated", counts.repeated},
       {"refused", counts.refused},
       {"dropped", inbox_.dropped() + query_inbox_.dropped() + following_->dropped()},
       {"following", json::parse(following_->status(clock_.steady()))},
       {"commands_kept", fold_.commands().size()},
       {"acting", acting()},
       {"undelivered", courier_.undelivered()},
       {"sent_again", courier_.sent_again()},
       {"commits", totals_.commits},
       {"failed_commits", totals_.failed_commits},
       {"db_bytes", store_.bytes()},
       {"logs", std::move(logs)}});
}

// Empty where there is none.
std::string Station::policy_row() const {
  const auto policy = guard_ == nullptr ? nullptr : guard_->policy();
  const auto document = policy ? guard_->document() : nullptr;
  return document ? wire::dump_json({{"version", policy->version()}, {"document", *document}}) : "";
}

}  // namespace steward::station
