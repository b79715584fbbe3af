#pragma once

#include "subjects/bus/storage.hpp"

#include <deque>
#include <map>
#include <utility>

namespace steward::bus {

// A storage without a disk, for tests: what was committed outlives whoever used it, what was not is
// gone at a crash(), and it can fail. A copy is a disk as it stood then.
class MemoryStorage final : public Storage {
 public:
  // As after the loss of the process that used it.
  void crash() { rollback(); }

  // From now on every commit fails with that; none: they work again.
  void fail_commits(std::optional<Error> error) { failure_ = std::move(error); }

  // Commits that worked: fsyncs, were it a disk.
  std::size_t commits() const { return commits_; }

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;

  Result<std::optional<CommandRow>> find(const wire::MessageId& id) override;
  Result<void> add(const CommandRow& row, const Message* message) override;
  Result<void> change(const CommandRow& row) override;
  Result<std::vector<CommandRow>> unfinished() override;
  Result<std::optional<Message>> message_of(const wire::MessageId& id) override;
  Result<std::size_t> prune(wire::Timestamp before, std::size_t most) override;

  Result<void> add_event(const wire::Position& position,
                         wire::Timestamp recorded,
                         const Message& message) override;
  Result<std::optional<Message>> event(const wire::Position& position) override;
  Result<void> erase_events(const wire::MessageId& epoch, std::uint64_t upto) override;
  Result<void> visit_events(const std::function<void(const KeptEvent&)>& see) override;

  Result<std::size_t> bytes() override;

 private:
  struct Command {
    CommandRow row;
    std::optional<Message> message;
    std::uint64_t arrival = 0;

    std::size_t bytes() const;
  };

  struct Recorded {
    wire::Timestamp at;
    Message message;
  };

  struct Epoch {
    wire::MessageId id;
    std::map<std::uint64_t, Recorded> events;
  };

  Epoch& epoch(const wire::MessageId& id);
  void put(Command command);

  void change_back(std::function<void()> undo) { undo_.push_back(std::move(undo)); }

  std::map<wire::MessageId, Command> commands_;
  std::deque<Epoch> epochs_;
  std::uint64_t arrivals_ = 0;
  std::size_t bytes_ = 0;
  std::size_t commits_ = 0;
  std::optional<Error> failure_;
  std::vector<std::function<void()>> undo_;  // of the group that is open, the last change last
};

}  // namespace steward::bus
