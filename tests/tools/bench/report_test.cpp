#include "tools/bench/report.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace steward::tests::report_test {

using steward::bench::Bar;
using steward::bench::BarKind;
using steward::bench::Figure;

namespace {

Figure figure(double ours, std::optional<double> peer, const Bar& bar) {
  return {.name = "rtt", .unit = "us", .ours = ours, .peer_name = "bare", .peer = peer, .bar = bar};
}

}  // namespace

TEST_CASE("report: a bar on the ratio is met up to and with its limit") {
  CHECK(figure(200, 100, {BarKind::ratio_at_most, 2}).met() == true);
  CHECK(figure(201, 100, {BarKind::ratio_at_most, 2}).met() == false);
  CHECK(figure(80, 100, {BarKind::ratio_at_least, 0.8}).met() == true);
  CHECK(figure(79, 100, {BarKind::ratio_at_least, 0.8}).met() == false);
}

TEST_CASE("report: a bar on the value needs no peer") {
  CHECK(figure(13, {}, {BarKind::value_at_most, 13}).met() == true);
  CHECK(figure(13.1, {}, {BarKind::value_at_most, 13}).met() == false);
  CHECK(figure(300, {}, {BarKind::value_at_least, 300}).met() == true);
  CHECK(figure(299, {}, {BarKind::value_at_least, 300}).met() == false);
}

TEST_CASE("report: without a bar or a peer to compare with, nothing is met or missed") {
  CHECK(figure(1, 1, {}).met() == std::nullopt);
  CHECK(figure(1, {}, {BarKind::ratio_at_most, 2}).met() == std::nullopt);
  CHECK(figure(1, 0.0, {BarKind::ratio_at_most, 2}).ratio() == std::nullopt);
}

TEST_CASE("report: the table shows each figure with its peer, ratio and bar") {
  const std::string text = steward::bench::table({figure(150, 100, {BarKind::ratio_at_most, 2}),
                                                  figure(250, 100, {BarKind::ratio_at_most, 2}),
                                                  figure(7, {}, {})});
  CHECK(text ==
        "FIGURE  OURS      PEER    PEER IS  RATIO  BAR    MET\n"
        "rtt     150 us    100 us  bare     1.50x  <= 2x  yes\n"
        "rtt     250 us    100 us  bare     2.50x  <= 2x  NO\n"
        "rtt     7.000 us  -       -        -      -      -\n");
}

TEST_CASE("report: JSON leaves out what a figure has not") {
  const auto document = nlohmann::json::parse(steward::bench::json(
      {figure(150, 100, {BarKind::ratio_at_most, 2}), figure(7, {}, {})}, "1.2.3"));
  CHECK(document["version"] == "1.2.3");
  CHECK(document["cores"].is_number());
  const auto& full = document["figures"][0];
  CHECK(full["name"] == "rtt");
  CHECK(full["ours"] == 150);
  CHECK(full["peer"] == 100);
  CHECK(full["peer_name"] == "bare");
  CHECK(full["ratio"] == 1.5);
  CHECK(full["bar"] == "<= 2x");
  CHECK(full["met"] == true);
  const auto& bare = document["figures"][1];
  for (const char* field : {"peer", "peer_name", "ratio", "bar", "met"}) {
    CHECK_FALSE(bare.contains(field));
  }
}

}  // namespace steward::tests::report_test
