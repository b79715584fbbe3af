#include "subjects/bus/ledger.hpp"

#include "subjects/bus/mutex.hpp"

#include <set>
#include <unordered_map>
#include <utility>

namespace steward::bus {
namespace {

// An ACK is kept to be said again; its result only while it is small: the outbox carries the whole.
constexpr std::size_t kKeptAckBytes = 1024;

std::string kept_form(const wire::Ack& ack) {
  auto text = wire::encode(ack);
  if (text.size() <= kKeptAckBytes) {
    return text;
  }
  auto shorter = ack;
  shorter.result.clear();
  text = wire::encode(shorter);
  if (text.size() <= kKeptAckBytes) {
    return text;
  }
  shorter.ignored.clear();
  shorter.message = "what was said of it is too long to say again";
  return wire::encode(shorter);
}

class MemoryLedger final : public Ledger {
 public:
  MemoryLedger(std::size_t capacity, std::function<wire::Timestamp()> clock)
      : capacity_(capacity), clock_(std::move(clock)) {}

  void accept(const Opened& command, std::function<void(Result<Entry>)> then) override {
    then(enter(command));
  }

  void record(const wire::Ack& ack) override {
    const Lock lock(mutex_);
    const auto at = rows_.find(ack.ref);
    if (at == rows_.end() || at->second.finished) {
      return;
    }
    at->second.ack = kept_form(ack);
    if (wire::is_terminal(ack.state)) {
      at->second.finished = true;
      --open_;
    }
  }

  Result<void> cancel_ahead(const wire::MessageId& id, wire::Timestamp expires) override {
    const Lock lock(mutex_);
    if (rows_.contains(id)) {
      return {};
    }
    if (!make_room()) {
      return full();
    }
    insert(id, Row{expires, {}, /*finished=*/true, /*cancelled_ahead=*/true});
    return {};
  }

  std::optional<std::string> recorded(const wire::MessageId& id) const override {
    const Lock lock(mutex_);
    const auto at = rows_.find(id);
    if (at == rows_.end() || at->second.cancelled_ahead) {
      return std::nullopt;
    }
    return at->second.ack;
  }

  std::size_t open() const override {
    const Lock lock(mutex_);
    return open_;
  }

 private:
  struct Row {
    wire::Timestamp expires;
    std::string ack;
    bool finished = false;
    bool cancelled_ahead = false;
  };

  Result<Entry> enter(const Opened& command) {
    const Lock lock(mutex_);
    const auto& id = command.envelope.id;
    if (const auto at = rows_.find(id); at != rows_.end()) {
      if (!at->second.cancelled_ahead) {
        return Entry{Verdict::repeated, at->second.ack};
      }
      at->second.cancelled_ahead = false;  // its `cancelled` ACK is recorded next
      at->second.finished = false;
      ++open_;
      return Entry{Verdict::cancelled, {}};
    }
    if (!make_room()) {
      return full();
    }
    insert(id, Row{command.envelope.expires.value_or(clock_() + wire::kDefaultExpiry), {}});
    ++open_;
    return Entry{Verdict::fresh, {}};
  }

  tl::unexpected<Error> full() const {
    return failure(ErrorCode::overloaded,
                   "the unit knows " + std::to_string(capacity_) +
                       " commands that have not expired yet: try again later");
  }

  void insert(const wire::MessageId& id, Row row) STEWARD_REQUIRES(mutex_) {
    by_expiry_.emplace(row.expires, id);
    rows_.emplace(id, std::move(row));
  }

  // Finished commands that have expired cannot come again: the channel refuses them.
  bool make_room() STEWARD_REQUIRES(mutex_) {
    if (rows_.size() < capacity_) {
      return true;
    }
    const auto now = clock_();
    for (auto at = by_expiry_.begin(); at != by_expiry_.end() && at->first < now;) {
      const auto row = rows_.find(at->second);
      if (row->second.finished) {
        rows_.erase(row);
        at = by_expiry_.erase(at);
      } else {
        ++at;
      }
    }
    return rows_.size() < capacity_;
  }

  const std::size_t capacity_;
  const std::function<wire::Timestamp()> clock_;
  mutable Mutex mutex_;
  std::unordered_map<wire::MessageId, Row> rows_ STEWARD_GUARDED_BY(mutex_);
  std::set<std::pair<wire::Timestamp, wire::MessageId>> by_expiry_ STEWARD_GUARDED_BY(mutex_);
  std::size_t open_ STEWARD_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::unique_ptr<Ledger> memory_ledger(std::size_t capacity,
                                      std::function<wire::Timestamp()> clock) {
  return std::make_unique<MemoryLedger>(capacity, std::move(clock));
}

}  // namespace steward::bus
