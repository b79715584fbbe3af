#pragma once

#include <cstddef>
#include <string_view>

namespace steward::handlers::syslogforwarding {

inline bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

// A view that is eaten from the front, its place in the whole known.
class Scan {
 public:
  explicit Scan(std::string_view whole, std::size_t at = 0) : whole_(whole), at_(at) {}

  std::size_t at() const { return at_; }

  std::string_view rest() const { return whole_.substr(at_); }

  bool empty() const { return at_ >= whole_.size(); }

  char next() const { return empty() ? '\0' : whole_[at_]; }

  void skip(std::size_t letters) { at_ += letters; }

  bool take(char letter) {
    if (next() != letter || empty()) {
      return false;
    }
    ++at_;
    return true;
  }

  void skip_blanks() {
    while (next() == ' ') {
      ++at_;
    }
  }

  // Up to the next blank or the end, which is not taken.
  std::string_view word() {
    const auto end = whole_.find(' ', at_);
    const auto text = whole_.substr(at_, end == std::string_view::npos ? end : end - at_);
    at_ += text.size();
    return text;
  }

  // So many digits at the most; -1: there is none.
  int number(std::size_t most) {
    int value = 0;
    std::size_t digits = 0;
    while (digits < most && is_digit(next())) {
      value = value * 10 + (next() - '0');
      ++at_;
      ++digits;
    }
    return digits == 0 ? -1 : value;
  }

 private:
  std::string_view whole_;
  std::size_t at_;
};

}  // namespace steward::handlers::syslogforwarding
