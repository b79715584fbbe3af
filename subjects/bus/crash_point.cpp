#include "subjects/bus/crash_point.hpp"

#if defined(STEWARD_CRASH_POINTS)

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace steward::bus {
namespace {

constexpr int kMisspelled = 70;  // EX_SOFTWARE of sysexits.h
constexpr std::chrono::seconds kStall{10};

// What the environment says under one name.
struct Order {
  std::string_view point;
  long pass = 0;
  std::string_view about;
  std::atomic<long> passes{0};

  explicit Order(const char* name);

  // Whether this is the pass that is meant.
  bool meets(CrashPoint passed, std::string_view passed_about) {
    return pass > 0 && passed.name() == point && (about.empty() || about == passed_about) &&
           passes.fetch_add(1) + 1 == pass;
  }
};

// Straight to the descriptor: nothing of this process may be relied on.
void say(std::string_view text) {
  const std::string line = "crash point: " + std::string(text) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

Order::Order(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') {
    return;
  }
  const std::string_view words(text);  // of the environment, which nobody changes
  const auto colon = words.find(':');
  point = words.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto rest = words.substr(colon + 1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pass);
    const auto read = static_cast<std::size_t>(end - rest.data());
    if (read < rest.size() && rest[read] == ':') {
      about = rest.substr(read + 1);
    } else if (read != rest.size()) {
      pass = 0;
    }
  }
  if (pass < 1 ||
      std::find(kCrashPoints.begin(), kCrashPoints.end(), point) == kCrashPoints.end()) {
    say(std::string(name) + " is not <point>:<n>[:<about>]: " + std::string(words));
    ::_exit(kMisspelled);
  }
}

}  // namespace

void crash_point(CrashPoint point, std::string_view about) {
  static Order crash("STEWARD_CRASH");
  static Order stall("STEWARD_STALL");
  static Order fail("STEWARD_THROW");
  if (crash.meets(point, about)) {
    say(std::string(point.name()) + " reached");
    ::kill(::getpid(), SIGKILL);
    for (;;) {
      ::pause();  // the signal is for all threads: this one does nothing more
    }
  }
  if (stall.meets(point, about)) {
    say(std::string(point.name()) + " stalls");
    std::this_thread::sleep_for(kStall);
  }
  if (fail.meets(point, about)) {
    say(std::string(point.name()) + " throws");
    throw std::runtime_error("thrown at " + std::string(point.name()));
  }
}

}  // namespace steward::bus

#endif
