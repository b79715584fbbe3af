#include "tools/stewardctl/rollout.hpp"

#include "subjects/wire/envelope.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace steward::ctl::rollout_test {
namespace {

using std::chrono::milliseconds;

const wire::MessageId kJobId = wire::MessageId::make(1'790'000'000'000, {});

wire::RolloutPlan plan_of(const RolloutArguments& arguments, std::size_t units = 205) {
  auto plan = rollout_plan(arguments, kJobId, units, std::nullopt);
  REQUIRE(plan);
  return *std::move(plan);
}

TEST_CASE("rollout: what a person writes becomes a plan for so many units") {
  CHECK(plan_of({.batch = "10%"}).batch == 20);
  CHECK(plan_of({.batch = "10%"}, 3).batch == 1);
  CHECK(plan_of({.batch = "7"}).batch == 7);
  CHECK(plan_of({.canary = "3"}).batch == 205);
  CHECK(plan_of({.canary = "3"}, 2).canary == 2);
  CHECK(plan_of({.batch = "1"}).max_fail == wire::Amount{0, wire::Amount::Of::units});
  CHECK(plan_of({.max_fail = "5%"}).max_fail == wire::Amount{5, wire::Amount::Of::hundred});
  CHECK(plan_of({.pause = "2m"}).pause == std::chrono::minutes(2));
  CHECK(plan_of({.batch = "1"}).timeout == std::chrono::hours(1));
  CHECK(plan_of({.unit_timeout = "5m"}).timeout == std::chrono::minutes(5));
  CHECK(rollout_plan({.batch = "1"}, kJobId, 2, milliseconds(65'000))->timeout ==
        milliseconds(125'000));
}

TEST_CASE("rollout: what cannot be is refused with its option") {
  for (const auto& wrong : std::vector<std::pair<RolloutArguments, std::string>>{
           {{.batch = "0"}, "--batch"},
           {{.batch = "ten"}, "--batch"},
           {{.canary = "5%"}, "--canary"},
           {{.canary = "0"}, "--canary"},
           {{.max_fail = "101%"}, "--max-fail"},
           {{.pause = "31d"}, "--pause"},
           {{.unit_timeout = "10ms"}, "--unit-timeout"}}) {
    const auto plan = rollout_plan(wrong.first, kJobId, 10, std::nullopt);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == ErrorCode::bad_config);
    CHECK_MESSAGE(plan.error().message.find(wrong.second) != std::string::npos,
                  plan.error().message);
  }
}

TEST_CASE("rollout: it is handed over in messages that the wire takes, each command once") {
  auto plan = plan_of({.batch = "10%"}, 3'000);
  plan.method = "shellcommand";
  plan.domain = "operatingsystem";
  plan.payload = R"({"argv":["true"]})";
  std::vector<bus::Message> commands;
  for (std::size_t i = 0; i < plan.units; ++i) {
    const auto unit = "ship" + std::to_string(i);
    wire::Headers headers;
    headers.add("ce-id", unit);
    headers.add("ce-signature", std::string(500, 'x'));
    commands.push_back(
        {unit + ".command.shellcommand.operatingsystem", std::move(headers), plan.payload, {}});
  }
  const auto payloads = hand_over_payloads(plan, commands);
  REQUIRE(payloads);
  CHECK(payloads->size() > 3);
  std::size_t next = 0;
  for (const auto& payload : *payloads) {
    CHECK(payload.size() <= wire::kMaxPayloadBytes);
    const auto read = wire::decode_rollout_request(payload);
    REQUIRE(read);
    if (const auto* chunk = std::get_if<wire::RolloutUnits>(&*read)) {
      CHECK(chunk->first == next);
      for (const auto& unit : chunk->units) {
        CHECK(unit.unit == "ship" + std::to_string(next));
        CHECK(unit.headers.find("ce-id") == unit.unit);
        ++next;
      }
    }
  }
  CHECK(next == plan.units);
  plan.payload = std::string(wire::kMaxPayloadBytes - 10, '"');
  CHECK(hand_over_payloads(plan, commands).error().code == ErrorCode::too_large);
}

TEST_CASE("rollout: its exit status, and what a person can do, are told by its row") {
  wire::RolloutRow row{.plan = plan_of({.batch = "1"}, 3)};
  const auto status = [&row](wire::RolloutState state, const wire::RolloutCounts& counts) {
    row.state = state;
    row.counts = counts;
    return exit_of(row);
  };
  using State = wire::RolloutState;
  CHECK(status(State::done, {.done = 3}) == Exit::ok);
  CHECK(next_step(row).empty());
  CHECK(status(State::done, {.done = 2, .failed = 1}) == Exit::failed);
  CHECK(status(State::done, {.overdue = 1, .done = 2}) == Exit::failed);
  CHECK(status(State::done, {.done = 2, .withdrawn = 1}) == Exit::no_answer);
  CHECK(status(State::deferred, {.deferred = 1, .done = 2}) == Exit::no_answer);
  CHECK(next_step(row).find("rollout show") != std::string::npos);
  CHECK(status(State::halted, {.held = 2, .failed = 1}) == Exit::failed);
  CHECK(next_step(row).find("rollout abort") != std::string::npos);
  CHECK(status(State::aborted, {.done = 1, .withdrawn = 2}) == Exit::failed);
  row.begun = 2;
  row.groups = 3;
  CHECK(rollout_text(row) == "group 2 of 3  done 1  withdrawn 2");
}

}  // namespace
}  // namespace steward::ctl::rollout_test
