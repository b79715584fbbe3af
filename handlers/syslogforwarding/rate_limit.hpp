#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace steward::handlers::syslogforwarding {

// So many lines a second of each severity to each domain, and as many at once; errors and worse
// always pass. One thread.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(double lines_a_second) : rate_(lines_a_second) {}

  bool is_set() const { return rate_ > 0; }

  bool allows(std::string_view domain, int severity, std::chrono::steady_clock::time_point now) {
    constexpr int kAlways = 3;
    if (rate_ <= 0 || severity <= kAlways) {
      return true;
    }
    auto found = buckets_.find(domain);
    if (found == buckets_.end()) {
      found = buckets_.emplace(std::string(domain), Buckets{}).first;
      found->second.fill({rate_, now});
    }
    auto& bucket = found->second[static_cast<std::size_t>(severity)];
    const std::chrono::duration<double> passed = now - bucket.at;
    bucket.at = now;
    bucket.left = std::min(rate_, bucket.left + passed.count() * rate_);
    if (bucket.left < 1) {
      return false;
    }
    bucket.left -= 1;
    return true;
  }

 private:
  struct Bucket {
    double left = 0;
    std::chrono::steady_clock::time_point at;
  };

  using Buckets = std::array<Bucket, 8>;

  const double rate_;
  std::map<std::string, Buckets, std::less<>> buckets_;
};

}  // namespace steward::handlers::syslogforwarding
