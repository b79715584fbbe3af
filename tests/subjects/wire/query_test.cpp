#include "subjects/wire/query.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>

namespace steward::wire::query_test {
namespace {

const std::string kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const Timestamp kTime = *parse_time("2026-11-21T07:47:28.123456Z");

MessageId id() { return *MessageId::parse(kId); }

JobDetail detail_of(std::string payload, std::string result) {
  return {{id(), "ship1.command.a.b", "s", "/operator/anna", kTime, 1, {1, 0, 0}},
          std::move(payload),
          {{"ship1", id(), CommandState::done, {}, {}, "", "", std::move(result)}}};
}

}  // namespace

TEST_CASE("unit state: each has a word that leads back to it") {
  for (auto state :
       {UnitState::up, UnitState::late, UnitState::down, UnitState::never, UnitState::conflict}) {
    CHECK(parse_unit_state(word(state)).value() == state);
  }
  CHECK(parse_unit_state("gone").error().code == ErrorCode::unsupported);
}

TEST_CASE("unit row: the promised fields are there, null where nothing is known") {
  UnitRow row;
  row.unit = "ship1";
  const auto json = nlohmann::json::parse(encode(row));
  for (const char* name : {"unit",
                           "state",
                           "since",
                           "last_seen",
                           "source",
                           "agent_version",
                           "rtt_us",
                           "handlers",
                           "commands"}) {
    CAPTURE(name);
    CHECK(json.contains(name));
  }
  CHECK(json["state"] == "never");
  CHECK(json["since"].is_null());
  CHECK(json["last_seen"].is_null());
  CHECK(json["rtt_us"].is_null());
  CHECK(json["handlers"].is_array());
  CHECK(json["commands"] == nlohmann::json({{"open", 0}, {"done", 0}, {"failed", 0}}));
  CHECK(decode_unit_row(encode(row)).value() == row);
}

TEST_CASE("unit row: refused with a bad name, state or time") {
  CHECK(decode_unit_row(R"({"unit":"a","state":"up"})").has_value());
  for (const char* bad : {R"({})",
                          R"({"unit":"a"})",
                          R"({"state":"up"})",
                          R"({"unit":"*","state":"up"})",
                          R"({"unit":"a","state":"up","since":"now"})",
                          R"({"unit":"a","state":"up","since":1})",
                          R"({"unit":"a","state":"up","commands":[]})",
                          R"({"unit":"a","state":"up","commands":{"open":-1}})",
                          R"({"unit":"a","state":"up","rtt_us":"1"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_unit_row(bad).has_value());
  }
  CHECK(decode_unit_row(R"({"unit":"a","state":"gone"})").error().code == ErrorCode::unsupported);
}

TEST_CASE("job row: refused without its id and time") {
  const JobRow row{id(), "ship1.command.a.b", "s", "/operator/anna", kTime, 3, {1, 1, 1}};
  CHECK(decode_job_row(encode(row)).value() == row);
  CHECK_FALSE(decode_job_row("{}").has_value());
  CHECK_FALSE(decode_job_row(R"({"job":")" + kId + "\"}").has_value());
  CHECK_FALSE(decode_job_row(R"({"created":"2026-11-21T07:47:28Z","job":"x"})").has_value());
}

TEST_CASE("job detail: a payload or result that is not JSON is shown too, and stays readable") {
  const auto good = detail_of(R"({"argv":["true"]})", R"({"exit_code":0})");
  CHECK(decode_job_detail(encode(good)).value() == good);
  CHECK(decode_job_detail(encode(detail_of("not JSON \xff", ""))).value().payload ==
        "\"not JSON \xef\xbf\xbd\"");
  CHECK(decode_job_detail(encode(detail_of("", "oops"))).value().units.at(0).result ==
        R"({"unreadable":"oops"})");
  CHECK(decode_job_detail(encode(detail_of("", ""))).value().payload.empty());
}

TEST_CASE("job detail: the deepest payload that is accepted can be shown in a chunk") {
  const std::string deepest = std::string(64, '[') + std::string(64, ']');
  const auto chunk =
      decode_query_chunk(encode(QueryChunk{{encode(detail_of(deepest, ""))}, true, {}}));
  REQUIRE(chunk.has_value());
  CHECK(decode_job_detail(chunk->rows.at(0)).value().payload == deepest);
}

TEST_CASE("job detail: refused where a unit, an id, a state or a time is bad") {
  const std::string head =
      R"({"job":")" + kId + R"(","command":{"created":"2026-11-21T07:47:28Z"},"units":[)";
  const std::string unit = R"({"unit":"a","command":")" + kId + R"(","state":"done")";
  CHECK(decode_job_detail(head + unit + "}]}").has_value());
  for (const std::string& bad : {std::string("{}"),
                                 std::string(R"({"unit":"A"})"),
                                 std::string(R"({"unit":"a"})"),
                                 unit + R"(,"state":"lost"})",
                                 unit + R"(,"history":[{}]})",
                                 unit + R"(,"history":[{"state":"done"}]})",
                                 unit + R"(,"history":[{"at":"2026-11-21T07:47:28Z"}]})",
                                 unit + R"(,"expires":"x"})",
                                 unit + R"(,"result":[]})",
                                 unit + R"(,"code":1})"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_job_detail(head + bad + "]}").has_value());
  }
  CHECK_FALSE(decode_job_detail(R"({"job":"x"})").has_value());
}

TEST_CASE("job detail: says which job it sends again, and how many payloads it has") {
  auto detail = detail_of("{}", "");
  CHECK_FALSE(decode_job_detail(encode(detail)).value().retries.has_value());
  detail.retries = id();
  detail.payloads = 2;
  CHECK(decode_job_detail(encode(detail)).value() == detail);
}

TEST_CASE("failure row: comes back, refused without its ids, unit, state and time") {
  const FailureRow row{id(),
                       id(),
                       "ship1",
                       CommandState::refused,
                       kTime,
                       "denied",
                       "no",
                       "",
                       "ship1.command.a.b",
                       "s",
                       "/operator/anna",
                       kTime,
                       {}};
  const std::string text = encode(row);
  CHECK(decode_failure_row(text).value() == row);
  for (const char* name : {"job", "command", "unit", "state", "created"}) {
    CAPTURE(name);
    auto without = nlohmann::json::parse(text);
    without.erase(name);
    CHECK_FALSE(decode_failure_row(without.dump()).has_value());
  }
}

TEST_CASE("history row: comes back, refused without its time") {
  const HistoryRow row{7, kTime, "ship1", "state", "up -> late (silence)"};
  CHECK(decode_history_row(encode(row)).value() == row);
  CHECK_FALSE(decode_history_row(R"({"number":1})").has_value());
  CHECK_FALSE(decode_history_row(R"({"number":-1,"at":"2026-11-21T07:47:28Z"})").has_value());
}

TEST_CASE("query request: nothing at all asks for everything") {
  CHECK(decode_query_request("").value() == QueryRequest{});
  CHECK(decode_query_request("{}").value() == QueryRequest{});
  CHECK(encode(QueryRequest{}) == "{}");
}

TEST_CASE("query request: every wrong shape is refused") {
  for (const char* bad : {"[]",
                          R"({"units":"a"})",
                          R"({"units":["A"]})",
                          R"({"units":["*"]})",
                          R"({"job":"x"})",
                          R"({"command":"x"})",
                          R"({"job":1})",
                          R"({"open_only":1})",
                          R"({"failed_only":"no"})",
                          R"({"after":-1})",
                          R"({"limit":0})",
                          R"({"limit":100001})",
                          R"({"states":"up"})"}) {
    CAPTURE(bad);
    CHECK(decode_query_request(bad).error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_query_request(R"({"states":["gone"]})").error().code == ErrorCode::unsupported);
}

TEST_CASE("query chunk: rows, the last mark and an error come back") {
  const auto chunk =
      decode_query_chunk(encode(QueryChunk{{R"({"a":1})", "[2]"}, false, {}})).value();
  CHECK(chunk.rows == std::vector<std::string>{R"({"a":1})", "[2]"});
  CHECK_FALSE(chunk.last);
  CHECK_FALSE(chunk.error.has_value());
  const auto refused =
      decode_query_chunk(encode(QueryChunk{{}, true, Error{ErrorCode::not_found, "no job"}}))
          .value();
  CHECK(refused.last);
  REQUIRE(refused.error.has_value());
  CHECK(refused.error->code == ErrorCode::not_found);
  CHECK(refused.error->message == "no job");
}

TEST_CASE("query chunk: an error code of a later version is kept in the text") {
  const auto chunk = decode_query_chunk(R"({"error":{"code":"tired","message":"later"}})").value();
  CHECK(chunk.error->code == ErrorCode::internal);
  CHECK(chunk.error->message == "tired: later");
  CHECK_FALSE(decode_query_chunk(R"({"error":{}})").has_value());
  CHECK_FALSE(decode_query_chunk(R"({"error":1})").has_value());
  CHECK_FALSE(decode_query_chunk(R"({"rows":{}})").has_value());
  CHECK_FALSE(decode_query_chunk(R"({"last":1})").has_value());
}

}  // namespace steward::wire::query_test
