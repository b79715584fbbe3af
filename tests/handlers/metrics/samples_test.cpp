#include "handlers/metrics/samples.hpp"

#include "tests/handlers/metrics/reading.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

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

// A series is compared with that of the last round before its key is made: that may not take one
// for another.
TEST_CASE("samples: a series behind any other one has the key that it has in a new list") {
  using Say = std::function<void(Samples&)>;
  const std::vector<std::string> odd{"",
                                     "a",
                                     "ab",
                                     "\"",
                                     "\\\"",
                                     "\\",
                                     "\n",
                                     "\\n",
                                     "a\"}",
                                     "a\",e=\"b",
                                     "a-b",
                                     "a_b",
                                     "\x01",
                                     "?",
                                     "{d=\"a\"}"};
  std::vector<Say> says{[](Samples& samples) { samples.gauge("m", {}, 1); }};
  for (const auto& one : odd) {
    says.emplace_back([one](Samples& samples) { samples.gauge(Name("m", one), {}, 1); });
    says.emplace_back([one](Samples& samples) { samples.gauge("m", {{"d", one}}, 1); });
    says.emplace_back([one](Samples& samples) { samples.gauge(Name("m", one), {{"d", "a"}}, 1); });
    for (const auto& other : odd) {
      says.emplace_back([one, other](Samples& samples) {
        samples.gauge("m", {{"d", one}, {"e", other}}, 1);
      });
    }
  }
  std::vector<std::string> keys;
  for (const auto& say : says) {
    Samples fresh;
    fresh.begin();
    say(fresh);
    fresh.finish();
    keys.push_back(fresh.series()[0].key);
  }
  int wrong = 0;
  for (std::size_t before = 0; before < says.size(); ++before) {
    for (std::size_t after = 0; after < says.size(); ++after) {
      Samples samples;
      samples.begin();
      says[before](samples);
      samples.finish();
      samples.begin();
      says[after](samples);
      const bool changed = samples.finish();
      if (samples.series()[0].key != keys[after] || changed != (keys[before] != keys[after])) {
        ++wrong;
        MESSAGE(keys[before], " and then ", keys[after], ": ", samples.series()[0].key);
      }
    }
  }
  CHECK(wrong == 0);
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
