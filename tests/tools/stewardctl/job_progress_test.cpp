#include "tools/stewardctl/job_progress.hpp"

#include <doctest/doctest.h>

namespace steward::tests::job_progress_test {

using namespace std::chrono_literals;
using steward::ctl::Exit;
using steward::ctl::JobProgress;
using steward::ctl::Outcome;
using steward::ctl::progress_of;
using steward::ctl::UnitProgress;
using steward::wire::Ack;
using steward::wire::CommandState;
using steward::wire::JobDetail;
using steward::wire::JobUnit;
using steward::wire::MessageId;

namespace {

const UnitProgress::Clock::time_point kStart{};

MessageId id(std::uint8_t number) { return MessageId::make(1000, MessageId::Randomness{number}); }

JobProgress two_units() {
  JobProgress progress(id(9), "shellcommand", "operatingsystem");
  progress.add({"ship1", id(1), kStart, {}, {}, {}, {}, {}, kStart});
  progress.add({"ship2", id(2), kStart, {}, {}, {}, {}, {}, kStart});
  return progress;
}

Ack ack(std::uint8_t number, CommandState state) {
  return {id(number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
}

JobDetail detail(std::vector<JobUnit> units) {
  return {{id(9), "ship1.command.shellcommand.operatingsystem", "uname", "/operator/a", {}, 2, {}},
          "{}",
          std::move(units)};
}

}  // namespace

TEST_CASE("job: finished when every unit has ended, and the exit status says how") {
  JobProgress progress = two_units();
  CHECK(progress.exit() == Exit::no_answer);
  CHECK(progress.apply("ship1", ack(1, CommandState::accepted), kStart + 1s) != nullptr);
  CHECK(progress.apply("ship1", ack(1, CommandState::done), kStart + 2s) != nullptr);
  CHECK(!progress.finished());
  CHECK(progress.apply("ship2", ack(2, CommandState::failed), kStart + 2s) != nullptr);
  CHECK(progress.finished());
  CHECK(progress.exit() == Exit::failed);
  const auto counts = progress.counts();
  CHECK(counts.acked == 2);
  CHECK(counts.done == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.pending == 0);
}

TEST_CASE("job: a state said twice, or late, brings nothing new") {
  JobProgress progress = two_units();
  CHECK(progress.apply("ship1", ack(1, CommandState::running), kStart) != nullptr);
  CHECK(progress.apply("ship1", ack(1, CommandState::running), kStart) == nullptr);
  CHECK(progress.apply("ship1", ack(1, CommandState::accepted), kStart) == nullptr);
  CHECK(progress.apply("ship1", ack(1, CommandState::done), kStart) != nullptr);
  CHECK(progress.apply("ship1", ack(1, CommandState::failed), kStart) == nullptr);
  CHECK(progress.units()[0].outcome() == Outcome::ok);
}

TEST_CASE("job: one command for all units is followed on each of them") {
  JobProgress progress(id(9), "shellcommand", "operatingsystem");
  for (const auto* unit : {"ship1", "ship2", "ship3"}) {
    progress.add({unit, id(1), kStart, {}, {}, {}, {}, {}, kStart});
  }
  const auto* moved = progress.apply("ship2", ack(1, CommandState::done), kStart);
  REQUIRE(moved != nullptr);
  CHECK(moved->unit == "ship2");
  CHECK(!progress.units()[0].state);
  CHECK(progress.heard("ship3", id(1), kStart)->unit == "ship3");
  CHECK(progress.apply("ship4", ack(1, CommandState::done), kStart) == nullptr);
  progress.give_up(progress.units()[2]);
  CHECK(!progress.units()[0].given_up);
  CHECK(progress.apply("ship1", ack(1, CommandState::failed), kStart) != nullptr);
  CHECK(progress.finished());
  CHECK(progress.counts().done == 1);
  CHECK(progress.has(id(1)));
  CHECK(!progress.has(id(2)));
}

TEST_CASE("job: ACKs of other commands do not count") {
  JobProgress progress = two_units();
  CHECK(progress.apply("ship2", ack(1, CommandState::done), kStart) == nullptr);
  CHECK(progress.apply("ship7", ack(7, CommandState::done), kStart) == nullptr);
  CHECK(progress.counts().acked == 0);
  CHECK(progress.heard("ship7", id(7), kStart) == nullptr);
}

TEST_CASE(
    "job: what the station has seen meanwhile is taken over, its own `sent` is no word of a unit") {
  JobProgress progress = two_units();
  const auto moved = progress.apply(
      detail({{"ship1", id(1), CommandState::done, {}, {}, "", "", R"({"exit_code":0})"},
              {"ship2", id(2), CommandState::sent, {}, {}, "", "", ""}}),
      kStart + 5s);
  REQUIRE(moved.size() == 1);
  CHECK(moved[0]->unit == "ship1");
  CHECK(moved[0]->result == R"({"exit_code":0})");
  CHECK(!progress.units()[1].state);
  CHECK(progress.apply(detail({{"ship1", id(1), CommandState::done, {}, {}, "", "", ""}}), kStart)
            .empty());
}

TEST_CASE("job: a unit given up is pending, and comes back with its next word") {
  JobProgress progress = two_units();
  progress.apply("ship1", ack(1, CommandState::done), kStart);
  progress.give_up(progress.units()[1]);
  CHECK(progress.finished());
  CHECK(progress.exit() == Exit::no_answer);
  CHECK(progress.apply("ship2", ack(2, CommandState::accepted), kStart) != nullptr);
  CHECK(!progress.finished());
}

TEST_CASE("job: a sign of life moves the last word forward only") {
  JobProgress progress = two_units();
  progress.heard("ship1", id(1), kStart + 5s);
  progress.heard("ship1", id(1), kStart + 3s);
  CHECK(progress.units()[0].last_word == kStart + 5s);
}

TEST_CASE("job: of the station's view, one that another process started") {
  const auto progress = progress_of(
      detail({{"ship1", id(1), CommandState::failed, {}, {}, "exec_failed", "no such file", ""},
              {"ship2", id(2), CommandState::running, {}, {}, "", "", ""}}),
      steward::wire::Timestamp{},
      kStart + 10s);
  REQUIRE(progress);
  CHECK(progress->method() == "shellcommand");
  CHECK(progress->domain() == "operatingsystem");
  CHECK(progress->counts().failed == 1);
  CHECK(progress->counts().pending == 1);
  CHECK(progress->units()[0].code == "exec_failed");
  JobDetail broken = detail({});
  broken.job.subject = "nonsense";
  CHECK(!progress_of(broken, steward::wire::Timestamp{}, kStart));
}

}  // namespace steward::tests::job_progress_test
