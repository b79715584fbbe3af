#include "steward/daemons_table.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::station::daemons_table_test {

using test::Script;
using wire::DaemonEvent;
using wire::DaemonState;

const auto kFirst = *wire::MessageId::parse("01M7YPX8K6D6W5RQRZMABY03AS");
const auto kSecond = *wire::MessageId::parse("01M7YPX8K6D6W5RQRZMABY03AT");

wire::DaemonRow row(const std::string& name, DaemonState state) {
  return {.name = name, .state = state, .reason = ""};
}

struct Story {
  void take(std::uint64_t seq, const DaemonEvent& event, wire::MessageId epoch = kFirst) {
    table.take("ship1", "system", {epoch, seq}, event, time.now(), batch);
  }

  // "web ready, db failed"
  std::string told(const std::string& unit = "ship1") const {
    std::string text;
    for (const auto& one : table.rows({unit})) {
      text += (text.empty() ? "" : ", ") + one.daemon.name + " " +
              std::string(wire::word(one.daemon.state));
    }
    return text;
  }

  Script time;
  Batch batch;
  DaemonsTable table;
};

TEST_CASE("daemons table: the last word of a unit counts, in the order of its outbox") {
  Story story;
  story.take(5, {DaemonEvent::Type::state, {row("web", DaemonState::ready)}});
  story.take(4, {DaemonEvent::Type::state, {row("web", DaemonState::starting)}});
  CHECK(story.told() == "web ready");
  story.take(6, {DaemonEvent::Type::state, {row("web", DaemonState::backoff)}});
  CHECK(story.told() == "web backoff");
  CHECK(story.told("ship2").empty());
  CHECK(story.batch.history.size() == 3);
  CHECK(story.batch.history.back().text == "web is backoff");
  SUBCASE("an outbox that began anew is later than the one before") {
    story.take(1, {DaemonEvent::Type::state, {row("web", DaemonState::ready)}}, kSecond);
    CHECK(story.told() == "web ready");
  }
}

TEST_CASE(
    "daemons table: all of a unit takes away what it does not name, but not what came later") {
  Story story;
  story.take(1, {DaemonEvent::Type::state, {row("gone", DaemonState::ready)}});
  story.take(9, {DaemonEvent::Type::state, {row("new", DaemonState::ready)}});
  story.take(8, {DaemonEvent::Type::all, {row("web", DaemonState::failed)}});
  CHECK(story.told() == "new ready, web failed");
  CHECK(story.batch.daemons.at({"ship1", "system", "gone"}) == std::nullopt);
}

TEST_CASE("daemons table: all of a part of the alphabet takes away nothing of the others") {
  Story story;
  for (const auto* name : {"a", "b", "c", "d"}) {
    story.take(1, {DaemonEvent::Type::state, {row(name, DaemonState::ready)}});
  }
  story.take(2, {DaemonEvent::Type::all, {row("b", DaemonState::failed)}, "", "b"});
  CHECK(story.told() == "b failed, c ready, d ready");
  story.take(3, {DaemonEvent::Type::all, {row("d", DaemonState::failed)}, "b", ""});
  CHECK(story.told() == "b failed, d failed");
}

TEST_CASE("daemons table: what says more of the same state is no history") {
  Story story;
  auto ended = row("web", DaemonState::failed);
  story.take(1, {DaemonEvent::Type::state, {ended}});
  ended.last_exit = wire::DaemonExit{};
  ended.last_exit->last_log = "last words\n";
  story.take(2, {DaemonEvent::Type::state, {ended}});
  CHECK(story.batch.history.size() == 1);
  CHECK(story.table.rows({"ship1"}).front().daemon.last_exit->last_log == "last words\n");
}

TEST_CASE("daemons table: the last end stays until the next, removal is one, a restart keeps all") {
  Story story;
  auto ended = row("web", DaemonState::backoff);
  ended.last_exit = wire::DaemonExit{};
  ended.last_exit->exit_code = 7;
  story.take(1, {DaemonEvent::Type::exit, {ended}});
  story.take(2, {DaemonEvent::Type::all, {row("web", DaemonState::ready)}});
  CHECK(story.table.rows({"ship1"}).front().daemon.last_exit->exit_code == 7);
  DaemonsTable again;
  again.restore(*story.batch.daemons.at({"ship1", "system", "web"}));
  CHECK(again.rows({"ship1"}) == story.table.rows({"ship1"}));
  story.take(3, {DaemonEvent::Type::removed, {row("web", DaemonState::stopped)}});
  CHECK(story.told().empty());
  CHECK(story.batch.daemons.at({"ship1", "system", "web"}) == std::nullopt);
}

}  // namespace steward::station::daemons_table_test
