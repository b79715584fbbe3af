#include "tools/stewardctl/broker_info.hpp"

#include <doctest/doctest.h>

namespace steward::tests::broker_info_test {

using steward::ctl::Address;
using steward::ctl::parse_address;
using steward::ctl::parse_info;

TEST_CASE("address: of every way to write a broker") {
  CHECK(*parse_address("nats://127.0.0.1:43217") == Address{"127.0.0.1", "43217"});
  CHECK(*parse_address("localhost") == Address{"localhost", "4222"});
  CHECK(*parse_address("tls://anna:pass@sea.example:4222/x") == Address{"sea.example", "4222"});
  CHECK(*parse_address("nats://[::1]:4223") == Address{"::1", "4223"});
  CHECK(*parse_address("nats://a:1,nats://b:2") == Address{"a", "1"});
  CHECK(!parse_address("nats://"));
  CHECK(!parse_address("nats://host:port"));
}

TEST_CASE("broker: its first line tells version and needs; another service's does not") {
  const auto info = parse_info(
      "INFO "
      "{\"version\":\"2.9.10\",\"server_name\":\"a\",\"max_payload\":1048576,\"jetstream\":true}"
      "\r\n");
  REQUIRE(info);
  CHECK(info->version == "2.9.10");
  CHECK(info->max_payload == 1048576);
  CHECK(info->jetstream);
  CHECK(!info->auth_required);
  CHECK(!parse_info("SSH-2.0-OpenSSH_9.2\r\n"));
  CHECK(!parse_info("INFO {"));
  CHECK(!parse_info(""));
}

}  // namespace steward::tests::broker_info_test
