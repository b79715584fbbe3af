#include "handlers/shellcommand/kept_output.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {

void Ring::push(std::string_view bytes, std::size_t limit) {
  if (bytes.size() >= limit) {
    bytes_.assign(bytes.substr(bytes.size() - limit));
    oldest_ = 0;
    return;
  }
  if (bytes_.size() > limit) {
    shrink(limit);
  }
  if (bytes_.size() < limit) {  // grows to its end first; oldest_ is 0 until it is full
    if (oldest_ != 0) {
      shrink(bytes_.size());
    }
    const std::size_t room = std::min(limit - bytes_.size(), bytes.size());
    if (bytes_.capacity() < bytes_.size() + room) {
      bytes_.reserve(std::min(limit, std::max(bytes_.size() + room, bytes_.capacity() * 2)));
    }
    bytes_.append(bytes.substr(0, room));
    bytes.remove_prefix(room);
  }
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), bytes_.size() - oldest_);
    bytes_.replace(oldest_, count, bytes.substr(0, count));
    oldest_ = (oldest_ + count) % bytes_.size();
    bytes.remove_prefix(count);
  }
}

void Ring::shrink(std::size_t limit) {
  std::rotate(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(oldest_), bytes_.end());
  oldest_ = 0;
  if (bytes_.size() > limit) {
    bytes_.erase(0, bytes_.size() - limit);
    bytes_.shrink_to_fit();
  }
}

std::string Ring::text() const { return bytes_.substr(oldest_) + bytes_.substr(0, oldest_); }

KeptOutput::KeptOutput(std::size_t max_bytes, wire::OutputKeep keep) {
  const std::size_t budget = std::min(max_bytes, kMost);
  head_room_ = keep == wire::OutputKeep::head   ? budget
               : keep == wire::OutputKeep::tail ? 0
                                                : budget / 2;
  tail_budget_ = budget - head_room_;
}

void KeptOutput::add(int fd, std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  Stream& mine = streams_[fd == 2 ? 1 : 0];
  if (!mine.digest) {
    mine.digest.emplace();
  }
  mine.digest->update(bytes);
  // A head ends for good with the first byte that had no room.
  if (mine.head.size() == mine.total) {
    const std::size_t count = std::min(head_room_, bytes.size());
    mine.head.append(bytes.substr(0, count));
    head_room_ -= count;
    mine.total += count;
    bytes.remove_prefix(count);
  }
  mine.total += bytes.size();
  if (!bytes.empty() && tail_budget_ > 0) {
    add_tail(mine, streams_[fd == 2 ? 0 : 1], bytes);
  }
}

void KeptOutput::skip(int fd, std::uint64_t bytes) {
  Stream& mine = streams_[fd == 2 ? 1 : 0];
  mine.tail.shrink(0);
  mine.total += bytes;
  mine.whole = mine.whole && bytes == 0;
}

// Each stream may have half the budget, and what the other does not use of its half.
void KeptOutput::add_tail(Stream& mine, Stream& other, std::string_view bytes) {
  const std::size_t half = tail_budget_ / 2;
  const std::size_t wanted = mine.tail.size() + bytes.size();
  const std::size_t others = std::min(other.tail.size(), tail_budget_ - std::min(wanted, half));
  if (other.tail.size() > others) {
    other.tail.shrink(others);
  }
  mine.tail.push(bytes, tail_budget_ - others);
}

Excerpt KeptOutput::read(int fd, std::uint64_t offset, std::size_t length) const {
  const Stream& from = stream(fd);
  if (offset < from.head.size()) {
    return {offset, from.head.substr(offset, length)};
  }
  const std::uint64_t tail_at = from.total - from.tail.size();
  const std::uint64_t at = std::min(std::max(offset, tail_at), from.total);
  return {at, from.tail.text().substr(at - tail_at, length)};
}

wire::StreamResult KeptOutput::result(int fd) {
  Stream& from = streams_[fd == 2 ? 1 : 0];
  wire::StreamResult result;
  result.total_bytes = from.total;
  result.head = from.head;
  result.tail = from.tail.text();
  result.truncated = from.head.size() + from.tail.size() < from.total;
  if (!result.truncated) {
    result.head += std::exchange(result.tail, "");
  }
  if (from.digest) {
    result.sha256 = from.whole ? from.digest->hex() : "";
    from.digest.reset();
  }
  return result;
}

}  // namespace steward::handlers::shellcommand
