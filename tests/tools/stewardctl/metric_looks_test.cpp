#include "tools/stewardctl/metric_looks.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::ctl::metric_looks_test {
namespace {

using std::chrono::milliseconds;

// Half of two cores was busy in the seconds up to then.
wire::MetricsRow row_at(int seconds) {
  const double passed = seconds;
  return {.unit = "ship1",
          .time = milliseconds(seconds * 1'000),
          .interval = milliseconds(10'000),
          .gauges = {{"node_load1", 0.5},
                     {"node_memory_MemTotal_bytes", 1'000},
                     {"node_memory_MemAvailable_bytes", 250},
                     {R"(node_filesystem_avail_bytes{mountpoint="/"})", 40},
                     {R"(node_filesystem_size_bytes{mountpoint="/"})", 100},
                     {R"(node_filesystem_avail_bytes{mountpoint="/d"})", 10},
                     {R"(node_filesystem_size_bytes{mountpoint="/d"})", 100}},
          .counters = {{R"(node_cpu_seconds_total{cpu="0",mode="idle"})", passed},
                       {R"(node_cpu_seconds_total{cpu="1",mode="user"})", passed},
                       {R"(node_network_receive_bytes_total{device="eth0"})", passed * 2'000},
                       {R"(node_network_receive_bytes_total{device="lo"})", passed * 9'000}}};
}

}  // namespace

TEST_CASE("metric looks: growth needs two rounds, and a round that is seen twice is one") {
  MetricLooks looks;
  looks.take({row_at(10)});
  looks.take({row_at(10)});
  CHECK_FALSE(looks.has_rates());
  CHECK(rates(looks.units().at("ship1")).empty());
  CHECK_FALSE(glance(looks.units().at("ship1")).cpu);
  looks.take({row_at(20)});
  CHECK(looks.has_rates());
  CHECK(rates(looks.units().at("ship1")).at(R"(node_network_receive_bytes_total{device="eth0"})") ==
        doctest::Approx(2'000));
}

TEST_CASE("metric looks: what matters at a glance") {
  MetricLooks looks;
  looks.take({row_at(10)});
  looks.take({row_at(20)});
  const auto& unit = looks.units().at("ship1");
  const auto seen = glance(unit);
  CHECK(*seen.cpu == doctest::Approx(0.5));
  CHECK(*seen.load == 0.5);
  CHECK(*seen.memory == doctest::Approx(0.75));
  CHECK(*seen.disk == doctest::Approx(0.9));
  CHECK(*seen.in == doctest::Approx(2'000));
  CHECK_FALSE(seen.out);
  CHECK(unit.cpu.size() == 1);
}

TEST_CASE("metric looks: a counter that began anew has no growth, a unit that left is forgotten") {
  MetricLooks looks;
  looks.take({row_at(100)});
  auto anew = row_at(1);
  anew.time = milliseconds(110'000);
  looks.take({anew});
  CHECK(rates(looks.units().at("ship1")).empty());
  looks.take({});
  CHECK(looks.units().empty());
}

TEST_CASE("metric looks: a chart has one column for each value, the newest last") {
  CHECK(chart({0, 0.5, 1}, 5, true) == "  _+#");
  CHECK(chart({0, 0.5, 1}, 2, true) == "+#");
  CHECK(chart({0.99}, 1, false) == "█");
  CHECK(chart({}, 0, true).empty());
}

}  // namespace steward::ctl::metric_looks_test
