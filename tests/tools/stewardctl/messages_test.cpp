#include "tools/stewardctl/messages.hpp"

#include <doctest/doctest.h>

namespace steward::tests::messages_test {

using steward::ctl::cheaper_target;
using steward::ctl::Order;

namespace {

Order order(std::size_t units, std::string payload = R"({"argv":["true"]})") {
  Order out;
  for (std::size_t i = 1; i <= units; ++i) {
    out.units.push_back("ship" + std::to_string(i));
  }
  out.method = "shellcommand";
  out.domain = "operatingsystem";
  out.payload = std::move(payload);
  return out;
}

}  // namespace

TEST_CASE("messages: most of a fleet gets one broadcast with its names, a few get one each") {
  CHECK(cheaper_target(order(1'000), 1'000) == "ship[1-1000]");
  CHECK(cheaper_target(order(600), 1'000) == "ship[1-600]");
  CHECK_FALSE(cheaper_target(order(499), 1'000));
  CHECK_FALSE(cheaper_target(order(20), 1'000));
  CHECK_FALSE(cheaper_target(order(1), 1));
}

TEST_CASE("messages: names that do not fit ranges make a broadcast dear") {
  auto many = order(100);
  for (auto& name : many.units) {
    name += "-of-the-northern-fleet";
  }
  CHECK_FALSE(cheaper_target(many, 100));
  many.payload = std::string(20'000, ' ');
  CHECK(cheaper_target(many, 100).value_or("").size() > 2'000);
}

TEST_CASE("messages: input, secrets and what differs from unit to unit go to each alone") {
  CHECK_FALSE(cheaper_target(order(10, R"({"argv":["tee"],"stdin":{"text":"pin"}})"), 10));
  CHECK_FALSE(cheaper_target(order(10, R"({"argv":["a"],"secret_env":["PIN"]})"), 10));
  auto again = order(10);
  again.payloads.assign(10, "{}");
  CHECK_FALSE(cheaper_target(again, 10));
}

}  // namespace steward::tests::messages_test
