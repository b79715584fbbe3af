#include "subjects/bus/journal.hpp"

#include "subjects/bus/journal_thread.hpp"
#include "tests/subjects/bus/unit_room.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>

namespace steward::tests::journal_test {
namespace {

using bus::Journal;
using Words = std::vector<std::string>;

struct Room {
  // Writes an event; what became of it goes into `heard`.
  void write(const std::string& name, Journal::Kind kind = Journal::Kind::needed) {
    auto event = std::make_shared<bus::Event>(unit.event(name));
    unit.journal.write(
        [event](Journal::Turn& turn) { return turn.record(*event); },
        [this, name](const Result<void>& written) {
          heard.push_back(name + (written ? "" : " " + std::string(word(written.error().code))));
        },
        kind);
  }

  std::vector<std::string> numbers() const {
    std::vector<std::string> found;
    for (const auto& message : unit.published) {
      found.emplace_back(*message.headers.find("ce-seq"));
    }
    return found;
  }

  bus::MemoryStorage disk;
  UnitRoom unit{disk};
  std::vector<std::string> heard;
};

}  // namespace

TEST_CASE("journal: all that waits is one group, in order, published and told once it is written") {
  Room room;
  room.write("a");
  room.write("b", Journal::Kind::refusable);
  room.write("c", Journal::Kind::lazy);
  CHECK(room.unit.said().empty());
  CHECK(room.heard.empty());
  CHECK(room.unit.journal.pump() == Journal::Outcome::done);
  CHECK(room.disk.commits() == 1);
  CHECK(room.unit.said() == Words{"a", "b", "c"});
  CHECK(room.numbers() == Words{"1", "2", "3"});
  CHECK(room.heard == Words{"a", "b", "c"});
  CHECK(room.unit.journal.pump() == Journal::Outcome::idle);
}

TEST_CASE("journal: what a disk does not take is refused where it may be, and kept where not") {
  Room room;
  room.disk.fail_commits(Error{ErrorCode::no_space, "full"});
  room.write("a");
  room.write("b", Journal::Kind::refusable);
  room.write("c");
  CHECK(room.unit.journal.pump() == Journal::Outcome::failed);
  CHECK(room.heard == Words{"b no_space"});
  CHECK(room.unit.said().empty());
  CHECK(room.unit.outbox.depth() == 0);
  CHECK(room.unit.journal.trouble()->code == ErrorCode::no_space);
  room.write("d");
  CHECK(room.unit.journal.pump() == Journal::Outcome::failed);

  room.disk.fail_commits(std::nullopt);
  CHECK(room.unit.journal.pump() == Journal::Outcome::done);
  CHECK(room.unit.said() == Words{"a", "c", "d"});
  CHECK(room.numbers() == Words{"1", "2", "3"});  // no gap where one was refused
  CHECK(room.heard == Words{"b no_space", "a", "c", "d"});
  CHECK(!room.unit.journal.trouble());
  CHECK(!room.unit.journal.waits());
}

TEST_CASE("journal: what a crash takes was neither said nor told") {
  Room room;
  room.write("a");
  room.unit.settle();
  room.write("b");
  room.disk.crash();
  UnitRoom next(room.disk);
  REQUIRE(next.outbox.load(room.disk, next.now, next.steady));
  CHECK(next.outbox.depth() == 1);
  CHECK(room.heard == Words{"a"});
}

TEST_CASE("journal: a read sees what is on disk, also while nothing can be written") {
  Room room;
  room.write("a");
  room.unit.settle();
  room.disk.fail_commits(Error{ErrorCode::io, "broken"});
  room.write("b");
  std::string seen;
  const wire::Position first{room.unit.outbox.epoch(), 1};
  room.unit.journal.read(
      [&seen, first](bus::Storage& storage) { seen = storage.event(first)->value().payload; });
  CHECK(room.unit.journal.pump() == Journal::Outcome::failed);
  CHECK(seen == "a");
}

TEST_CASE("journal: wakes once for what belongs together, and not for what can wait") {
  Room room;
  int woken = 0;
  room.unit.journal.on_wake([&woken] { ++woken; });
  room.unit.journal.wake();
  room.write("c", Journal::Kind::lazy);
  room.unit.journal.wake();
  CHECK(woken == 0);
  room.write("a");
  room.write("b");
  room.unit.journal.wake();
  room.unit.journal.wake();
  CHECK(woken == 1);
  room.unit.settle();
  room.write("d", Journal::Kind::lazy);
  room.unit.journal.wake_for_all();
  CHECK(woken == 2);
}

TEST_CASE("journal: what a callback writes goes with the next group") {
  Room room;
  room.unit.journal.write([](Journal::Turn&) { return Result<void>(); },
                          [&room](const Result<void>&) { room.write("later"); });
  room.unit.settle();
  CHECK(room.unit.said() == Words{"later"});
}

TEST_CASE(
    "journal: its thread writes when woken, tries again what failed, and ends with all done") {
  const Watchdog watchdog;
  Room room;
  std::promise<Error> trouble;
  std::promise<void> well;
  room.disk.fail_commits(Error{ErrorCode::no_space, "full"});
  {
    bus::JournalThread thread(room.unit.journal, [&](const std::optional<Error>& error) {
      if (error) {
        room.disk.fail_commits(std::nullopt);
        trouble.set_value(*error);
      } else {
        well.set_value();
      }
    });
    room.write("a");
    room.unit.journal.wake();
    CHECK(trouble.get_future().get().code == ErrorCode::no_space);
    well.get_future().wait();
    room.write("b", Journal::Kind::lazy);
  }
  CHECK(room.unit.said() == Words{"a", "b"});
}

}  // namespace steward::tests::journal_test
