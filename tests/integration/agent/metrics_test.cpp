#include "subjects/wire/metrics.hpp"

#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <optional>
#include <string>
#include <vector>

namespace steward::tests::metrics_test {
namespace {

constexpr const char* kMetrics = "ship1.command.metrics.system";

// The heads of the rounds that can be read with the schema and the base before them.
std::vector<wire::MetricRoundHead> readable(const std::vector<std::string>& payloads) {
  std::optional<wire::MetricSchema> schema;
  std::vector<std::int64_t> base;
  std::uint64_t base_number = 0;
  std::vector<wire::MetricRoundHead> heads;
  for (const auto& payload : payloads) {
    if (!wire::is_metric_round(payload)) {
      schema = *wire::decode_metric_schema(payload);
      continue;
    }
    const auto head = *wire::decode_metric_round_head(payload);
    if (!schema || schema->hash() != head.schema || (head.base != 0 && head.base != base_number)) {
      continue;
    }
    const auto numbers = wire::decode_metric_numbers(
        payload, schema->series.size(), head.base == 0 ? std::vector<std::int64_t>() : base);
    if (numbers && head.base == 0) {
      base = *numbers;
      base_number = head.number;
    }
    if (numbers && numbers->size() > 200) {
      heads.push_back(head);
    }
  }
  return heads;
}

}  // namespace

TEST_CASE("agent: it measures its machine in the interval that was set, after a restart, too") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  Listener listener(server->url());
  AgentProcess agent(server->url());
  REQUIRE(listener.wait([](const Listener& heard) { return !heard.hellos.empty(); }));
  const auto set = listener.command(kMetrics, R"({"op":"set","interval_ms":200})");
  REQUIRE(listener.wait([&](const Listener& heard) {
    return heard.steps(set) == std::vector<std::string>{"accepted", "done"};
  }));
  std::vector<wire::MetricRoundHead> heads;
  const auto five_rounds = [&heads](const Listener& heard) {
    heads = readable(heard.metrics);
    return heads.size() >= 5;
  };
  CHECK(listener.wait(five_rounds));
  agent.end_by(SIGTERM);
  CHECK(listener.wait([&](const Listener&) {
    listener.metrics.clear();
    return true;
  }));
  agent.start();
  REQUIRE(listener.wait(five_rounds));
  CHECK(heads.front().number == 1);
  // By the unit's own clock; four of the usual intervals are 40 s.
  CHECK(heads[4].time - heads[0].time < std::chrono::seconds(20));
}

}  // namespace steward::tests::metrics_test
