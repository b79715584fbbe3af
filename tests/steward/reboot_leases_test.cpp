#include "steward/reboot_leases.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace steward::station::reboot_leases_test {
namespace {

using namespace std::chrono_literals;
using test::Script;
using wire::CommandState;
using wire::LeaseState;
using wire::UpdateEvent;
using wire::UpdatePhase;

const auto kEpoch = *wire::MessageId::parse("01M7YPX8K6D6W5RQRZMABY03AS");

struct LeaseStory {
  explicit LeaseStory(std::size_t at_once = 1) : leases({at_once, 30min}) {}

  static std::string run_of(const std::string& unit) {
    return test::id(1'000 + static_cast<unsigned char>(unit.back())).str();
  }

  void tell(const std::string& unit, UpdatePhase phase, std::uint64_t seq = 0) {
    const bool end = phase >= UpdatePhase::done;
    UpdateEvent event;
    event.type = end ? UpdateEvent::Type::end : UpdateEvent::Type::phase;
    event.id = run_of(unit);
    event.phase = phase;
    leases.take(unit, "system", {kEpoch, seq > 0 ? seq : ++told}, event, time.after(1ms), batch);
  }

  void wait(const std::vector<std::string>& units) {
    for (const auto& unit : units) {
      tell(unit, UpdatePhase::lease_wait);
    }
  }

  // The station that acts, or (acts false) one that follows.
  void judge(bool acts = true) {
    const RebootLeases::IsThere is_there = [this](std::string_view unit) {
      return !away.contains(std::string(unit));
    };
    leases.judge(
        time.now(), acts ? is_there : nullptr, [this] { return test::id(++ids); }, batch);
  }

  // What would be published once that is on disk.
  std::vector<RebootLeases::Due> commit() {
    batch = {};
    leases.settle();
    return leases.due(time.now());
  }

  std::string grant_of(const std::string& unit) const {
    const auto rows = leases.rows({unit});
    return rows.empty() ? "" : rows[0].grant;
  }

  void answer(const std::string& unit,
              const std::string& command,
              CommandState state,
              const std::string& code = "") {
    const wire::Ack ack{
        .ref = *wire::MessageId::parse(command), .domain = "system", .state = state, .code = code};
    leases.answered(unit, ack, time.now(), batch);
  }

  // "a held, b waiting"
  std::string now() const {
    std::string text;
    for (const auto& row : leases.rows({"a", "b", "c"})) {
      text += (text.empty() ? "" : ", ") + row.unit + " " + std::string(wire::word(row.state));
    }
    return text;
  }

  Script time;
  RebootLeases leases;
  Batch batch;
  std::set<std::string> away;
  std::uint64_t told = 0;
  std::uint64_t ids = 0;
};

}  // namespace

TEST_CASE("reboot leases: one at a time, who waits longest first, freed by the run's end") {
  LeaseStory story;
  story.wait({"b", "a", "c"});
  CHECK(story.now() == "a waiting, b waiting, c waiting");
  story.judge();
  CHECK(story.now() == "a waiting, b held, c waiting");
  story.judge();
  CHECK(story.now() == "a waiting, b held, c waiting");
  story.tell("b", UpdatePhase::rebooting);
  story.tell("b", UpdatePhase::verifying);
  story.judge();
  CHECK(story.now() == "a waiting, b held, c waiting");
  SUBCASE("well") { story.tell("b", UpdatePhase::done); }
  SUBCASE("not well") { story.tell("b", UpdatePhase::failed); }
  SUBCASE("told by its ACK first") {
    story.answer("b", LeaseStory::run_of("b"), CommandState::failed);
  }
  SUBCASE("it is back before its window") { story.tell("b", UpdatePhase::reboot_pending); }
  story.judge();
  CHECK(story.now() == "a held, c waiting");
}

TEST_CASE("reboot leases: as many at once as are allowed; none where none is") {
  LeaseStory two(2);
  two.wait({"a", "b", "c"});
  two.judge();
  CHECK(two.now() == "a held, b held, c waiting");
  LeaseStory none(0);
  none.wait({"a"});
  none.judge();
  CHECK(none.now() == "a waiting");
}

TEST_CASE("reboot leases: who is away is passed over, and keeps its place") {
  LeaseStory story;
  story.away = {"a"};
  story.wait({"a", "b", "c"});
  story.judge();
  CHECK(story.now() == "a waiting, b held, c waiting");
  story.away.clear();
  story.tell("b", UpdatePhase::done);
  story.judge();
  CHECK(story.now() == "a held, c waiting");
}

TEST_CASE("reboot leases: one that runs out frees its place, and its unit is overdue") {
  LeaseStory story;
  story.wait({"a", "b"});
  story.judge();
  story.tell("a", UpdatePhase::rebooting);
  story.time.after(30min - 2ms);
  story.judge();
  CHECK(story.now() == "a held, b waiting");
  CHECK(story.leases.alerts_of("a").empty());
  story.time.after(1ms);
  story.judge();
  CHECK(story.now() == "a overdue, b held");
  REQUIRE(story.leases.alerts_of("a").size() == 1);
  CHECK(story.leases.alerts_of("a")[0].rule == "reboot_overdue");
  CHECK(story.leases.take_touched() == std::set<std::string>{"a", "b"});
  story.tell("a", UpdatePhase::done);
  CHECK(story.now() == "b held");
  CHECK(story.leases.alerts_of("a").empty());
  CHECK(story.leases.take_touched() == std::set<std::string>{"a"});
}

TEST_CASE("reboot leases: who never got its grant waits again once it is there") {
  LeaseStory story;
  story.wait({"a", "b"});
  story.judge();
  story.away = {"a"};
  story.time.after(30min);
  story.judge();
  CHECK(story.now() == "a overdue, b held");
  story.away.clear();
  story.judge();
  CHECK(story.now() == "a waiting, b held");
}

TEST_CASE("reboot leases: a grant is published once it is on disk, until it is on the stream") {
  LeaseStory story;
  story.wait({"a"});
  story.judge();
  CHECK(story.leases.due(story.time.now()).empty());
  const auto due = story.commit();
  REQUIRE(due.size() == 1);
  CHECK(due[0].unit == "a");
  CHECK(due[0].run == LeaseStory::run_of("a"));
  CHECK(due[0].expires == story.time.now().wall + 15min);  // the other half is the reboot's
  CHECK(story.commit().empty());
  story.time.after(5s);
  REQUIRE(story.commit().size() == 1);
  story.leases.granted("a", "system", due[0].run, due[0].grant, story.time.now(), story.batch);
  story.time.after(5s);
  CHECK(story.commit().empty());
  CHECK(story.now() == "a held");
  SUBCASE("a station that was started anew knows who holds it") {
    RebootLeases other({1, 30min});
    for (const auto& row : story.leases.rows({"a"})) {
      other.restore(row);
    }
    CHECK(other.count(LeaseState::held) == 1);
    CHECK(other.due(story.time.now()).empty());
  }
}

TEST_CASE("reboot leases: a station that was killed before it published does so with the same id") {
  LeaseStory story;
  story.wait({"a"});
  story.judge();
  RebootLeases other({1, 30min});
  other.restore(story.leases.rows({"a"})[0]);
  const auto due = other.due(story.time.now());
  REQUIRE(due.size() == 1);
  CHECK(due[0].grant.str() == story.grant_of("a"));
}

TEST_CASE("reboot leases: a standby knows from the stream who has one, in any order") {
  for (const bool grant_first : {false, true}) {
    INFO(grant_first);
    LeaseStory standby;
    const auto seen = [&standby] {
      standby.leases.granted(
          "b", "system", LeaseStory::run_of("b"), test::id(7), standby.time.now(), standby.batch);
    };
    standby.wait({"a"});
    if (grant_first) {
      seen();
    }
    standby.wait({"b"});
    if (!grant_first) {
      seen();
    }
    standby.judge(false);
    CHECK(standby.now() == "a waiting, b held");
    standby.judge();
    CHECK(standby.now() == "a waiting, b held");
    CHECK(standby.commit().empty());
    standby.time.after(30min);
    standby.judge(false);
    CHECK(standby.now() == "a waiting, b overdue");
  }
}

TEST_CASE("reboot leases: a grant that is read behind the run's end holds nothing") {
  LeaseStory story;
  story.wait({"a"});
  story.tell("a", UpdatePhase::done);
  story.leases.granted(
      "a", "system", LeaseStory::run_of("a"), test::id(7), story.time.now(), story.batch);
  CHECK(story.now().empty());
}

TEST_CASE("reboot leases: what the unit says of its grant counts") {
  LeaseStory story;
  story.wait({"a", "b"});
  story.judge();
  const auto grant = story.grant_of("a");
  SUBCASE("it does not wait any more") {
    story.answer("a", grant, CommandState::failed, "not_found");
    story.judge();
    CHECK(story.now() == "b held");
  }
  SUBCASE("it does not take the station's word: that is told, and the next one has it") {
    story.answer("a", grant, CommandState::refused, "denied");
    story.judge();
    CHECK(story.now() == "a refused, b held");
    CHECK(story.leases.alerts_of("a")[0].rule == "reboot_refused");
    story.tell("a", UpdatePhase::lease_wait);  // as each hour
    CHECK(story.now() == "a waiting, b held");
  }
  SUBCASE("it came too late: the unit may be told again when the lease is over") {
    story.answer("a", grant, CommandState::expired);
    CHECK(story.now() == "a held, b waiting");
  }
  SUBCASE("it took it, and its agent died before it could reboot") {
    story.answer("a", grant, CommandState::done);
    story.tell("a", UpdatePhase::lease_wait);
    CHECK(story.now() == "a waiting, b waiting");
  }
}

TEST_CASE("reboot leases: what comes behind a later word of the unit changes nothing") {
  LeaseStory story;
  story.tell("a", UpdatePhase::lease_wait, 5);
  story.tell("a", UpdatePhase::reboot_pending, 4);
  CHECK(story.now() == "a waiting");
  story.tell("a", UpdatePhase::reboot_pending, 6);
  CHECK(story.now().empty());
}

}  // namespace steward::station::reboot_leases_test
