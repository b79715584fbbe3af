#include "tests/simulation/storage.hpp"

#include <algorithm>

namespace steward::simulation {

void Disk::wipe() {
  rollback();
  commands_.clear();
  events_.clear();
}

Result<void> Disk::begin() {
  open_turn_ = true;
  return {};
}

Result<void> Disk::commit() {
  switch (fate_()) {
    case Fate::no_space:
      rollback();
      return failure(ErrorCode::no_space, "the disk is full");
    case Fate::io:
      rollback();
      return failure(ErrorCode::io, "the disk does not answer");
    case Fate::crash_before:
      rollback();
      throw Crash();
    case Fate::crash_after:
      undo_.clear();
      throw Crash();
    case Fate::good:
      break;
  }
  undo_.clear();
  open_turn_ = false;
  return {};
}

void Disk::rollback() {
  for (; !undo_.empty(); undo_.pop_back()) {
    undo_.back()();
  }
  open_turn_ = false;
}

Result<std::optional<bus::CommandRow>> Disk::find(const wire::MessageId& id) {
  const auto at = commands_.find(id);
  return at == commands_.end() ? std::optional<bus::CommandRow>() : at->second.row;
}

Result<void> Disk::add(const bus::CommandRow& row, const bus::Message* message) {
  if (commands_.contains(row.id)) {
    return failure(ErrorCode::io, "a second row of one id");
  }
  commands_.emplace(
      row.id,
      Command{row, ++order_, message == nullptr ? std::optional<bus::Message>() : *message});
  undo([this, id = row.id] { commands_.erase(id); });
  return {};
}

Result<void> Disk::change(const bus::CommandRow& row) {
  const auto at = commands_.find(row.id);
  if (at == commands_.end()) {
    return failure(ErrorCode::io, "no row to change");
  }
  undo([this, before = at->second] { commands_.insert_or_assign(before.row.id, before); });
  at->second.row = row;
  if (row.stage == bus::CommandStage::finished) {
    at->second.message.reset();
  }
  return {};
}

Result<std::vector<bus::CommandRow>> Disk::unfinished() {
  std::vector<const Command*> open;
  for (const auto& [id, command] : commands_) {
    if (command.row.stage == bus::CommandStage::accepted ||
        command.row.stage == bus::CommandStage::started) {
      open.push_back(&command);
    }
  }
  std::sort(open.begin(), open.end(), [](const Command* left, const Command* right) {
    return left->order < right->order;
  });
  std::vector<bus::CommandRow> rows;
  for (const auto* command : open) {
    rows.push_back(command->row);
  }
  return rows;
}

Result<std::optional<bus::Message>> Disk::message_of(const wire::MessageId& id) {
  const auto at = commands_.find(id);
  return at == commands_.end() ? std::optional<bus::Message>() : at->second.message;
}

Result<std::size_t> Disk::prune(wire::Timestamp before, std::size_t most) {
  std::size_t pruned = 0;
  for (auto at = commands_.begin(); at != commands_.end() && pruned < most;) {
    const auto stage = at->second.row.stage;
    const bool is_over =
        stage == bus::CommandStage::finished || stage == bus::CommandStage::cancelled_ahead;
    if (!is_over || at->second.row.expires >= before) {
      ++at;
      continue;
    }
    undo([this, gone = at->second] { commands_.insert_or_assign(gone.row.id, gone); });
    at = commands_.erase(at);
    ++pruned;
  }
  return pruned;
}

Result<void> Disk::add_event(const wire::Position& position,
                             wire::Timestamp recorded,
                             const bus::Message& message) {
  const EventKey key{position.epoch, position.seq};
  if (!events_.emplace(key, Event{recorded, message}).second) {
    return failure(ErrorCode::io, "a second event of one number");
  }
  undo([this, key] { events_.erase(key); });
  return {};
}

Result<std::optional<bus::Message>> Disk::event(const wire::Position& position) {
  const auto at = events_.find({position.epoch, position.seq});
  return at == events_.end() ? std::optional<bus::Message>() : at->second.message;
}

Result<void> Disk::erase_events(const wire::MessageId& epoch, std::uint64_t upto) {
  for (auto at = events_.lower_bound({epoch, 0});
       at != events_.end() && at->first.first == epoch && at->first.second <= upto;) {
    undo([this, key = at->first, gone = at->second] { events_.insert_or_assign(key, gone); });
    at = events_.erase(at);
  }
  return {};
}

Result<void> Disk::visit_events(const std::function<void(const bus::KeptEvent&)>& see) {
  for (const auto& [key, event] : events_) {
    see({{key.first, key.second}, event.recorded, event.message.payload.size()});
  }
  return {};
}

Result<std::size_t> Disk::bytes() {
  std::size_t bytes = 0;
  for (const auto& [id, command] : commands_) {
    bytes += 256 + (command.message ? command.message->payload.size() : 0);
  }
  for (const auto& [key, event] : events_) {
    bytes += 256 + event.message.payload.size();
  }
  return bytes;
}

const bus::CommandRow* Disk::row(const wire::MessageId& id) const {
  const auto at = commands_.find(id);
  return at == commands_.end() ? nullptr : &at->second.row;
}

std::size_t Disk::open() const {
  return static_cast<std::size_t>(
      std::count_if(commands_.begin(), commands_.end(), [](const auto& entry) {
        const auto stage = entry.second.row.stage;
        return stage == bus::CommandStage::accepted || stage == bus::CommandStage::started;
      }));
}

}  // namespace steward::simulation
