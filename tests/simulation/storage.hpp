#pragma once

#include "subjects/bus/storage.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace steward::simulation {

// Thrown where a machine loses its power; caught by whoever plays the machine.
struct Crash {};

// A unit's disk: what was committed is there after a crash, and nothing else is. May be full, fail,
// or lose the machine's power at a commit, before it or after it.
class Disk final : public bus::Storage {
 public:
  // What happens at the next commit. Asked once for each.
  enum class Fate { good, no_space, io, crash_before, crash_after };

  explicit Disk(std::function<Fate()> fate) : fate_(std::move(fate)) {}

  // The machine starts: what was not committed is gone.
  void restart() { rollback(); }

  // Everything is gone: another disk was put in.
  void wipe();

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;

  Result<std::optional<bus::CommandRow>> find(const wire::MessageId& id) override;
  Result<void> add(const bus::CommandRow& row, const bus::Message* message) override;
  Result<void> change(const bus::CommandRow& row) override;
  Result<std::vector<bus::CommandRow>> unfinished() override;
  Result<std::optional<bus::Message>> message_of(const wire::MessageId& id) override;
  Result<std::size_t> prune(wire::Timestamp before, std::size_t most) override;

  Result<void> add_event(const wire::Position& position,
                         wire::Timestamp recorded,
                         const bus::Message& message) override;
  Result<std::optional<bus::Message>> event(const wire::Position& position) override;
  Result<void> erase_events(const wire::MessageId& epoch, std::uint64_t upto) override;
  Result<void> visit_events(const std::function<void(const bus::KeptEvent&)>& see) override;
  Result<std::size_t> bytes() override;

  // For the judge: what is on disk of a command, and how many events are.
  const bus::CommandRow* row(const wire::MessageId& id) const;

  std::size_t events() const { return events_.size(); }

  std::size_t open() const;

 private:
  struct Command {
    bus::CommandRow row;
    std::uint64_t order = 0;
    std::optional<bus::Message> message;
  };

  struct Event {
    wire::Timestamp recorded;
    bus::Message message;
  };

  using EventKey = std::pair<wire::MessageId, std::uint64_t>;  // epochs are ULIDs: in order

  void undo(std::function<void()> step) { undo_.push_back(std::move(step)); }

  const std::function<Fate()> fate_;
  bool open_turn_ = false;
  std::uint64_t order_ = 0;
  std::map<wire::MessageId, Command> commands_;
  std::map<EventKey, Event> events_;
  std::vector<std::function<void()>> undo_;  // of what is not committed, the latest last
};

}  // namespace steward::simulation
