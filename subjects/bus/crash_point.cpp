#include "subjects/bus/crash_point.hpp"

#if defined(STEWARD_CRASH_POINTS)

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>

namespace steward::bus {
namespace {

constexpr int kMisspelled = 70;  // EX_SOFTWARE of sysexits.h

struct Order {
  std::string_view point;
  long pass = 0;
  std::string_view about;
};

// Straight to the descriptor: nothing of this process may be relied on.
void say(std::string_view text) {
  const std::string line = "crash point: " + std::string(text) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

std::optional<Order> read_order() {
  const char* text = std::getenv("STEWARD_CRASH");
  if (text == nullptr || *text == '\0') {
    return std::nullopt;
  }
  const std::string_view words(text);  // of the environment, which nobody changes
  const auto colon = words.find(':');
  Order order{words.substr(0, colon)};
  if (colon != std::string_view::npos) {
    const auto rest = words.substr(colon + 1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), order.pass);
    const auto read = static_cast<std::size_t>(end - rest.data());
    if (read < rest.size() && rest[read] == ':') {
      order.about = rest.substr(read + 1);
    } else if (read != rest.size()) {
      order.pass = 0;
    }
  }
  if (order.pass < 1 ||
      std::find(kCrashPoints.begin(), kCrashPoints.end(), order.point) == kCrashPoints.end()) {
    say("STEWARD_CRASH is not <point>:<n>[:<about>]: " + std::string(words));
    ::_exit(kMisspelled);
  }
  return order;
}

}  // namespace

void crash_point(CrashPoint point, std::string_view about) {
  static const std::optional<Order> order = read_order();
  static std::atomic<long> passes{0};
  if (!order || point.name() != order->point || (!order->about.empty() && about != order->about)) {
    return;
  }
  if (passes.fetch_add(1) + 1 == order->pass) {
    say(std::string(point.name()) + " reached");
    ::kill(::getpid(), SIGKILL);
    for (;;) {
      ::pause();  // the signal is for all threads: this one does nothing more
    }
  }
}

}  // namespace steward::bus

#endif
