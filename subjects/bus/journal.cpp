#include "subjects/bus/journal.hpp"

#include "subjects/bus/crash_point.hpp"

#include <iterator>
#include <utility>

namespace steward::bus {
namespace {

// Of a limit: what is reckoned, not measured, is no more than one.
constexpr std::size_t kParts = 256;

}  // namespace

Result<void> Journal::Turn::record(Event& event) {
  const auto& parts = journal_.parts_;
  const std::size_t size = event.payload.size();
  const auto position = parts.outbox.number(size);
  event.envelope.position = position;
  recorded_.push_back({&event, parts.channel.seal(event.envelope, std::move(event.payload))});
  grown_ += bytes_of(recorded_.back().message);
  return parts.storage.add_event(position, parts.wall(), recorded_.back().message);
}

bool Journal::Turn::has_room(std::size_t more, std::size_t limit) {
  if (bytes() + more > limit || bytes() > journal_.measured_ + limit / kParts) {
    journal_.measured_ = journal_.parts_.storage.bytes().value_or(bytes());
    journal_.bytes_ = journal_.measured_;
    grown_ = 0;
  }
  return bytes() + more <= limit;
}

Journal::Journal(Parts parts) : parts_(std::move(parts)) {}

Result<void> Journal::load() {
  STEWARD_TRY(bytes_, parts_.storage.bytes());
  measured_ = bytes_;
  return {};
}

void Journal::write(Changes changes, Then then, Kind kind) {
  const Lock lock(mutex_);
  waiting_.push_back({std::move(changes), std::move(then), kind});
  urgent_ = urgent_ || kind != Kind::lazy;
}

void Journal::read(std::function<void(Storage&)> look) {
  const Lock lock(mutex_);
  reads_.push_back(std::move(look));
  urgent_ = true;
}

void Journal::wake() {
  {
    const Lock lock(mutex_);
    if (!std::exchange(urgent_, false)) {
      return;
    }
  }
  if (tell_) {
    tell_();
  }
}

void Journal::wake_for_all() {
  if (waits() && tell_) {
    tell_();
  }
}

Journal::Outcome Journal::pump() {
  std::vector<std::function<void(Storage&)>> reads;
  {
    const Lock lock(mutex_);
    reads.swap(reads_);
    if (group_.empty()) {
      group_.swap(waiting_);
    } else {
      std::move(waiting_.begin(), waiting_.end(), std::back_inserter(group_));
      waiting_.clear();
    }
    urgent_ = false;
    retry_ = !group_.empty();
  }
  for (const auto& look : reads) {
    look(parts_.storage);
  }
  if (group_.empty()) {
    return reads.empty() ? Outcome::idle : Outcome::done;
  }
  Turn turn(*this);
  if (auto written = write_group(turn); !written) {
    undo(turn);
    give_up(written.error());
    return Outcome::failed;
  }
  crash_point("edge.journal.committed");
  parts_.outbox.kept(parts_.steady());
  bytes_ = turn.bytes();
  const auto written = std::exchange(group_, {});
  {
    const Lock lock(mutex_);
    retry_ = false;
    trouble_.reset();
  }
  for (const auto& recorded : turn.recorded_) {
    parts_.publish(recorded.message);
  }
  crash_point("edge.journal.published");
  for (const auto& write : written) {
    if (write.then) {
      write.then({});
    }
  }
  return Outcome::done;
}

Result<void> Journal::write_group(Turn& turn) {
  auto& storage = parts_.storage;
  if (auto begun = storage.begin(); !begun) {
    return begun;
  }
  for (const auto& write : group_) {
    if (auto changed = write.changes(turn); !changed) {
      return changed;
    }
  }
  crash_point("edge.journal.before");
  return storage.commit();
}

// As if the group had never been tried: numbers are given again, payloads go back to their events.
void Journal::undo(Turn& turn) {
  parts_.storage.rollback();
  parts_.outbox.dropped();
  for (auto& recorded : turn.recorded_) {
    recorded.event->payload = std::move(recorded.message.payload);
  }
}

// What may be refused is; all else stays, in its order.
void Journal::give_up(const Error& error) {
  std::vector<Write> kept;
  std::vector<Write> refused;
  for (auto& write : group_) {
    (write.kind == Kind::refusable ? refused : kept).push_back(std::move(write));
  }
  group_ = std::move(kept);
  {
    const Lock lock(mutex_);
    retry_ = !group_.empty();
    trouble_ = error;
  }
  for (const auto& write : refused) {
    if (write.then) {
      write.then(tl::unexpected(error));
    }
  }
}

bool Journal::waits() const {
  const Lock lock(mutex_);
  return retry_ || !waiting_.empty() || !reads_.empty();
}

std::optional<Error> Journal::trouble() const {
  const Lock lock(mutex_);
  return trouble_;
}

}  // namespace steward::bus
