#include "handlers/daemon/order.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::handlers::daemon::order_test {
namespace {

using Names = std::vector<std::string>;

wire::DaemonSpec spec(const Names& after, const Names& needs = {}) {
  wire::DaemonSpec out;
  out.after = after;
  out.requires_ = needs;
  return out;
}

TEST_CASE("daemon order: many that wait for one, and for what is not there, are no circle") {
  CHECK(circle_in({{"a", spec({"c"})},
                   {"b", spec({}, {"a"})},
                   {"c", spec({"not-there"})},
                   {"d", spec({"a", "b"})}})
            .empty());
}

TEST_CASE("daemon order: a circle is named, also one of a daemon with itself") {
  CHECK(circle_in({{"a", spec({"a"})}}) == "a -> a");
  CHECK(circle_in({{"a", spec({"b"})}, {"b", spec({}, {"c"})}, {"c", spec({"a"})}}) ==
        "a -> b -> c -> a");
}

TEST_CASE("daemon order: who needs one replica of a daemon needs the daemon") {
  CHECK(circle_in({{"a", spec({}, {"b@2"})}, {"b", spec({"a"})}}) == "a -> b -> a");
}

TEST_CASE("daemon order: a chain of ten thousand takes no stack") {
  Specs specs;
  for (int i = 0; i < 10'000; ++i) {
    specs.emplace("d" + std::to_string(i), spec({"d" + std::to_string(i + 1)}));
  }
  CHECK(circle_in(specs).empty());
  specs["d10000"] = spec({"d0"});
  CHECK(circle_in(specs).starts_with("d0 -> d1 -> d2 -> "));
}

}  // namespace
}  // namespace steward::handlers::daemon::order_test
