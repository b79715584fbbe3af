#pragma once

#include "subjects/wire/names.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace steward::handlers::shellcommand {

// Whose turn it is. First come, first served; a serial command runs alone, a parallel one beside
// other parallel ones, at most as many as it says. (What `replace` and `reject` do to the others,
// the handler does; their turn is a serial one's.)
class Turns {
 public:
  void add(const wire::MessageId& id, wire::QueueMode mode, std::int64_t max_parallel);

  // The next one that may start: it counts as running from here on.
  std::optional<wire::MessageId> next();

  // Ended, or given up while it waited.
  void remove(const wire::MessageId& id);

  // Waiting ones, the last first, then running ones: the order to end them in, so that the end of
  // one starts no other.
  std::vector<wire::MessageId> all_last_first() const;

  // How many stand before a waiting one, running ones included.
  std::size_t position(const wire::MessageId& id) const;

  std::size_t waiting() const { return waiting_.size(); }

  bool empty() const { return waiting_.empty() && running_.empty(); }

 private:
  struct Entry {
    wire::MessageId id;
    bool parallel = false;
    std::size_t most = 1;
  };

  std::deque<Entry> waiting_;
  std::vector<Entry> running_;
};

}  // namespace steward::handlers::shellcommand
