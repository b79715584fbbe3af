#include "steward/command_tracker.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace steward::station::command_tracker_test {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using test::id;
using test::Script;
using wire::CommandState;

// A tracker and all that it has said, by unit.
struct Story {
  void command(const std::string& node,
               std::uint64_t number,
               std::optional<std::uint64_t> job = std::nullopt,
               const std::string& payload = R"({"argv":["true"]})",
               const std::string& target = {}) {
    auto envelope =
        wire::make_envelope(id(number),
                            *wire::Source::parse("/operator/ann"),
                            *wire::Subject::parse(node + ".command.shellcommand.operatingsystem"),
                            time.now().wall);
    envelope.expires = time.now().wall + 1h;
    if (job) {
      envelope.job = id(*job);
    }
    envelope.target = target;
    tracker.command(envelope, payload, known, time.now(), batch);
  }

  void ack(const std::string& unit,
           std::uint64_t number,
           CommandState state,
           CommandTracker::Recorded recorded = CommandTracker::Recorded::yes) {
    wire::Ack ack{id(number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    tracker.ack(ack,
                *wire::Subject::parse(unit + ".event.ack.shellcommand"),
                {},
                recorded,
                time.now(),
                batch);
  }

  std::vector<CommandState> steps(const std::string& unit, std::uint64_t number) const {
    std::vector<CommandState> states;
    for (const auto& step : batch.steps) {
      if (step.unit == unit && step.command == id(number)) {
        states.push_back(step.state);
      }
    }
    return states;
  }

  CommandTracker tracker;
  Batch batch;
  Script time;
  std::vector<std::string> known{"ship1", "ship2", "ship3"};
};

using States = std::vector<CommandState>;

TEST_CASE("command tracker: a command goes from sent to its end, each step once") {
  Story story;
  story.command("ship1", 1);
  story.ack("ship1", 1, CommandState::accepted);
  story.ack("ship1", 1, CommandState::accepted);
  story.ack("ship1", 1, CommandState::running);
  story.ack("ship1", 1, CommandState::accepted);
  story.ack("ship1", 1, CommandState::done);
  story.ack("ship1", 1, CommandState::failed);
  CHECK(story.steps("ship1", 1) ==
        States{
            CommandState::sent, CommandState::accepted, CommandState::running, CommandState::done});
  CHECK(story.tracker.counts("ship1") == wire::CommandCounts{0, 1, 0});
  CHECK(story.batch.job_counts.at(id(1)).commands == wire::CommandCounts{0, 1, 0});
  CHECK(story.batch.job_counts.at(id(1)).units == 1);
}

TEST_CASE("command tracker: the same command seen again changes nothing") {
  Story story;
  story.command("ship1", 1);
  story.ack("ship1", 1, CommandState::done);
  story.command("ship1", 1);
  CHECK(story.steps("ship1", 1) == States{CommandState::sent, CommandState::done});
  CHECK(story.batch.commands.size() == 1);
}

TEST_CASE("command tracker: a broadcast concerns all known units and any that answers") {
  Story story;
  story.command("@all", 1);
  story.ack("ship9", 1, CommandState::accepted);
  CHECK(story.steps("ship2", 1) == States{CommandState::sent});
  CHECK(story.steps("ship9", 1) == States{CommandState::accepted});
  CHECK(story.batch.job_counts.at(id(1)).units == 4);
  CHECK(story.batch.job_counts.at(id(1)).commands.open == 4);
}

TEST_CASE(
    "command tracker: a broadcast with names concerns those, known or not, one with globs the "
    "known") {
  Story story;
  story.command("@all", 1, {}, "{}", "ship[2-3],ship9");
  CHECK(story.steps("ship1", 1).empty());
  CHECK(story.steps("ship2", 1) == States{CommandState::sent});
  CHECK(story.steps("ship9", 1) == States{CommandState::sent});
  CHECK(story.batch.job_counts.at(id(1)).units == 3);
  story.command("@all", 2, {}, "{}", "ship9,ship[1-2],rig*");
  CHECK(story.steps("ship1", 2) == States{CommandState::sent});
  CHECK(story.steps("ship9", 2).empty());
}

TEST_CASE("command tracker: an ack before its command makes it known, the command fills it in") {
  Story story;
  story.ack("ship1", 1, CommandState::accepted);
  CHECK(story.batch.commands.at(0).by.empty());
  CHECK(story.batch.commands.at(0).subject == "ship1.command.shellcommand.operatingsystem");
  story.command("ship1", 1);
  CHECK(story.batch.commands.at(1).by == "/operator/ann");
  CHECK(story.steps("ship1", 1) == States{CommandState::accepted});
}

TEST_CASE("command tracker: commands of one job are counted together, one without is its own") {
  Story story;
  story.command("ship1", 1, 100);
  story.command("ship2", 2, 100);
  story.command("ship3", 3);
  story.ack("ship1", 1, CommandState::done);
  story.ack("ship2", 2, CommandState::refused);
  const auto& job = story.batch.job_counts.at(id(100));
  CHECK(job.units == 2);
  CHECK(job.commands == wire::CommandCounts{0, 1, 1});
  CHECK(story.batch.job_counts.at(id(3)).commands == wire::CommandCounts{1, 0, 0});
}

TEST_CASE("command tracker: without a word until the expiry it is expired, after some grace") {
  Story story;
  story.command("ship1", 1);
  story.command("ship2", 2);
  story.ack("ship2", 2, CommandState::accepted);
  story.tracker.tick(story.time.after(1h), story.batch);
  CHECK(story.steps("ship1", 1) == States{CommandState::sent});
  story.tracker.tick(story.time.after(5s), story.batch);
  CHECK(story.steps("ship1", 1) == States{CommandState::sent, CommandState::expired});
  CHECK(story.batch.steps.back().said_by == SaidBy::station);
  CHECK(story.steps("ship2", 2) == States{CommandState::sent, CommandState::accepted});
}

TEST_CASE(
    "command tracker: what the unit says of its end replaces the station's presumption, once") {
  Story story;
  story.command("ship1", 1);
  story.tracker.tick(story.time.after(2h), story.batch);
  story.ack("ship1", 1, CommandState::accepted);
  story.ack("ship1", 1, CommandState::done);
  story.ack("ship1", 1, CommandState::failed);
  CHECK(story.steps("ship1", 1) ==
        States{CommandState::sent, CommandState::expired, CommandState::done});
  CHECK(story.tracker.counts("ship1") == wire::CommandCounts{0, 1, 0});
}

TEST_CASE("command tracker: a refusal that the unit could not record is a presumption") {
  Story story;
  story.command("ship1", 1);
  story.ack("ship1", 1, CommandState::refused, CommandTracker::Recorded::no);
  story.ack("ship1", 1, CommandState::refused, CommandTracker::Recorded::no);
  CHECK(story.steps("ship1", 1) == States{CommandState::sent, CommandState::refused});
  story.ack("ship1", 1, CommandState::done);
  story.ack("ship1", 1, CommandState::refused);
  CHECK(story.steps("ship1", 1) ==
        States{CommandState::sent, CommandState::refused, CommandState::done});

  // It says nothing of a command that has been accepted.
  story.command("ship1", 2);
  story.ack("ship1", 2, CommandState::accepted);
  story.ack("ship1", 2, CommandState::refused, CommandTracker::Recorded::no);
  CHECK(story.steps("ship1", 2) == States{CommandState::sent, CommandState::accepted});

  // A recorded one is final.
  story.command("ship1", 3);
  story.ack("ship1", 3, CommandState::refused);
  story.ack("ship1", 3, CommandState::done);
  CHECK(story.steps("ship1", 3) == States{CommandState::sent, CommandState::refused});
}

TEST_CASE("command tracker: what expired on a unit that could not record it is a presumption") {
  Story story;
  story.command("ship1", 1);
  story.ack("ship1", 1, CommandState::expired, CommandTracker::Recorded::no);
  CHECK(story.steps("ship1", 1) == States{CommandState::sent, CommandState::expired});
  story.ack("ship1", 1, CommandState::done);
  CHECK(story.steps("ship1", 1) ==
        States{CommandState::sent, CommandState::expired, CommandState::done});

  // The recorded one was lost, the unit says it again.
  story.command("ship1", 2);
  story.ack("ship1", 2, CommandState::accepted);
  story.ack("ship1", 2, CommandState::expired, CommandTracker::Recorded::no);
  CHECK(story.steps("ship1", 2) ==
        States{CommandState::sent, CommandState::accepted, CommandState::expired});
}

TEST_CASE("command tracker: finished commands are bounded, open ones stay") {
  Story story;
  story.command("ship1", 1);
  for (std::uint64_t number = 2; number < 1'002 + CommandTracker::kFinishedKept; ++number) {
    story.command("ship1", number);
    story.ack("ship1", number, CommandState::done);
    story.batch = {};
    story.tracker.settle();
  }
  CHECK(story.tracker.size() == CommandTracker::kFinishedKept + 1);
  CHECK(story.tracker.knows(id(1)));
  CHECK_FALSE(story.tracker.knows(id(2)));
}

TEST_CASE("command tracker: a restored command goes on where it stood") {
  Story story;
  TrackedCommand kept{id(1), id(1), story.time.now().wall + 1h, false, true, {}, 0};
  kept.units["ship1"] = {CommandState::sent, SaidBy::station};
  kept.units["ship2"] = {CommandState::done, SaidBy::unit};
  story.tracker.restore(kept);
  story.ack("ship2", 1, CommandState::failed);
  CHECK(story.steps("ship2", 1).empty());
  story.tracker.tick(story.time.after(2h), story.batch);
  CHECK(story.steps("ship1", 1) == States{CommandState::expired});
}

TEST_CASE("command tracker: in any interleaving nothing goes back and each end is said once") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<CommandState> all{CommandState::accepted,
                                      CommandState::queued,
                                      CommandState::running,
                                      CommandState::done,
                                      CommandState::failed,
                                      CommandState::timed_out,
                                      CommandState::cancelled,
                                      CommandState::refused,
                                      CommandState::expired,
                                      CommandState::interrupted};
  const auto pick = [&random](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  for (int round = 0; round < 200; ++round) {
    Story story;
    for (int event = 0; event < 200; ++event) {
      const auto number = static_cast<std::uint64_t>(pick(5)) + 1;
      switch (pick(8)) {
        case 0:
          story.command("ship1", number, pick(2) == 0 ? std::nullopt : std::optional(number));
          break;
        case 1:
          story.command("@all", number + 5);
          break;
        case 2:
          story.tracker.tick(story.time.after(10min), story.batch);
          break;
        default:
          story.ack(story.known[pick(3)], number + 5 * pick(2), all[pick(all.size())]);
      }
    }
    std::map<std::pair<wire::MessageId, std::string>, StepRecord> last;
    wire::CommandCounts counts;
    for (const auto& step : story.batch.steps) {
      const auto key = std::pair(step.command, step.unit);
      if (const auto before = last.find(key); before != last.end()) {
        const auto& old = before->second;
        const bool presumed = old.said_by == SaidBy::station && wire::is_terminal(old.state);
        CHECK((!wire::is_terminal(old.state) ||
               (presumed && step.said_by == SaidBy::unit && wire::is_terminal(step.state))));
        CHECK((presumed || step.state > old.state));
      }
      last.insert_or_assign(key, step);
    }
    for (const auto& [key, step] : last) {
      (!wire::is_terminal(step.state)     ? counts.open
       : step.state == CommandState::done ? counts.done
                                          : counts.failed)++;
    }
    wire::CommandCounts told;
    for (const auto& [job, change] : story.batch.job_counts) {
      told.open += change.commands.open;
      told.done += change.commands.done;
      told.failed += change.commands.failed;
    }
    CHECK(told == counts);
  }
}

}  // namespace
}  // namespace steward::station::command_tracker_test
