#include "tests/integration/link/heard.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::loss_test {

using steward::ErrorCode;
using steward::bus::LinkState;
using steward::bus::NatsBus;
using steward::tests::eventually;
using steward::tests::Heard;
using steward::tests::message;
using steward::tests::NatsServer;
using steward::tests::quick_options;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

std::size_t count_in(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++count;
  }
  return count;
}

std::chrono::milliseconds since(Clock::time_point begun) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
}

}  // namespace

TEST_CASE("link: back within a second after the broker is killed and restarted under load") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto bus = *NatsBus::open(quick_options(*server));
  Heard heard;
  const auto hears = bus->subscribe("load.>", heard.sink());
  REQUIRE(bus->wait_until_up(10s));
  std::atomic<bool> stop = false;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&] {
      while (!stop) {
        if (!bus->publish(message("load.a", std::string(200, 'x')))) {
          std::this_thread::sleep_for(1ms);
        }
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    REQUIRE(eventually([&] { return heard.count() > 100; }));
    server->kill9();
    REQUIRE(eventually([&] { return bus->status().state == LinkState::connecting; }));
    CHECK(!bus->status().last_error.empty());
    server->restart();
    const auto open_since = Clock::now();
    REQUIRE(bus->wait_until_up(10s));
    CHECK(since(open_since) < 1s);
    const auto before = heard.count();
    CHECK(eventually([&] { return heard.count() > before + 100; }));
    CHECK(bus->status().connects == static_cast<std::uint64_t>(round) + 2);
  }
  stop = true;
  for (auto& writer : writers) {
    writer.join();
  }
}

TEST_CASE("link: a broker that comes later than the bus, on a bus without a link") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  server->kill9();
  const auto bus = *NatsBus::open(quick_options(*server));
  Heard heard;
  const auto hears = bus->subscribe("a", heard.sink());
  CHECK(bus->publish(message("a")).error().code == ErrorCode::unavailable);
  CHECK(bus->flush(1s).error().code == ErrorCode::unavailable);
  const auto waited = bus->wait_until_up(50ms);
  REQUIRE(!waited);
  CHECK(waited.error().code == ErrorCode::timed_out);
  server->restart();
  REQUIRE(bus->wait_until_up(10s));
  REQUIRE(bus->publish(message("a")));
  CHECK(eventually([&] { return heard.count() == 1; }));
}

TEST_CASE("link: goes on trying when the broker refuses the login, until it takes it") {
  NatsServer::Options guarded;
  guarded.arguments = {"--user", "ship1", "--pass", "right"};
  const auto server = NatsServer::start(guarded);
  if (!server) {
    return;
  }
  auto options = quick_options(*server);
  options.longest_backoff = 20ms;
  options.user = "ship1";
  options.password = "other";
  const auto bus = *NatsBus::open(std::move(options));
  const auto refusals = [&server] {
    std::size_t count = 0;
    const auto log = server->log();
    for (auto at = log.find("authentication error"); at != std::string::npos;
         at = log.find("authentication error", at + 1)) {
      ++count;
    }
    return count;
  };
  CHECK(eventually([&] { return refusals() >= 10; }));
  CHECK(bus->status().state == LinkState::connecting);
  CHECK(bus->status().last_error.find("uthoriz") != std::string::npos);
  server->restart({"--user", "ship1", "--pass", "other"});
  CHECK(bus->wait_until_up(10s));
}

TEST_CASE("link: a broker that stops answering is noticed within two pings") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  constexpr auto kPing = 200ms;
  auto options = quick_options(*server);
  options.ping_interval = kPing;
  const auto bus = *NatsBus::open(std::move(options));
  REQUIRE(bus->wait_until_up(10s));
  server->freeze();
  const auto frozen_since = Clock::now();
  REQUIRE(eventually([&] { return bus->status().state == LinkState::connecting; }));
  // The next ping begins at most one interval later, and has two.
  CHECK(since(frozen_since) < 3 * kPing + 500ms);
  CHECK(bus->status().last_error.find("does not answer") != std::string::npos);
  server->thaw();
  CHECK(bus->wait_until_up(10s));
}

TEST_CASE("link: publishers into a broker that takes nothing are let go, and the bus ends") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  auto options = quick_options(*server);
  options.ping_interval = 200ms;
  auto bus = *NatsBus::open(std::move(options));
  REQUIRE(bus->wait_until_up(10s));
  server->freeze();
  const auto frozen_since = Clock::now();
  const auto large = message("a", std::string(500'000, 'x'));
  bool refused = false;
  while (!refused && since(frozen_since) < 20s) {
    refused = !bus->publish(large);
  }
  CHECK(refused);
  CHECK(since(frozen_since) < 5s);
  bus.reset();
  CHECK(since(frozen_since) < 10s);
}

TEST_CASE("link: 200 reconnects leave threads and file descriptors as they were") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  auto options = quick_options(*server);
  options.first_backoff = 1ms;
  options.longest_backoff = 2ms;
  const auto bus = *NatsBus::open(std::move(options));
  Heard heard;
  const auto hears = bus->subscribe("a", heard.sink());
  REQUIRE(bus->wait_until_up(10s));
  const auto reconnect = [&] {
    const auto before = bus->status().connects;
    server->kill9();
    server->restart();
    REQUIRE(eventually([&] { return bus->status().connects > before; }));
    REQUIRE(bus->wait_until_up(10s));
  };
  reconnect();
  const auto threads = count_in("/proc/self/task");
  const auto files = count_in("/proc/self/fd");
  for (int i = 0; i < 200; ++i) {
    reconnect();
  }
  CHECK(eventually([&] { return count_in("/proc/self/task") <= threads; }));
  CHECK(count_in("/proc/self/fd") <= files);
  REQUIRE(bus->publish(message("a")));
  CHECK(eventually([&] { return heard.count() == 1; }));
}

TEST_CASE("link: what the broker does not permit is counted and said") {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("steward-link-" + std::to_string(getpid()) + ".conf");
  {
    std::ofstream config(folder);
    config << "authorization { users = [ { user: u, password: p, permissions: "
              "{ publish: \"ship1.event.>\", subscribe: \"ship1.command.>\" } } ] }\n";
  }
  NatsServer::Options guarded;
  guarded.arguments = {"-c", folder};
  const auto server = NatsServer::start(guarded);
  if (!server) {
    return;
  }
  auto options = quick_options(*server);
  options.user = "u";
  options.password = "p";
  const auto bus = *NatsBus::open(std::move(options));
  REQUIRE(bus->wait_until_up(10s));
  REQUIRE(bus->publish(message("ship2.event.hello.agent")));
  CHECK(eventually([&] { return bus->status().denials == 1; }));
  CHECK(bus->status().last_error.find("ship2.event.hello.agent") != std::string::npos);
  CHECK(bus->status().state == LinkState::up);
  std::filesystem::remove(folder);
}

}  // namespace steward::tests::loss_test
