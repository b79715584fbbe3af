#include "subjects/wire/metrics.hpp"
#include "subjects/wire/time.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>

namespace steward::tests::restart_test {
namespace {

TEST_CASE("station: a restart keeps the table, the jobs and what was received") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Asker asker(server->url());
  SpokenUnit unit(server->url(), "ship1");
  const auto command = unit.new_id();
  {
    const RunningStation station(server->url(), folder.path());
    CHECK(unit.hello());
    CHECK(unit.ack(command, wire::CommandState::accepted, 1));
    CHECK(unit.ack(command, wire::CommandState::done, 2));
    CHECK(eventually([&unit] { return unit.acknowledged() == 2; }));
  }
  const RunningStation station(server->url(), folder.path());
  const auto row = asker.unit("ship1");
  REQUIRE(row);
  CHECK(row->state == wire::UnitState::up);
  CHECK(row->commands == wire::CommandCounts{0, 1, 0});
  const auto rows = asker.ask("job", R"({"job":")" + command.str() + "\"}");
  REQUIRE(rows.size() == 1);
  const auto job = wire::decode_job_detail(rows[0]);
  REQUIRE(job);
  CHECK(job->units.at(0).state == wire::CommandState::done);

  // The unit has not heard the acknowledgement: it sends again, nothing changes, it is
  // acknowledged.
  CHECK(unit.ack(command, wire::CommandState::accepted, 1));
  CHECK(unit.ack(command, wire::CommandState::failed, 3));
  CHECK(eventually([&unit] { return unit.acknowledged() == 3; }));
  CHECK(asker.unit("ship1")->commands == wire::CommandCounts{0, 1, 0});
}

TEST_CASE(
    "station: a restart keeps the latest metrics and the open alerts, and who has seen them") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Asker asker(server->url());
  SpokenUnit unit(server->url(), "ship1");
  const wire::MetricSchema schema{{{"node_load1", wire::MetricType::gauge, 1, 100}}};
  const auto since_1970 =
      std::chrono::duration_cast<std::chrono::milliseconds>(SpokenUnit::now().time_since_epoch());
  const wire::MetricRoundHead head{.schema = schema.hash(), .number = 1, .time = since_1970};
  const std::string alert = R"({"state":"firing","rule":"busy","series":"node_load1",)"
                            R"("severity":"warning","condition":"load1 > 1","value":2,"since":")" +
                            wire::format_time(SpokenUnit::now()) + "\"}";
  {
    const RunningStation station(server->url(), folder.path());
    CHECK(unit.hello());
    CHECK(unit.bus().publish({"ship1.event.metrics.system", {}, wire::encode(schema), ""}));
    CHECK(unit.bus().publish({"ship1.event.metrics.system",
                              {},
                              wire::encode_metric_round(head, std::vector<std::int64_t>{250}, {}),
                              ""}));
    CHECK(unit.record("alert.metrics", alert, 1));
    REQUIRE(eventually([&] { return asker.ask("alerts").size() == 1; }));
    CHECK(asker.bus().publish({"station.command.alerts.fleet",
                               {},
                               R"({"op":"ack","target":"ship1","note":"known"})",
                               ""}));
    REQUIRE(eventually([&] {
      const auto rows = asker.ask("alerts");
      return !rows.empty() && rows[0].find("known") != std::string::npos;
    }));
    REQUIRE(eventually([&] { return asker.ask("metrics").size() == 1; }));
  }
  const RunningStation station(server->url(), folder.path());
  const auto metrics = asker.ask("metrics");
  REQUIRE(metrics.size() == 1);
  CHECK(metrics[0].find("2.5") != std::string::npos);
  CHECK(metrics[0].find(std::to_string(since_1970.count())) != std::string::npos);
  const auto alerts = asker.ask("alerts");
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].find("known") != std::string::npos);
}

TEST_CASE("station: at its start it asks all units for a hello") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Asker asker(server->url());
  std::atomic<int> asked{0};
  auto heard =
      asker.bus().subscribe("@all.command.hello.agent", [&asked](bus::Message&&) { ++asked; });
  REQUIRE(heard);
  REQUIRE(asker.bus().flush(std::chrono::seconds(5)));
  const RunningStation station(server->url(), folder.path());
  CHECK(eventually([&asked] { return asked > 0; }));
}

TEST_CASE("station: it asks for the events that are missing") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const RunningStation station(server->url(), folder.path());
  SpokenUnit unit(server->url(), "ship1");
  std::atomic<int> asked{0};
  auto heard = unit.bus().subscribe("ship1.command.outbox.events", [&](bus::Message&& message) {
    CHECK(message.payload.rfind(R"({"op":"resend","from":2,"epoch":")", 0) == 0);
    ++asked;
  });
  REQUIRE(heard);
  REQUIRE(unit.bus().flush(std::chrono::seconds(5)));
  const auto command = unit.new_id();
  CHECK(unit.ack(command, wire::CommandState::accepted, 1));
  CHECK(unit.ack(command, wire::CommandState::done, 3));
  CHECK(eventually([&asked] { return asked > 0; }));
  CHECK(unit.acknowledged() == 1);
  CHECK(unit.ack(command, wire::CommandState::running, 2));
  CHECK(eventually([&unit] { return unit.acknowledged() == 3; }));
}

}  // namespace
}  // namespace steward::tests::restart_test
