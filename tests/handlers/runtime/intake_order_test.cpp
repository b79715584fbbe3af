#include "tests/handlers/runtime/intake_room.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace steward::tests::intake_order_test {
namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("intake: a cancel reaches the handler and ends done with where it was") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, room.cancel_of(1)));
  CHECK(room.house.steps(2) == Words{"accepted", "done"});
  CHECK(wire::decode_ack(room.house.said().back().payload)->result == R"({"cancelled":"running"})");
  CHECK(room.worker.received == 1);  // the cancel is the runtime's
}

TEST_CASE("intake: a cancel of what has finished changes nothing and says so") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.say(room.step(1, wire::CommandState::done));
  room.worker.started.clear();
  room.take(room.house.command(2, room.cancel_of(1)));
  CHECK(wire::decode_ack(room.house.said().back().payload)->result ==
        R"({"cancelled":"finished"})");
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"accepted", "done", "done"});
}

TEST_CASE("intake: a command that comes behind its cancel is cancelled on arrival") {
  Room room;
  room.take(room.house.command(2, room.cancel_of(1)));
  CHECK(wire::decode_ack(room.house.said().back().payload)->result == R"({"cancelled":"ahead"})");
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"cancelled"});
  CHECK(room.worker.started.empty());
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"cancelled", "cancelled"});
}

TEST_CASE("intake: a payload that only contains the word cancel goes to the handler") {
  Room room;
  room.take(room.house.command(1, R"({"op":"run","argv":["echo","cancel"]})"));
  room.take(room.house.command(2, R"({"op":"cancel","ref":"no id"})"));
  CHECK(room.worker.received == 2);
}

TEST_CASE("intake: what the ledger says later, on another thread, comes back by the loop") {
  Room room;
  auto& house = room.house;
  room.intake.take(house.command(1, "good"));
  room.intake.take(house.command(1, "good"));  // a copy, while the first is being written
  room.intake.take(house.command(2, "good"));
  CHECK(house.said().empty());
  CHECK(room.worker.started.empty());

  SUBCASE("and then the commands start, in order") {
    std::thread([&house] { house.settle(); }).join();
    CHECK(room.worker.started.empty());
    CHECK(house.steps(1) == Words{"accepted"});  // said by whoever made it durable
    room.run_loop();
    CHECK(room.worker.started == std::vector{id_of(1), id_of(2)});
    CHECK(house.storage.commits() == 1);
  }

  SUBCASE("its handler gone meanwhile, a command is interrupted") {
    room.intake.handler_failed("why");
    house.settle();
    CHECK(house.steps(1) == Words{"accepted", "interrupted handler_crashed"});
    CHECK(room.worker.started.empty());
  }
}

TEST_CASE("intake: a command that comes between a cancel and its record does not start") {
  Room room;
  room.intake.take(room.house.command(3, room.cancel_of(1)));
  room.intake.take(room.house.command(1, "good"));
  room.house.settle();
  CHECK(room.house.steps(3) == Words{"accepted", "done"});
  CHECK(room.house.steps(1) == Words{"accepted", "cancelled"});
  CHECK(room.worker.started.empty());
}

TEST_CASE("intake: a command is not started, and nothing is said of it, before it is on disk") {
  Room room;
  room.intake.take(room.house.command(1, "good"));
  CHECK(room.house.said().empty());
  CHECK(room.worker.started.empty());
  room.house.settle();
  CHECK(room.house.steps(1) == Words{"accepted"});
  CHECK(room.worker.started.size() == 1);
}

TEST_CASE("intake: a disk that is full refuses new commands with its word, and keeps every step") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.house.storage.fail_commits(Error{ErrorCode::no_space, "full"});
  room.say(room.step(1, wire::CommandState::done));
  room.take(room.house.command(2, "good"));
  CHECK(room.house.steps(1) == Words{"accepted"});
  CHECK(room.house.steps(2) == Words{"refused no_space"});
  CHECK(room.house.outbox.depth() == 1);
  CHECK(room.house.ledger.open() == 1);

  room.house.storage.fail_commits(std::nullopt);
  room.house.settle();
  CHECK(room.house.steps(1) == Words{"accepted", "done"});
  CHECK(room.house.ledger.open() == 0);
  room.take(room.house.command(3, "good"));
  CHECK(room.house.steps(3) == Words{"accepted"});
  CHECK(room.house.said().back().headers.find("ce-seq") == std::string_view("3"));  // no gap
}

}  // namespace steward::tests::intake_order_test
