#include "handlers/shellcommand/turns.hpp"

#include <algorithm>

namespace steward::handlers::shellcommand {

void Turns::add(const wire::MessageId& id, wire::QueueMode mode, std::int64_t max_parallel) {
  waiting_.push_back(
      {id, mode == wire::QueueMode::parallel, static_cast<std::size_t>(max_parallel)});
}

std::optional<wire::MessageId> Turns::next() {
  if (waiting_.empty()) {
    return std::nullopt;
  }
  const Entry& first = waiting_.front();
  const bool among_parallel =
      first.parallel &&
      std::all_of(running_.begin(), running_.end(), [](const Entry& e) { return e.parallel; });
  if (!running_.empty() && (!among_parallel || running_.size() >= first.most)) {
    return std::nullopt;
  }
  running_.push_back(first);
  waiting_.pop_front();
  return running_.back().id;
}

void Turns::remove(const wire::MessageId& id) {
  std::erase_if(waiting_, [&id](const Entry& entry) { return entry.id == id; });
  std::erase_if(running_, [&id](const Entry& entry) { return entry.id == id; });
}

std::vector<wire::MessageId> Turns::all_last_first() const {
  std::vector<wire::MessageId> ids;
  for (auto entry = waiting_.rbegin(); entry != waiting_.rend(); ++entry) {
    ids.push_back(entry->id);
  }
  for (const Entry& entry : running_) {
    ids.push_back(entry.id);
  }
  return ids;
}

std::size_t Turns::position(const wire::MessageId& id) const {
  std::size_t before = running_.size();
  for (const Entry& entry : waiting_) {
    if (entry.id == id) {
      break;
    }
    ++before;
  }
  return before;
}

}  // namespace steward::handlers::shellcommand
