#include "handlers/metrics/metrics.hpp"
#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::metrics::handler_test {
namespace {

using nlohmann::json;

// Understands what a handler says, as a station does.
class Reader {
 public:
  // False where it cannot be read for want of a schema or a base.
  bool read(const std::string& payload) {
    if (!wire::is_metric_round(payload)) {
      schema = *wire::decode_metric_schema(payload);
      return true;
    }
    head = *wire::decode_metric_round_head(payload);
    if (!schema || head.schema != schema->hash() || (head.base != 0 && head.base != base_number_)) {
      return false;
    }
    const auto decoded = wire::decode_metric_numbers(
        payload, schema->series.size(), head.base == 0 ? std::vector<std::int64_t>() : base_);
    REQUIRE(decoded);
    numbers = *decoded;
    if (head.base == 0) {
      base_ = numbers;
      base_number_ = head.number;
    }
    return true;
  }

  double value(const std::string& key) const {
    for (std::size_t i = 0; i < schema->series.size(); ++i) {
      if (schema->series[i].key == key) {
        return schema->series[i].value(numbers[i]);
      }
    }
    FAIL("no series " << key);
    return 0;
  }

  std::optional<wire::MetricSchema> schema;
  wire::MetricRoundHead head;
  std::vector<std::int64_t> numbers;

 private:
  std::vector<std::int64_t> base_;
  std::uint64_t base_number_ = 0;
};

bool is_schema(const std::string& payload) { return !wire::is_metric_round(payload); }

}  // namespace

TEST_CASE("metrics: the schema once, then rounds on one base, in every interval") {
  Room room;
  room.run_until(5);
  const auto& said = room.listener.said;
  REQUIRE(said.size() == 5);
  CHECK(is_schema(said[0]));
  Reader reader;
  for (std::size_t i = 0; i < said.size(); ++i) {
    CHECK(is_schema(said[i]) == (i == 0));
    REQUIRE(reader.read(said[i]));
    CHECK(reader.head.number == i);
    CHECK(reader.head.base == (i < 2 ? 0 : 1));
  }
  CHECK(reader.value("node_memory_MemTotal_bytes") > 1e8);
  CHECK(said[4].size() < said[1].size());
}

TEST_CASE("metrics: a link that comes up gets the schema and a whole round") {
  Room room;
  room.run_until(3);
  room.handler->link_up();
  room.run_until(5);
  CHECK(is_schema(room.listener.said[3]));
  CHECK(wire::decode_metric_round_head(room.listener.said[4])->base == 0);
}

TEST_CASE("metrics: each thirtieth round is whole again") {
  Room room("interval_ms = 3600000");
  for (int i = 0; i < 62; ++i) {
    room.ask(R"({"op":"collect"})");
  }
  Reader reader;
  for (const auto& payload : room.listener.said) {
    REQUIRE(reader.read(payload));
    const auto number = reader.head.number;
    CHECK(reader.head.base == (number <= 1 || number == 31 || number == 61 ? 0
                               : number < 31                               ? 1
                               : number < 61                               ? 31
                                                                           : 61));
  }
  CHECK(reader.head.number == 62);
}

TEST_CASE("metrics: without a link nothing is said, and after it all can be read") {
  Room room("interval_ms = 3600000");
  room.listener.up = false;
  CHECK(room.ask(R"({"op":"collect"})").state == wire::CommandState::done);
  CHECK(room.listener.said.empty());
  CHECK(json::parse(room.ask("{}").result).at("lost") == 1);
  room.listener.up = true;
  room.handler->link_up();
  room.ask(R"({"op":"collect"})");
  Reader reader;
  for (const auto& payload : room.listener.said) {
    CHECK(reader.read(payload));
  }
  CHECK(reader.numbers.size() > 100);
}

TEST_CASE("metrics: values by command") {
  Room room("interval_ms = 3600000");
  room.machine.folder.write("proc/loadavg", "0.50 0.25 0.10 1/2 3\n");
  const auto ack = room.ask(R"({"op":"collect","values":true})");
  CHECK(ack.state == wire::CommandState::done);
  const auto result = json::parse(ack.result);
  CHECK(result.at("values").at("node_load1") == 0.5);
  CHECK(result.at("values").count("node_filefd_maximum") == 0);
  CHECK(result.at("series") == result.at("values").size());
  CHECK(json::parse(room.ask(R"({"op":"collect"})").result).count("values") == 0);
}

TEST_CASE("metrics: the schema is said again when it is asked for") {
  Room room("interval_ms = 3600000");
  room.ask(R"({"op":"collect"})");
  room.ask(R"({"op":"schema"})");
  REQUIRE(room.listener.said.size() == 4);
  CHECK(is_schema(room.listener.said[2]));
  CHECK(room.listener.said[2] == room.listener.said[0]);
}

TEST_CASE("metrics: what is set counts at once and after a restart") {
  const Folder folder;
  {
    Room room("interval_ms = 3600000", folder.path / "state");
    auto ack = room.ask(R"({"op":"set","interval_ms":100,"disabled":["netdev"]})");
    CHECK(ack.state == wire::CommandState::done);
    CHECK(json::parse(ack.result).at("interval_ms") == 100);
    room.run_until(3);
  }
  Room room("interval_ms = 3600000", folder.path / "state");
  room.run_until(3);
  const auto status = json::parse(room.ask(R"({"op":"status"})").result);
  CHECK(status.at("interval_ms") == 100);
  CHECK(status.at("disabled") == json({"netdev"}));
  CHECK(status.at("rounds") == 2);
  for (const auto& one : status.at("collectors")) {
    CHECK(one.at("name") != "netdev");
  }
}

TEST_CASE("metrics: what cannot be kept is not set") {
  Room room("interval_ms = 3600000", "/proc/none");
  const auto ack = room.ask(R"({"op":"set","interval_ms":100})");
  CHECK(ack.state == wire::CommandState::failed);
  CHECK(json::parse(room.ask("{}").result).at("interval_ms") == 3'600'000);
}

TEST_CASE("metrics: a broken file of settings does not stop the unit from measuring") {
  const Folder folder;
  folder.write("state/settings.json", "{");
  Room room("interval_ms = 100", folder.path / "state");
  room.run_until(2);
  CHECK(room.listener.said.size() == 2);
}

TEST_CASE("metrics: a request with another word, type or collector is refused") {
  Room room("interval_ms = 3600000");
  const auto code = [&room](std::string payload) {
    auto envelope = wire::make_envelope(room.clock.new_id(),
                                        *wire::Source::parse("/operator/eva"),
                                        *wire::Subject::parse("ship1.command.metrics.system"),
                                        room.clock.now());
    const auto admission = room.handler->receive({std::move(envelope), std::move(payload)});
    REQUIRE_FALSE(admission);
    return admission.error().code;
  };
  CHECK(code(R"({"op":"dance"})") == ErrorCode::unsupported);
  CHECK(code(R"({"op":"set","interval_ms":99})") == ErrorCode::bad_payload);
  CHECK(code(R"({"op":"set","disabled":["nonesuch"]})") == ErrorCode::bad_payload);
  CHECK(code(R"({"op":"set","filters":{"disks":[""]}})") == ErrorCode::bad_payload);
  CHECK(code("[]") == ErrorCode::bad_payload);
}

}  // namespace steward::handlers::metrics::handler_test
