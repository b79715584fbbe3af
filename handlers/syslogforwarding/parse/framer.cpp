#include "handlers/syslogforwarding/parse/framer.hpp"

#include "handlers/syslogforwarding/parse/scan.hpp"

#include <algorithm>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::size_t kMostDigits = 9;
constexpr std::size_t kNone = std::string_view::npos;

struct Count {
  enum class Kind { none, unfinished, count };
  Kind kind = Kind::none;
  std::size_t value = 0;
  std::size_t digits = 0;
};

// "123 <": the bracket keeps a text that begins with a number apart.
Count find_count(std::string_view bytes) {
  Count count;
  while (count.digits < std::min(bytes.size(), kMostDigits) && is_digit(bytes[count.digits])) {
    count.value = count.value * 10 + static_cast<std::size_t>(bytes[count.digits] - '0');
    ++count.digits;
  }
  if (count.digits == 0 || bytes[0] == '0') {
    return {};
  }
  const auto behind = bytes.substr(count.digits, 2);
  if (behind == " <" && count.value > 0) {
    count.kind = Count::Kind::count;
  } else if (behind.empty() || behind == " ") {
    count.kind = Count::Kind::unfinished;
  }
  return count;
}

}  // namespace

void Framer::feed(std::string_view bytes, const Take& take) {
  std::string both;
  if (!waiting_.empty()) {
    both.swap(waiting_);
    both += bytes;
    bytes = both;
  }
  while (!bytes.empty()) {
    const std::size_t taken = consume(bytes, take);
    if (taken == 0) {
      break;
    }
    bytes.remove_prefix(taken);
  }
  waiting_ = bytes;
}

// How much of it is done with; 0: more has to come first.
std::size_t Framer::consume(std::string_view bytes, const Take& take) {
  if (whole_ != 0) {
    return skip(bytes, take);
  }
  switch (find_count(bytes).kind) {
    case Count::Kind::count:
      return counted(bytes, take);
    case Count::Kind::unfinished:
      return 0;
    case Count::Kind::none:
      break;
  }
  return ended(bytes, take);
}

std::size_t Framer::counted(std::string_view bytes, const Take& take) {
  const auto count = find_count(bytes);
  const auto head = count.digits + 1;
  const auto message = bytes.substr(head);
  if (message.size() >= count.value) {
    auto text = message.substr(0, count.value);
    if (text.size() <= most_ && text.back() == '\n') {
      text.remove_suffix(1);  // rsyslog counts one in at times
    }
    take(text.substr(0, most_), text.size() > most_ ? text.size() : 0);
    return head + count.value;
  }
  if (message.size() <= most_) {
    return 0;
  }
  cut_ = message.substr(0, most_);
  whole_ = message.size();
  behind_ = count.value - message.size();
  return bytes.size();
}

std::size_t Framer::find_end(std::string_view bytes) {
  if (end_known_) {
    return bytes.find(end_);
  }
  const auto end = bytes.find_first_of(std::string_view("\n\0", 2));
  if (end != kNone) {
    end_ = bytes[end];
    end_known_ = true;
  }
  return end;
}

std::size_t Framer::ended(std::string_view bytes, const Take& take) {
  const auto end = find_end(bytes);
  if (end == kNone) {
    if (bytes.size() <= most_) {
      return 0;
    }
    cut_ = bytes.substr(0, most_);
    whole_ = bytes.size();
    behind_ = 0;
    return bytes.size();
  }
  auto text = bytes.substr(0, end);
  if (!text.empty() && text.size() <= most_ && text.back() == '\r') {
    text.remove_suffix(1);
  }
  if (!text.empty()) {
    take(text.substr(0, most_), text.size() > most_ ? text.size() : 0);
  }
  return end + 1;
}

std::size_t Framer::skip(std::string_view bytes, const Take& take) {
  std::size_t taken = 0;
  std::size_t counts = 0;
  bool over = false;
  if (behind_ != 0) {
    taken = counts = std::min(behind_, bytes.size());
    behind_ -= taken;
    over = behind_ == 0;
  } else {
    const auto end = find_end(bytes);
    over = end != kNone;
    counts = over ? end : bytes.size();
    taken = over ? end + 1 : bytes.size();
  }
  whole_ += counts;
  if (over) {
    take(cut_, whole_);
    whole_ = 0;
    cut_.clear();
  }
  return taken;
}

void Framer::end(const Take& take) {
  if (whole_ != 0) {
    take(cut_, whole_);
  } else if (!waiting_.empty()) {
    const std::string_view text = waiting_;
    take(text.substr(0, most_), text.size() > most_ ? text.size() : 0);
  }
  waiting_.clear();
  whole_ = 0;
}

}  // namespace steward::handlers::syslogforwarding
