#include "subjects/wire/alert.hpp"

#include "subjects/wire/group.hpp"
#include "subjects/wire/metrics.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::alert_test {
namespace {

ErrorCode refused(std::string_view rule) {
  const auto decoded = decode_alert_rule(rule);
  REQUIRE_FALSE(decoded);
  return decoded.error().code;
}

}  // namespace

TEST_CASE("alert: the shortest rule, and what is taken for granted in it") {
  const auto rule = decode_alert_rule(R"({"name":"load","metric":"load1","above":4})");
  REQUIRE(rule);
  CHECK(rule->clear == 4);
  CHECK(rule->hold.count() == 0);
  CHECK(rule->severity == Severity::warning);
  CHECK(condition_of(*rule) == "load1 > 4");
}

TEST_CASE("alert: a rule travels as it is") {
  const auto rule = decode_alert_rule(
      R"({"name":"disk","metric":"filesystem_avail_bytes{mountpoint=\"/\"}",
          "of":"filesystem_size_bytes","below":0.1,"clear":0.15,"for_ms":90000,
          "severity":"critical","run":["/bin/true","x"],"run_timeout_ms":1000})");
  REQUIRE(rule);
  CHECK(decode_alert_rule(encode(*rule)).value() == *rule);
  CHECK(condition_of(*rule) ==
        R"(filesystem_avail_bytes{mountpoint="/"} / filesystem_size_bytes < 0.1 for 90s)");
}

TEST_CASE("alert: a rule that cannot work is refused") {
  CHECK(refused("{}") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a b","metric":"x","above":1})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x y","above":1})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x{unit=\"b\"}","above":1})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x"})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x","above":1,"below":2})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x","above":1,"clear":2})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x","below":1,"clear":0.5})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x","above":1,"severity":"bad"})") ==
        ErrorCode::unsupported);
  CHECK(refused(R"({"name":"a","metric":"x","above":1,"run":[""]})") == ErrorCode::bad_payload);
  CHECK(refused(R"({"name":"a","metric":"x","above":1,"fro_ms":1})") == ErrorCode::bad_payload);
}

TEST_CASE("alert: an operator's word names units, never what they are") {
  CHECK(decode_alerts_request(R"({"op":"ack","target":"ship*"})"));
  CHECK_FALSE(decode_alerts_request(R"({"op":"ack","target":"site=oslo"})"));
  CHECK_FALSE(decode_alerts_request(R"({"op":"ack"})"));
  CHECK_FALSE(decode_alerts_request(R"({"op":"silence","target":"*","for_ms":10})"));
  CHECK_FALSE(decode_alerts_request(R"({"op":"unsilence","id":"x"})"));
}

TEST_CASE("group: a name and a target that can be read") {
  CHECK(decode_groups_request(R"({"op":"set","name":"web","target":"role=web and not @old"})"));
  CHECK(decode_groups_request(R"({"op":"remove","name":"web"})"));
  CHECK_FALSE(decode_groups_request(R"({"op":"set","name":"web"})"));
  CHECK_FALSE(decode_groups_request(R"({"op":"set","name":"web","target":"role="})"));
  CHECK_FALSE(decode_groups_request(R"({"op":"set","name":"We b","target":"a"})"));
}

TEST_CASE("metrics: a series is meant by its name, with or without node_, and by labels it has") {
  const std::string key = R"(node_filesystem_avail_bytes{device="a,\"b",mountpoint="/"})";
  CHECK(is_meant(key, "node_filesystem_avail_bytes"));
  CHECK(is_meant(key, "filesystem_avail_bytes"));
  CHECK(is_meant(key, R"(filesystem_avail_bytes{mountpoint="/"})"));
  CHECK(is_meant(key, R"(filesystem_avail_bytes{mountpoint="/",device="a,\"b"})"));
  CHECK_FALSE(is_meant(key, R"(filesystem_avail_bytes{mountpoint="/data"})"));
  CHECK_FALSE(is_meant(key, R"(filesystem_avail_bytes{b="/"})"));
  CHECK_FALSE(is_meant(key, "avail_bytes"));
  CHECK_FALSE(is_meant("node_load1", R"(load1{a="b"})"));
  CHECK(is_meant("load1", "load1"));
}

}  // namespace steward::wire::alert_test
