#include "handlers/metrics/alarm_judge.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace steward::handlers::metrics::alarm_judge_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::AlertEvent;
using State = AlertEvent::State;

wire::AlertRule rule_of(const std::string& more, const std::string& name = "r") {
  const auto rule = wire::decode_alert_rule(R"({"name":")" + name + "\"," + more + "}");
  REQUIRE_MESSAGE(rule, rule.error().text());
  return *rule;
}

// A machine with a load (hundredths) and two file systems, of which time passes by 10 s a round.
struct Story {
  explicit Story(const std::vector<wire::AlertRule>& rules) { CHECK(judge.use(rules).empty()); }

  std::vector<AlertEvent> round(std::int64_t load, std::int64_t root = 50, std::int64_t data = 50) {
    now += seconds(10);
    schema.series = {{.key = "node_load1", .divisor = 100},
                     {.key = R"(node_avail{m="/"})"},
                     {.key = R"(node_avail{m="/d"})"},
                     {.key = R"(node_size{m="/"})"},
                     {.key = R"(node_size{m="/d"})"}};
    return judge_numbers({load, root, data, 100, 200});
  }

  std::vector<AlertEvent> judge_numbers(const std::vector<std::int64_t>& numbers) {
    return judge.judge({schema.hash(),
                        [this] { return schema; },
                        numbers,
                        std::chrono::steady_clock::time_point(now),
                        wire::Timestamp(now)});
  }

  milliseconds now{0};
  wire::MetricSchema schema;
  AlarmJudge judge;
};

}  // namespace

TEST_CASE("alarms: an alert begins once its value was beyond for the time, and ends with it") {
  Story story({rule_of(R"("metric":"load1","above":4,"for_ms":20000)")});
  CHECK(story.round(500).empty());
  CHECK(story.round(500).empty());
  CHECK(story.round(300).empty());  // the time begins anew
  CHECK(story.round(500).empty());
  CHECK(story.round(500).empty());
  const auto begun = story.round(600);
  REQUIRE(begun.size() == 1);
  CHECK(begun[0].state == State::firing);
  CHECK(begun[0].alerts[0].series == "node_load1");
  CHECK(begun[0].alerts[0].value == 6);
  CHECK(story.round(700).empty());
  CHECK(story.judge.open()[0].value == 7);
  const auto ended = story.round(400);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].state == State::resolved);
  CHECK(ended[0].alerts[0].since == begun[0].alerts[0].since);
  CHECK(story.judge.open().empty());
}

TEST_CASE("alarms: between threshold and clear an alert stays, and none begins") {
  Story story({rule_of(R"("metric":"load1","above":4,"clear":2)")});
  CHECK(story.round(300).empty());
  CHECK(story.round(401).size() == 1);
  CHECK(story.round(300).empty());
  CHECK(story.round(201).empty());
  CHECK(story.round(200).size() == 1);
  CHECK(story.round(300).empty());
}

TEST_CASE("alarms: each series of a metric has an alert of its own, also as a share of another") {
  Story story({rule_of(R"("metric":"avail","of":"size","below":0.3)")});
  const auto begun = story.round(0, 50, 59);  // 0.5 and 0.295
  REQUIRE(begun.size() == 1);
  CHECK(begun[0].alerts[0].series == R"(node_avail{m="/d"})");
  CHECK(begun[0].alerts[0].value == doctest::Approx(0.295));
  CHECK(story.round(0, 20, 59).size() == 1);
  CHECK(story.judge.open().size() == 2);
}

TEST_CASE("alarms: the growth per second of a counter, one that begins anew left out") {
  Story story({rule_of(R"("metric":"avail{m=\"/\"}","rate":true,"above":5)")});
  CHECK(story.round(0, 1'000).empty());
  CHECK(story.round(0, 1'050).empty());      // 5
  CHECK(story.round(0, 1'110).size() == 1);  // 6
  CHECK(story.round(0, 10).empty());         // began anew: nothing is known
  CHECK(story.judge.open().size() == 1);
  CHECK(story.round(0, 20).size() == 1);  // 1
}

TEST_CASE("alarms: a value that is missing keeps an alert, a series that leaves ends it") {
  Story story({rule_of(R"("metric":"load1","above":4)")});
  CHECK(story.round(500).size() == 1);
  CHECK(story.round(wire::kAbsent).empty());
  CHECK(story.judge.open().size() == 1);
  story.schema.series = {{.key = "node_other"}};
  const auto ended = story.judge_numbers({1});
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].state == State::resolved);
  CHECK(ended[0].reason == "it is not measured any more");
}

TEST_CASE("alarms: what is open of rules that go or change ends, the others stay") {
  const auto load = rule_of(R"("metric":"load1","above":4)", "load");
  const auto root = rule_of(R"("metric":"avail{m=\"/\"}","below":10)", "root");
  Story story({load, root});
  CHECK(story.round(500, 5).size() == 2);
  auto harder = root;
  harder.threshold = harder.clear = 3;
  const auto ended = story.judge.use({load, harder});
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].reason == "the rule was changed");
  CHECK(story.round(500, 5).empty());
  const auto gone = story.judge.use({harder});
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].alerts[0].rule == "load");
  CHECK(story.judge.open().empty());
}

TEST_CASE("alarms: what was open before a restart goes on, without being said anew") {
  const auto load = rule_of(R"("metric":"load1","above":4)");
  std::vector<wire::Alert> left;
  {
    Story story({load});
    CHECK(story.round(500).size() == 1);
    left = story.judge.open();
  }
  AlarmJudge judge;
  judge.restore(left);
  CHECK(judge.use({load}).empty());
  CHECK(judge.open() == left);
  const wire::MetricSchema schema{{{.key = "node_load1", .divisor = 100}}};
  const auto round = [&](std::int64_t load1) {
    const std::vector<std::int64_t> numbers{load1};
    return judge.judge({schema.hash(), [&schema] { return schema; }, numbers, {}, {}});
  };
  CHECK(round(500).empty());
  const auto ended = round(100);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].alerts[0].since == left[0].since);

  AlarmJudge other;
  other.restore(left);
  CHECK(other.use({rule_of(R"("metric":"load1","above":5)")}).size() == 1);
}

TEST_CASE("alarms: no more than so many are open at once") {
  Story story({rule_of(R"("metric":"x","above":0)")});
  for (int i = 0; i < 300; ++i) {
    story.schema.series.push_back({.key = "node_x{i=\"" + std::to_string(i) + "\"}"});
  }
  CHECK(story.judge_numbers(std::vector<std::int64_t>(300, 1)).size() == wire::kMostAlerts);
  CHECK(story.judge.dropped() == 300 - wire::kMostAlerts);
  CHECK(story.judge_numbers(std::vector<std::int64_t>(300, 0)).size() == wire::kMostAlerts);
  CHECK(story.judge.open().empty());
}

}  // namespace steward::handlers::metrics::alarm_judge_test
