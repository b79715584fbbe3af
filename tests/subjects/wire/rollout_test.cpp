#include "subjects/wire/rollout.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace steward::wire::rollout_test {
namespace {

using nlohmann::json;

const std::string kRolloutId = "01M7YH64QV041061050R3GG289";

json plan() {
  return {{"op", "plan"},
          {"rollout", kRolloutId},
          {"method", "shellcommand"},
          {"domain", "operatingsystem"},
          {"payload", R"({"argv":["true"]})"},
          {"units", 20},
          {"batch", 4}};
}

ErrorCode refused(const json& request) {
  const auto read = decode_rollout_request(request.dump());
  return read ? ErrorCode::internal : read.error().code;
}

TEST_CASE("rollout: an amount is a number of units or a percentage") {
  CHECK(parse_amount("5").value() == Amount{5, Amount::Of::units});
  CHECK(parse_amount("10%").value() == Amount{10, Amount::Of::hundred});
  CHECK(parse_amount("0").value() == Amount{0, Amount::Of::units});
  CHECK(text_of(parse_amount("100%").value()) == "100%");
  for (const auto* wrong : {"", "%", "-1", "1.5", "101%", "5 %", "five", "007", "100001", "1%%"}) {
    CAPTURE(wrong);
    CHECK(parse_amount(wrong).error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("rollout: what a plan does not say has a safe value") {
  const auto read = std::get<RolloutPlan>(decode_rollout_request(plan().dump()).value());
  CHECK(read.canary == 0);
  CHECK(read.max_fail == Amount{0, Amount::Of::units});
  CHECK(read.timeout == std::chrono::hours(1));
  CHECK(read.pause.count() == 0);
  CHECK_FALSE(read.approve);
}

TEST_CASE("rollout: a plan that cannot be is refused") {
  for (const auto& field : std::initializer_list<std::pair<std::string, json>>{{"units", 0},
                                                                               {"units", 100'001},
                                                                               {"units", nullptr},
                                                                               {"batch", 0},
                                                                               {"batch", nullptr},
                                                                               {"canary", 21},
                                                                               {"canary", -1},
                                                                               {"max_fail", "half"},
                                                                               {"max_fail", 5},
                                                                               {"timeout_ms", 0},
                                                                               {"pause_ms", -1},
                                                                               {"method", "a.b"},
                                                                               {"domain", ""},
                                                                               {"payload", nullptr},
                                                                               {"rollout", "x"}}) {
    CAPTURE(field.first);
    auto wrong = plan();
    wrong[field.first] = field.second;
    CHECK(refused(wrong) == ErrorCode::bad_payload);
  }
}

TEST_CASE("rollout: a word has to say all that it allows") {
  const json pause{{"op", "pause"}, {"rollout", kRolloutId}};
  CHECK(decode_rollout_request(pause.dump()));
  auto resume = pause;
  resume["op"] = "resume";
  CHECK(refused(resume) == ErrorCode::bad_payload);
  resume["groups"] = 3;
  CHECK(refused(resume) == ErrorCode::bad_payload);
  resume["failures"] = 0;
  CHECK(decode_rollout_request(resume.dump()));
  CHECK(refused({{"op", "stop"}, {"rollout", kRolloutId}}) == ErrorCode::unsupported);
  CHECK(refused({{"rollout", kRolloutId}}) == ErrorCode::bad_payload);
}

TEST_CASE("rollout: a chunk has commands, each for a unit") {
  json chunk{{"op", "units"},
             {"rollout", kRolloutId},
             {"first", 3},
             {"units", {{{"unit", "ship1"}, {"headers", {{"ce-id", kRolloutId}}}}}}};
  const auto read = std::get<RolloutUnits>(decode_rollout_request(chunk.dump()).value());
  CHECK(read.units.front().headers.find("ce-id") == kRolloutId);
  chunk["units"][0]["unit"] = "Ship 1";
  CHECK(refused(chunk) == ErrorCode::bad_payload);
  chunk["units"] = json::array();
  CHECK(refused(chunk) == ErrorCode::bad_payload);
}

}  // namespace
}  // namespace steward::wire::rollout_test
