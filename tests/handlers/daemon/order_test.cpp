#include "handlers/daemon/order.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace steward::handlers::daemon::order_test {
namespace {

using Names = std::vector<std::string>;

wire::DaemonSpec spec(const Names& after, const Names& needs = {}) {
  wire::DaemonSpec out;
  out.after = after;
  out.requires_ = needs;
  return out;
}

TEST_CASE("daemon order: each stands behind those that it comes after or needs") {
  const Specs specs{{"a", spec({"c"})},
                    {"b", spec({}, {"a"})},
                    {"c", spec({"not-there"})},
                    {"d", spec({"a", "b"})}};
  const auto order = in_order(specs);
  REQUIRE(order.size() == 4);
  const auto place = [&order](const char* name) {
    return std::find(order.begin(), order.end(), name) - order.begin();
  };
  CHECK(place("c") < place("a"));
  CHECK(place("a") < place("b"));
  CHECK(place("b") < place("d"));
  CHECK(circle_in(specs).empty());
}

TEST_CASE("daemon order: a circle is named, also one of a daemon with itself") {
  CHECK(circle_in({{"a", spec({"a"})}}) == "a -> a");
  CHECK(circle_in({{"a", spec({"b"})}, {"b", spec({}, {"c"})}, {"c", spec({"a"})}}) ==
        "a -> b -> c -> a");
}

TEST_CASE("daemon order: a chain of ten thousand takes no stack") {
  Specs specs;
  for (int i = 0; i < 10'000; ++i) {
    specs.emplace("d" + std::to_string(i), spec({"d" + std::to_string(i + 1)}));
  }
  CHECK(in_order(specs).size() == 10'000);
}

}  // namespace
}  // namespace steward::handlers::daemon::order_test
