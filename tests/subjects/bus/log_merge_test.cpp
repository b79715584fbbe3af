#include "subjects/bus/log_merge.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::bus::log_merge_test {
namespace {

constexpr std::int64_t kAll = INT64_MAX;

struct Batch {
  std::string unit = "ship1";
  std::uint64_t first = 1;
  std::vector<std::int64_t> times;  // of its lines
  std::string epoch = "e";
  std::string more = {};  // of its head
};

Message message(const Batch& batch) {
  const auto last = batch.first + batch.times.size() - 1;
  std::string payload = R"({"source":"s","epoch":")" + batch.epoch + R"(","first":)" +
                        std::to_string(batch.first) + ",\"last\":" + std::to_string(last) +
                        ",\"lines\":" + std::to_string(batch.times.size()) + batch.more + "}\n";
  auto number = batch.first;
  for (const auto time : batch.times) {
    payload += "{\"r_us\":" + std::to_string(time) + ",\"line\":\"" + batch.unit + " " +
               std::to_string(number++) + "\"}\n";
  }
  return {batch.unit + ".event.syslogforwarding.web", {}, payload, {}};
}

std::vector<std::string> texts(const std::vector<LogItem>& items) {
  std::vector<std::string> all;
  for (const auto& item : items) {
    all.push_back(item.line ? item.line->line : "! " + item.notice);
  }
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("log merge: lines of many units in the order of time, as far as the window reaches") {
  LogMerge merge(3);
  REQUIRE(merge.take(message({.unit = "ship1", .times = {10, 40}})));
  REQUIRE(merge.take(message({.unit = "ship2", .times = {20, 30}})));
  CHECK(texts(merge.release(0)) == Texts{"ship1 1"});
  CHECK(texts(merge.release(25)) == Texts{"ship2 1"});
  CHECK(texts(merge.release(kAll)) == Texts{"ship2 2", "ship1 2"});
}

TEST_CASE("log merge: a line that comes once more is not shown, wherever its batch begins") {
  LogMerge merge(100);
  REQUIRE(merge.take(message({.times = {1, 2, 3}})));
  REQUIRE(merge.take(message({.times = {1, 2, 3}})));
  REQUIRE(merge.take(message({.first = 2, .times = {2, 3, 4, 5}})));
  REQUIRE(merge.take(message({.times = {9}, .epoch = "other"})));
  CHECK(texts(merge.release(kAll)) ==
        Texts{"ship1 1", "ship1 2", "ship1 3", "ship1 4", "ship1 5", "ship1 1"});
  CHECK(merge.repeats() == 5);
}

TEST_CASE("log merge: what comes late fills its hole, what does not come is said") {
  LogMerge merge(100);
  REQUIRE(merge.take(message({.first = 10, .times = {1, 2}})));
  REQUIRE(merge.take(message({.first = 20, .times = {7, 8}})));
  REQUIRE(merge.take(message({.first = 12, .times = {3, 4}})));
  static_cast<void>(merge.release(kAll));
  merge.settle_gaps();
  merge.settle_gaps();
  CHECK(texts(merge.release(kAll)) == Texts{"! 6 lines missing: numbers 14 to 19"});
  CHECK(merge.missing() == 6);
}

TEST_CASE("log merge: what a unit says about its lines is said once") {
  LogMerge merge(100);
  const Batch batch{.times = {5},
                    .more = R"(,"gap":"it was full","gap_lines":3,"suppressed":2,)"
                            R"("dropped":[0,0,0,1,0,0,0,4])"};
  REQUIRE(merge.take(message(batch)));
  REQUIRE(merge.take(message(batch)));
  CHECK(texts(merge.release(kAll)) == Texts{"! it was full: 3 lines lost",
                                            "! 2 lines suppressed: more than the rate that was set",
                                            "! 5 lines found no room on the unit's disk (1 err, 4 "
                                            "debug)",
                                            "ship1 1"});
}

TEST_CASE("log merge: what is no batch is left out") {
  LogMerge merge(100);
  CHECK(!merge.take({"ship1.event.syslogforwarding.web", {}, "nonsense", {}}));
  CHECK(!merge.take({"nonsense", {}, "{}", {}}));
  CHECK(merge.release(kAll).empty());
}

}  // namespace steward::bus::log_merge_test
