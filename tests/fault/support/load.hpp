#pragma once

#include "tests/fault/support/fleet.hpp"
#include "tests/fault/support/operator.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace steward::tests {

// A stream of numbered commands, each of which appends its number to a file of its unit: effects
// are counted outside the system. None of them may run twice.
class Load {
 public:
  Load(Fleet& fleet, Operator& eva) : fleet_(fleet), eva_(eva) {}

  // Gives the next ones, to the units in turn.
  void give(std::size_t count);

  // Waits, tending and insisting, until the station says of every command that it has ended;
  // `meanwhile` is called over and over.
  bool finish(std::chrono::milliseconds limit, const std::function<void()>& meanwhile = nullptr);

  struct Outcome {
    std::size_t done = 0;
    std::size_t interrupted = 0;
    std::size_t other = 0;    // failed, refused, expired, ...
    std::size_t effects = 0;  // lines in the files
  };

  // Checks what became of all: none lost, none twice, each ended once. To be called after
  // finish(). With `Interrupted::none` every command has to be done.
  enum class Interrupted { none, some };
  Outcome check(Interrupted interrupted);

  // The numbers that a unit has written, in their order.
  std::vector<std::size_t> effects(std::size_t unit) const;

  std::size_t given() const { return given_.size(); }

  const wire::MessageId& id(std::size_t number) const { return given_.at(number).id; }

  // What the station said of those that have not ended, for a test that has failed.
  std::string stuck() const;

 private:
  struct Given {
    wire::MessageId id;
    std::size_t unit;
    std::optional<wire::JobUnit> ended;
  };

  struct Job {
    wire::MessageId id;
    std::size_t first;  // number of its first command
    std::size_t size;
    bool ended = false;
  };

  void look(Job& job);

  Fleet& fleet_;
  Operator& eva_;
  std::vector<Given> given_;
  std::vector<Job> jobs_;
  std::map<std::string, std::string> open_;  // by id, as the station said last
};

}  // namespace steward::tests
