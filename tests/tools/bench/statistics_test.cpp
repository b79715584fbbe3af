#include "tools/bench/statistics.hpp"

#include <doctest/doctest.h>

namespace steward::tests::statistics_test {

using std::chrono::nanoseconds;
using steward::bench::Rate;
using steward::bench::Samples;

namespace {

Samples one_to(int last) {
  Samples samples;
  for (int i = last; i >= 1; --i) {
    samples.add(nanoseconds(i));
  }
  return samples;
}

}  // namespace

TEST_CASE("statistics: a percentile is the nearest rank, in whatever order the samples came") {
  const Samples samples = one_to(100);
  CHECK(samples.percentile(0.5) == nanoseconds(50));
  CHECK(samples.percentile(0.99) == nanoseconds(99));
  CHECK(samples.percentile(0.991) == nanoseconds(100));
  CHECK(samples.percentile(1) == nanoseconds(100));
  CHECK(samples.percentile(0) == nanoseconds(1));
}

TEST_CASE("statistics: a few samples have percentiles, too") {
  CHECK(one_to(1).percentile(0.5) == nanoseconds(1));
  CHECK(one_to(1).percentile(0.99) == nanoseconds(1));
  CHECK(one_to(3).percentile(0.5) == nanoseconds(2));
  CHECK(one_to(4).percentile(0.5) == nanoseconds(2));
}

TEST_CASE("statistics: a fraction outside 0 to 1 is the nearest end") {
  CHECK(one_to(10).percentile(-1) == nanoseconds(1));
  CHECK(one_to(10).percentile(7) == nanoseconds(10));
}

TEST_CASE("statistics: no samples have the percentile zero") {
  CHECK(Samples().percentile(0.5) == nanoseconds(0));
}

TEST_CASE("statistics: a rate weighs its rounds by their time") {
  Rate rate;
  CHECK(rate.per_second() == 0);
  rate.add(10, std::chrono::seconds(1));
  rate.add(50, std::chrono::seconds(2));
  CHECK(rate.count() == 60);
  CHECK(rate.per_second() == doctest::Approx(20));
}

}  // namespace steward::tests::statistics_test
