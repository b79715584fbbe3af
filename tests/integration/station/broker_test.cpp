#include "steward/broker.hpp"

#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>

namespace steward::tests::broker_test {
namespace {

// A listener on a port of this machine that is not ours to take.
class Occupant {
 public:
  Occupant() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket_.get(), generic, sizeof address) == 0);
    REQUIRE(::listen(socket_.get(), 1) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket_.get(), generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  }

  std::uint16_t port() const { return port_; }

  void leave() { socket_.reset(); }

 private:
  runtime::Fd socket_;
  std::uint16_t port_ = 0;
};

// A managed broker on a loop of its own, which ends when the story is over, or after 30 s.
struct Story {
  explicit Story(std::uint16_t port,
                 std::vector<std::filesystem::path> folders =
                     station::nats_server_folders(std::getenv("PATH")))
      : broker({"steward-test", folder.path() / "broker", std::move(folders), port},
               loop,
               processes,
               runtime::Logger(sink, "broker"),
               {[this](const std::string& url) { on_ready(url); },
                [this](const Error& error) {
                  failure = error;
                  loop.stop();
                }}),
        watchdog(loop, [this] {
          FAIL_CHECK("nothing happened for 30 s");
          loop.stop();
        }) {
    watchdog.start(std::chrono::seconds(30));
  }

  void on_ready(const std::string& url) {
    urls.push_back(url);
    if (urls.size() == wanted) {
      loop.stop();
    }
  }

  // Runs until it came up that often in all.
  void run_until(std::size_t count) {
    wanted = count;
    loop.run();
  }

  void end() {
    broker.stop([this] { loop.stop(); });
    loop.run();
    watchdog.stop();
  }

  TemporaryFolder folder;
  runtime::LogSink sink{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  runtime::Loop loop;
  runtime::Processes processes{loop};
  std::vector<std::string> urls;
  std::size_t wanted = 1;
  std::optional<Error> failure;
  station::Broker broker;
  runtime::Timer watchdog;
};

bool installed() {
  if (station::find_nats_server(station::nats_server_folders(std::getenv("PATH")))) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("nats-server is not installed");
  }
  MESSAGE("SKIPPED: nats-server is not installed");
  return false;
}

TEST_CASE("managed broker: it takes its port, on this machine only, with a private configuration") {
  if (!installed()) {
    return;
  }
  Occupant occupant;
  const auto port = occupant.port();
  occupant.leave();
  Story story(port);
  REQUIRE(story.broker.start());
  story.run_until(1);
  CHECK(story.urls.back() == "nats://127.0.0.1:" + std::to_string(port));
  CHECK(story.broker.version().substr(0, 2) == "2.");

  struct stat config {};

  REQUIRE(::stat((story.folder.path() / "broker/nats-server.conf").c_str(), &config) == 0);
  CHECK((config.st_mode & 0777) == 0600);
  CHECK(connect(story.urls.back(), "test")->status().state == bus::LinkState::up);
  story.end();
}

TEST_CASE("managed broker: a port that somebody else has is left alone") {
  if (!installed()) {
    return;
  }
  const Occupant occupant;
  Story story(occupant.port());
  REQUIRE(story.broker.start());
  story.run_until(1);
  REQUIRE(story.urls.size() == 1);
  CHECK(story.urls[0] != "nats://127.0.0.1:" + std::to_string(occupant.port()));
  CHECK(connect(story.urls[0], "test")->status().state == bus::LinkState::up);
  story.end();
}

TEST_CASE("managed broker: killed, it comes back on the same port by itself") {
  if (!installed()) {
    return;
  }
  const Occupant occupant;
  Story story(occupant.port());
  REQUIRE(story.broker.start());
  story.run_until(1);
  for (std::size_t kills = 1; kills <= 3; ++kills) {
    REQUIRE(story.broker.pid());
    REQUIRE(tests::send_signal(*story.broker.pid(), SIGKILL));
    story.run_until(kills + 1);
    REQUIRE(story.urls.size() == kills + 1);
    CHECK(story.urls.back() == story.urls.front());
  }
  CHECK(connect(story.urls.back(), "test")->status().state == bus::LinkState::up);
  story.end();
  CHECK_FALSE(story.broker.pid());
}

TEST_CASE("managed broker: without a nats-server the start fails with what to do") {
  const TemporaryFolder empty;
  Story story(4222, {empty.path()});
  const auto started = story.broker.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ErrorCode::not_found);
  CHECK(started.error().message.find("apt install nats-server") != std::string::npos);
  story.watchdog.stop();
}

}  // namespace
}  // namespace steward::tests::broker_test
