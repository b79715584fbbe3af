#include "tests/integration/link/heard.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::signals_test {

using steward::bus::LinkState;
using steward::bus::NatsBus;
using steward::tests::eventually;
using steward::tests::Heard;
using steward::tests::message;
using steward::tests::NatsServer;
using steward::tests::quick_options;
using namespace std::chrono_literals;

namespace {

std::vector<pid_t> other_threads() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const auto thread = static_cast<pid_t>(std::stol(entry.path().filename().string()));
    if (thread != gettid()) {
      threads.push_back(thread);
    }
  }
  return threads;
}

}  // namespace

// SIGCHLD comes often to an agent that runs commands, and to any of its threads that takes it:
// here each other thread is sent some signals by itself.
TEST_CASE("link: signals to the process do not cost the connection") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }

  struct sigaction noticed {};

  noticed.sa_handler = [](int) {};

  struct sigaction before {};

  REQUIRE(sigaction(SIGUSR2, &noticed, &before) == 0);
  const auto bus = *NatsBus::open(quick_options(*server));
  Heard heard;
  const auto hears = bus->subscribe("a.b", heard.sink());
  REQUIRE(bus->wait_until_up(10s));

  for (const pid_t thread : other_threads()) {
    for (int i = 0; i < 10; ++i) {
      REQUIRE(tgkill(getpid(), thread, SIGUSR2) == 0);
      std::this_thread::sleep_for(1ms);
    }
  }
  std::this_thread::sleep_for(100ms);  // for a loss to be seen
  CHECK(bus->status().state == LinkState::up);
  CHECK(bus->status().connects == 1);
  REQUIRE(bus->publish(message("a.b", "x")));
  CHECK(eventually([&] { return heard.count() == 1; }));

  sigaction(SIGUSR2, &before, nullptr);
}

}  // namespace steward::tests::signals_test
