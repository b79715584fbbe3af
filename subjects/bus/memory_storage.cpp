#include "subjects/bus/memory_storage.hpp"

#include <algorithm>

namespace steward::bus {
namespace {

constexpr std::size_t kMemoryRowBytes = 100;

}  // namespace

std::size_t MemoryStorage::Command::bytes() const {
  return kMemoryRowBytes + row.ack.size() + (message ? bytes_of(*message) : 0);
}

Result<void> MemoryStorage::begin() {
  undo_.clear();
  return {};
}

Result<void> MemoryStorage::commit() {
  if (failure_) {
    return tl::unexpected(*failure_);
  }
  commits_ += undo_.empty() ? 0 : 1;
  undo_.clear();
  return {};
}

void MemoryStorage::rollback() {
  while (!undo_.empty()) {
    undo_.back()();
    undo_.pop_back();
  }
}

Result<std::optional<CommandRow>> MemoryStorage::find(const wire::MessageId& id) {
  const auto at = commands_.find(id);
  return at == commands_.end() ? std::nullopt : std::optional(at->second.row);
}

// Puts a command in the place of the one of its id, or of none.
void MemoryStorage::put(Command command) {
  const auto id = command.row.id;
  const auto at = commands_.find(id);
  bytes_ += command.bytes();
  if (at == commands_.end()) {
    commands_.emplace(id, std::move(command));
    change_back([this, id] {
      bytes_ -= commands_.at(id).bytes();
      commands_.erase(id);
    });
    return;
  }
  bytes_ -= at->second.bytes();
  std::swap(at->second, command);
  change_back([this, id, before = std::move(command)] {
    bytes_ += before.bytes() - commands_.at(id).bytes();
    commands_.at(id) = before;
  });
}

Result<void> MemoryStorage::add(const CommandRow& row, const Message* message) {
  put({row, message == nullptr ? std::nullopt : std::optional(*message), ++arrivals_});
  return {};
}

Result<void> MemoryStorage::change(const CommandRow& row) {
  auto command = commands_.at(row.id);
  command.row = row;
  if (row.stage == CommandStage::finished) {
    command.message.reset();
  }
  put(std::move(command));
  return {};
}

Result<std::vector<CommandRow>> MemoryStorage::unfinished() {
  std::vector<const Command*> open;
  for (const auto& [id, command] : commands_) {
    if (command.message) {
      open.push_back(&command);
    }
  }
  std::sort(open.begin(), open.end(), [](const Command* one, const Command* other) {
    return one->arrival < other->arrival;
  });
  std::vector<CommandRow> rows;
  rows.reserve(open.size());
  for (const auto* command : open) {
    rows.push_back(command->row);
  }
  return rows;
}

Result<std::optional<Message>> MemoryStorage::message_of(const wire::MessageId& id) {
  const auto at = commands_.find(id);
  return at == commands_.end() ? std::nullopt : at->second.message;
}

Result<std::size_t> MemoryStorage::prune(wire::Timestamp before, std::size_t most) {
  std::vector<wire::MessageId> gone;
  for (const auto& [id, command] : commands_) {
    if (gone.size() < most && !command.message && command.row.expires < before) {
      gone.push_back(id);
    }
  }
  for (const auto& id : gone) {
    auto node = commands_.extract(id);
    bytes_ -= node.mapped().bytes();
    change_back([this, command = std::move(node.mapped())] {
      bytes_ += command.bytes();
      commands_.emplace(command.row.id, command);
    });
  }
  return gone.size();
}

MemoryStorage::Epoch& MemoryStorage::epoch(const wire::MessageId& id) {
  const auto at = std::find_if(
      epochs_.begin(), epochs_.end(), [&id](const Epoch& epoch) { return epoch.id == id; });
  if (at != epochs_.end()) {
    return *at;
  }
  epochs_.push_back({id, {}});
  return epochs_.back();
}

Result<void> MemoryStorage::add_event(const wire::Position& position,
                                      wire::Timestamp recorded,
                                      const Message& message) {
  bytes_ += bytes_of(message) + kMemoryRowBytes;
  epoch(position.epoch).events.insert_or_assign(position.seq, Recorded{recorded, message});
  change_back([this, position] {
    auto& events = epoch(position.epoch).events;
    bytes_ -= bytes_of(events.at(position.seq).message) + kMemoryRowBytes;
    events.erase(position.seq);
  });
  return {};
}

Result<std::optional<Message>> MemoryStorage::event(const wire::Position& position) {
  const auto& events = epoch(position.epoch).events;
  const auto at = events.find(position.seq);
  return at == events.end() ? std::nullopt : std::optional(at->second.message);
}

Result<void> MemoryStorage::erase_events(const wire::MessageId& id, std::uint64_t upto) {
  auto& events = epoch(id).events;
  while (!events.empty() && events.begin()->first <= upto) {
    auto node = events.extract(events.begin());
    bytes_ -= bytes_of(node.mapped().message) + kMemoryRowBytes;
    change_back([this, id, seq = node.key(), event = std::move(node.mapped())] {
      bytes_ += bytes_of(event.message) + kMemoryRowBytes;
      epoch(id).events.emplace(seq, event);
    });
  }
  return {};
}

Result<void> MemoryStorage::visit_events(const std::function<void(const KeptEvent&)>& see) {
  for (const auto& epoch : epochs_) {
    for (const auto& [seq, event] : epoch.events) {
      see({{epoch.id, seq}, event.at, event.message.payload.size()});
    }
  }
  return {};
}

Result<std::size_t> MemoryStorage::bytes() { return bytes_; }

}  // namespace steward::bus
