#include "handlers/metrics/samples.hpp"

#include "tests/handlers/metrics/reading.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::metrics::samples_test {
namespace {

bool say_two(Samples& samples, std::int64_t first, std::int64_t second) {
  samples.begin();
  samples.gauge("one", {}, first);
  samples.counter("two", {{"device", "sda"}}, second, kMilli);
  return samples.finish();
}

}  // namespace

TEST_CASE("samples: the list of series is another one when a series comes, goes or changes") {
  Samples samples;
  CHECK(say_two(samples, 1, 2'000));
  CHECK_FALSE(say_two(samples, 3, 4'500));
  CHECK(values_of(samples) ==
        std::map<std::string, double>{{"one", 3}, {"two{device=\"sda\"}", 4.5}});
  samples.begin();
  samples.gauge("one", {}, 5);
  CHECK(samples.finish());
  CHECK(values_of(samples) == std::map<std::string, double>{{"one", 5}});
  samples.begin();
  samples.gauge("one", {}, 5, kKibi);
  CHECK(samples.finish());
  CHECK(values_of(samples) == std::map<std::string, double>{{"one", 5'120}});
  samples.begin();
  samples.counter("one", {}, 5, kKibi);
  CHECK(samples.finish());
}

TEST_CASE("samples: a round that fails leaves the list and takes the values") {
  Samples samples;
  say_two(samples, 1, 2);
  samples.begin();
  samples.gauge("one", {}, 7);
  CHECK_FALSE(samples.abandon());
  CHECK(samples.series().size() == 2);
  CHECK(samples.numbers()[0] == wire::kAbsent);
  CHECK(samples.numbers()[1] == wire::kAbsent);
  CHECK_FALSE(say_two(samples, 3, 4));
  CHECK(samples.numbers()[0] == 3);
}

TEST_CASE("samples: names and labels are such that Prometheus and JSON take them") {
  Samples samples;
  samples.begin();
  samples.gauge(Name("node_", "a-b c", "_total"), {{"path", "C:\\x\"y\nz"}}, 1);
  samples.gauge("two",
                {{"path",
                  "gr\xc3\xbc\xc3\x9f"
                  "e"}},
                1);
  samples.gauge("three", {{"path", "a\xff\x01z"}}, 1);
  samples.finish();
  CHECK(samples.series()[0].key == R"(node_a_b_c_total{path="C:\\x\"y\nz"})");
  CHECK(samples.series()[1].key ==
        "two{path=\"gr\xc3\xbc\xc3\x9f"
        "e\"}");
  CHECK(samples.series()[2].key == R"(three{path="a??z"})");
}

TEST_CASE("samples: what is too long or too much is counted and left out") {
  Samples samples;
  samples.begin();
  samples.gauge("long", {{"path", std::string(600, 'x')}}, 1);
  for (int i = 0; i < 3'000; ++i) {
    samples.gauge("many", {{"number", std::to_string(i)}}, i);
  }
  samples.finish();
  CHECK(samples.series().size() == 2'048);
  CHECK(samples.dropped() == 1 + 3'000 - 2'048);
}

TEST_CASE("samples: numbers stay within what the wire holds") {
  Samples samples;
  samples.begin();
  samples.gauge("most", {}, INT64_MAX);
  samples.gauge("least", {}, INT64_MIN + 1);
  samples.gauge("none", {}, wire::kAbsent);
  samples.finish();
  CHECK(samples.numbers()[0] == wire::kMostNumber);
  CHECK(samples.numbers()[1] == -wire::kMostNumber);
  CHECK(samples.numbers()[2] == wire::kAbsent);
}

}  // namespace steward::handlers::metrics::samples_test
