#include "steward/alerts_table.hpp"

#include "steward/fold.hpp"
#include "steward/groups_table.hpp"
#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::station::alerts_table_test {
namespace {

using test::Folder;
using test::id;
using test::Script;
using wire::AlertEvent;
using wire::AlertsRequest;
using State = AlertEvent::State;

struct Story {
  wire::Alert alert(const std::string& rule, int since = 0) const {
    return {rule,
            "node_load1",
            wire::Severity::critical,
            "load1 > 4",
            5,
            wire::Timestamp(std::chrono::seconds(since))};
  }

  void tell(std::uint64_t seq,
            State state,
            const std::vector<wire::Alert>& alerts,
            std::uint64_t epoch = 500) {
    CHECK(table.take("ship1", "metrics", {id(epoch), seq}, {state, alerts, {}}, time.now(), batch));
  }

  void say(const AlertsRequest& request, std::uint64_t number = 1) {
    table.take(request, id(number).str(), "/operator/anna", time.now(), batch);
  }

  std::vector<wire::AlertRow> rows() const { return table.rows(time.now()); }

  Script time;
  Batch batch;
  AlertsTable table;
};

}  // namespace

TEST_CASE("alerts table: one begins, is marked as seen, and ends") {
  Story story;
  story.tell(1, State::firing, {story.alert("load")});
  REQUIRE(story.rows().size() == 1);
  CHECK(story.rows()[0].unit == "ship1");
  CHECK(story.rows()[0].acked_by.empty());
  story.time.after(std::chrono::seconds(1));
  story.say({.op = AlertsRequest::Op::ack, .target = "ship*", .rule = "lo*", .note = "n"});
  CHECK(story.rows()[0].acked_by == "/operator/anna");
  CHECK(story.rows()[0].note == "n");
  story.tell(2, State::all, {story.alert("load")});
  CHECK(story.rows()[0].acked_by == "/operator/anna");
  story.tell(3, State::resolved, {story.alert("load")});
  CHECK(story.rows().empty());
  CHECK(story.batch.alerts.size() == 1);
  CHECK_FALSE(story.batch.alerts.begin()->second);
  story.tell(4, State::firing, {story.alert("load", 7)});
  CHECK(story.rows()[0].acked_by.empty());
}

TEST_CASE("alerts table: a word of before an alert began is not about it") {
  Story story;
  const auto before = story.time.now();
  story.time.after(std::chrono::seconds(5));
  story.tell(1, State::firing, {story.alert("load")});
  story.table.take({.op = AlertsRequest::Op::ack, .target = "*", .rule = "*"},
                   id(1).str(),
                   "/operator/anna",
                   before,
                   story.batch);
  CHECK(story.rows()[0].acked_by.empty());
}

TEST_CASE("alerts table: an event behind a later one of its outbox changes nothing") {
  Story story;
  story.tell(5, State::resolved, {story.alert("load")});
  story.tell(4, State::firing, {story.alert("load")});
  CHECK(story.rows().empty());
  story.tell(7, State::all, {story.alert("disk")});
  story.tell(6, State::firing, {story.alert("other")});
  REQUIRE(story.rows().size() == 1);
  CHECK(story.rows()[0].alert.rule == "disk");
  story.tell(9, State::firing, {story.alert("late")});
  story.tell(8, State::all, {});
  REQUIRE(story.rows().size() == 1);
  CHECK(story.rows()[0].alert.rule == "late");
  story.tell(1, State::all, {}, 501);  // a new start of the agent
  CHECK(story.rows().empty());
}

TEST_CASE("alerts table: a silence keeps quiet whom it names, for its time") {
  using std::chrono::hours;
  Story story;
  story.tell(1, State::firing, {story.alert("load")});
  const auto count = [&story] { return story.table.counts(story.time.now())["ship1"]; };
  CHECK(count().heard[2] == 1);
  story.say({.op = AlertsRequest::Op::silence, .target = "rig*", .rule = "*", .time = hours(1)});
  CHECK(count().heard[2] == 1);
  story.say(
      {.op = AlertsRequest::Op::silence, .target = "ship[1-3]", .rule = "lo?d", .time = hours(1)},
      2);
  CHECK(count().heard[2] == 0);
  CHECK(count().silenced == 1);
  CHECK(story.rows()[0].silenced_until == story.time.now().wall + hours(1));
  story.time.after(hours(1));
  CHECK(count().heard[2] == 1);
  story.table.tick(story.time.now(), story.batch);
  CHECK(story.table.silences().empty());
  story.say({.op = AlertsRequest::Op::silence, .target = "*", .rule = "*", .time = hours(1)}, 3);
  story.say({.op = AlertsRequest::Op::unsilence, .id = id(3).str()}, 4);
  CHECK(count().heard[2] == 1);
}

TEST_CASE("alerts table: alerts, silences and groups are as they were after a restart") {
  const Folder folder;
  Story story;
  GroupsTable groups;
  story.tell(1,
             State::firing,
             {
                 story.alert("load"),
             });
  story.tell(2, State::firing, {story.alert("disk")});
  story.say({.op = AlertsRequest::Op::silence,
             .target = "ship1",
             .rule = "disk",
             .time = std::chrono::hours(1)});
  groups.take({wire::GroupsRequest::Op::set, "web", "role=web"},
              "/operator/anna",
              story.time.now(),
              story.batch);
  const auto open = [&] {
    return std::move(Store::open(folder.path() / "station.db", {}, story.time.now().wall)->store);
  };
  REQUIRE(open()->commit(story.batch, story.time.now().wall));
  story.batch = {};
  story.say({.op = AlertsRequest::Op::drop, .target = "ship1", .rule = "load"});
  REQUIRE(open()->commit(story.batch, story.time.now().wall));
  const auto kept = open()->load();
  REQUIRE(kept);
  AlertsTable again;
  for (const auto& row : kept->alerts) {
    again.restore(row);
  }
  for (const auto& row : kept->silences) {
    again.restore(row);
  }
  CHECK(again.rows(story.time.now()) == story.rows());
  CHECK(again.silences() == story.table.silences());
  CHECK(kept->groups == groups.rows());
  CHECK(story.rows().size() == 1);
}

TEST_CASE("fold: a station's own command is carried out by it, and is no command of a unit") {
  Script time;
  const bus::Channel channel(
      wire::Source::node(test::node("station")), wire::Completeness::filled_in, bus::system_ids());
  int complaints = 0;
  Fold fold(test::node("station"),
            channel,
            {[](const wire::MessageId&) { return std::optional<TrackedCommand>(); },
             [](const std::string&) { return std::optional<wire::Facts>(); },
             [&complaints](std::string_view) { ++complaints; }},
            {.rows = 1'000});
  const auto say = [&](std::uint64_t number, const std::string& subject, const std::string& text) {
    const auto envelope = wire::make_envelope(id(number),
                                              *wire::Source::parse("/operator/anna"),
                                              *wire::Subject::parse(subject),
                                              time.now().wall);
    fold.take(channel.seal(envelope, text), time.now());
  };
  say(1, "station.command.groups.fleet", R"({"op":"set","name":"web","target":"ship*"})");
  REQUIRE(fold.groups().find("web") != nullptr);
  CHECK(fold.groups().find("web")->by == "/operator/anna");
  CHECK(fold.batch().groups.size() == 1);
  CHECK(fold.batch().commands.empty());
  say(2, "other.command.groups.fleet", R"({"op":"remove","name":"web"})");
  CHECK(fold.groups().find("web") != nullptr);
  say(3, "station.command.groups.fleet", R"({"op":"dance","name":"web"})");
  CHECK(fold.batch().history.back().text.find("refused") != std::string::npos);
  say(4, "station.command.groups.fleet", R"({"op":"remove","name":"web"})");
  CHECK(complaints == 0);
  CHECK(fold.groups().find("web") == nullptr);
}

}  // namespace steward::station::alerts_table_test
