#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace steward::tests {
namespace {

constexpr std::size_t kJobSize = 100;

}  // namespace

void Load::give(std::size_t count) {
  while (count > 0) {
    Job job{eva_.new_id(), given_.size(), std::min(count, kJobSize)};
    for (std::size_t i = 0; i < job.size; ++i) {
      const auto number = given_.size();
      const auto unit = number % fleet_.size();
      const auto name = Fleet::name_of(unit);
      const auto file = (fleet_.folder() / ("effects-" + name)).string();
      const auto id = eva_.give(
          {name + ".command.shellcommand.operatingsystem",
           R"({"argv":["sh","-c","echo )" + std::to_string(number) + " >> " + file + "\"]}",
           job.id});
      given_.push_back({id, unit, std::nullopt});
    }
    count -= job.size;
    jobs_.push_back(std::move(job));
  }
}

void Load::look(Job& job) {
  const auto rows = eva_.job(job.id);
  std::map<std::string, const wire::JobUnit*> by_id;
  for (const auto& row : rows) {
    by_id[row.command.str()] = &row;
  }
  job.ended = true;
  for (auto number = job.first; number < job.first + job.size; ++number) {
    auto& given = given_[number];
    const auto row = by_id.find(given.id.str());
    if (row != by_id.end() && wire::is_terminal(row->second->state)) {
      given.ended = *row->second;
      open_.erase(given.id.str());
    } else {
      open_[given.id.str()] =
          row == by_id.end() ? "not known" : std::string(wire::word(row->second->state));
      job.ended = false;
    }
  }
}

bool Load::finish(std::chrono::milliseconds limit, const std::function<void()>& meanwhile) {
  return fleet_.tend_until(
      [this, &meanwhile] {
        if (meanwhile) {
          meanwhile();
        }
        eva_.insist();
        for (auto& job : jobs_) {
          if (!job.ended) {
            look(job);
          }
        }
        return std::all_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.ended; });
      },
      limit);
}

std::vector<std::size_t> Load::effects(std::size_t unit) const {
  std::vector<std::size_t> numbers;
  std::ifstream file(fleet_.folder() / ("effects-" + Fleet::name_of(unit)));
  for (std::size_t number = 0; file >> number;) {
    numbers.push_back(number);
  }
  return numbers;
}

Load::Outcome Load::check(Interrupted interrupted) {
  Outcome outcome;
  std::map<std::size_t, int> written;
  for (std::size_t unit = 0; unit < fleet_.size(); ++unit) {
    for (const auto number : effects(unit)) {
      ++written[number];
      ++outcome.effects;
      CHECK(given_.at(number).unit == unit);
    }
  }
  for (std::size_t number = 0; number < given_.size(); ++number) {
    const auto& given = given_[number];
    const auto steps = eva_.steps(given.id);
    std::string heard;
    for (const auto& step : steps) {
      heard += step + "; ";
    }
    CAPTURE(number);
    CAPTURE(given.id.str());
    CAPTURE(heard);
    REQUIRE_MESSAGE(given.ended.has_value(), "it is lost");
    const auto state = given.ended->state;
    CAPTURE(wire::word(state));
    CAPTURE(given.ended->code);
    CHECK(written[number] <= 1);
    if (state == wire::CommandState::done) {
      ++outcome.done;
      CHECK(written[number] == 1);
    } else if (state == wire::CommandState::interrupted) {
      ++outcome.interrupted;
      CHECK(interrupted == Interrupted::some);
    } else {
      ++outcome.other;
      CHECK_MESSAGE(false, "it ended in no way that the fault explains");
    }
    const auto ends = std::count_if(
        given.ended->history.begin(), given.ended->history.end(), [](const auto& change) {
          return wire::is_terminal(change.state);
        });
    CHECK(ends == 1);
    const auto terminals = eva_.terminals(given.id);
    CHECK(terminals.size() <= 1);
    CHECK((terminals.empty() || terminals.front().state == state));
  }
  MESSAGE(given_.size(),
          " commands: ",
          outcome.done,
          " done, ",
          outcome.interrupted,
          " interrupted, ",
          outcome.other,
          " other; ",
          outcome.effects,
          " effects");
  CHECK(fleet_.surprises() == "");
  return outcome;
}

std::string Load::stuck() const {
  std::ostringstream text;
  for (const auto& [id, state] : open_) {
    text << id << " " << state << "\n";
  }
  text << fleet_.last_words();
  return text.str();
}

}  // namespace steward::tests
