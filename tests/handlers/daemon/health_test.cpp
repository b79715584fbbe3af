// Daemons that are asked whether they are ready and well.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/free_port.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

namespace steward::handlers::daemon::health_test {

using wire::CommandState;
using wire::DaemonState;

// Something that listens, on a port of 127.0.0.1 or at a path.
class Listener {
 public:
  explicit Listener(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int again = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(fd_, 64) == 0);
  }

  explicit Listener(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(fd_, 64) == 0);
  }

  ~Listener() { close(fd_); }

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

// Answers every question with one status.
class WebServer {
 public:
  explicit WebServer(std::uint16_t port) : listener_(port), thread_([this] { serve(); }) {}

  ~WebServer() {
    ends_ = true;
    thread_.join();
  }

  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::atomic<int> status{200};

 private:
  void serve() {
    while (!ends_) {
      pollfd ready{listener_.fd(), POLLIN, 0};
      if (poll(&ready, 1, 20) != 1) {
        continue;
      }
      const int connection = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      char question[1'024];
      std::ignore = recv(connection, question, sizeof question, 0);
      const auto answer = "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\n\r\n";
      std::ignore = send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(connection);
    }
  }

  Listener listener_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

const std::string kQuick = R"("interval_ms":50,"timeout_ms":5000,"fail":2,"grace_ms":0)";

std::string place(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

TEST_CASE("daemon health: one whose program finds it ill is started anew, and says why") {
  Rig rig;
  const auto ill = (rig.folder() / "ill").string();
  REQUIRE(rig.apply("web",
                    "exec sleep 1000",
                    R"("restart":{"min_ms":1},"health":[{"type":"exec","argv":["test","!","-e",")" +
                        ill + R"("],)" + kQuick + "}]")
              .state == CommandState::done);
  const auto pid = rig.row("web").pid;
  std::ofstream(ill) << "x";
  REQUIRE(rig.until([&] { return !rig.heard.exits("web").empty(); }));
  std::filesystem::remove(ill);
  REQUIRE(rig.until([&] {
    const auto row = rig.row("web");
    return row.state == DaemonState::ready && row.pid != pid;
  }));
  CHECK(rig.row("web").restarts >= 1);
  CHECK(std::any_of(rig.heard.events.begin(), rig.heard.events.end(), [](const auto& event) {
    return event.daemons.front().reason.find("is not well: exec test: the program says exit") !=
           std::string::npos;
  }));
}

TEST_CASE("daemon health: a check that only tells changes its state and leaves it running") {
  Rig rig;
  const auto port = tests::free_port();
  const auto path = (rig.folder() / "socket").string();
  auto tcp = std::make_unique<Listener>(port);
  auto local = std::make_unique<Listener>(path);
  REQUIRE(rig.apply("web",
                    "exec sleep 1000",
                    R"("health":[{"type":"tcp","address":")" + place(port) +
                        R"(","action":"event",)" + kQuick + R"(},{"type":"unix","path":")" + path +
                        R"(","action":"event",)" + kQuick + "}]")
              .state == CommandState::done);
  const auto pid = rig.row("web").pid;
  SUBCASE("of TCP") {
    tcp.reset();
    REQUIRE(rig.becomes("web", DaemonState::unhealthy));
    CHECK(rig.row("web").reason.find("tcp " + place(port)) == 0);
    tcp = std::make_unique<Listener>(port);
  }
  SUBCASE("of a unix socket") {
    local.reset();
    REQUIRE(rig.becomes("web", DaemonState::unhealthy));
    std::filesystem::remove(path);
    local = std::make_unique<Listener>(path);
  }
  REQUIRE(rig.becomes("web", DaemonState::ready));
  CHECK(rig.row("web").pid == pid);
  CHECK(rig.heard.exits("web").empty());
}

TEST_CASE("daemon health: HTTP is asked for its status, and what is not HTTP is ill") {
  Rig rig;
  const auto port = tests::free_port();
  WebServer server(port);
  REQUIRE(rig.apply("web",
                    "exec sleep 1000",
                    R"("ready":{"by":"http","url":"http://)" + place(port) +
                        R"(/up"},"health":[{"type":"http","url":"http://)" + place(port) +
                        R"(/","action":"event",)" + kQuick + "}]")
              .state == CommandState::done);
  server.status = 503;
  REQUIRE(rig.becomes("web", DaemonState::unhealthy));
  CHECK(rig.row("web").reason.find("answers with status 503") != std::string::npos);
  server.status = 302;
  CHECK(rig.becomes("web", DaemonState::ready));
}

TEST_CASE(
    "daemon health: one that is ready by TCP starts until its port answers, or fails in time") {
  Rig rig;
  const auto port = tests::free_port();
  const auto ready = R"("ready":{"by":"tcp","address":")" + place(port) + R"(","timeout_ms":)";
  const auto id = rig.send(R"({"op":"apply","spec":{"name":"web","argv":["sleep","1000"],)" +
                           ready + "60000}}}");
  REQUIRE(rig.becomes("web", DaemonState::starting));
  CHECK(!rig.heard.ends.contains(id));
  const Listener late(port);
  REQUIRE(rig.until([&] { return rig.heard.ends.contains(id); }));
  CHECK(rig.row("web").state == DaemonState::ready);

  const auto never = tests::free_port();
  const auto failed = rig.ask(R"({"op":"apply","spec":{"name":"deaf","argv":["sleep","1000"],)"
                              R"("ready":{"by":"tcp","address":")" +
                              place(never) + R"(","timeout_ms":100}}})");
  CHECK(failed.state == CommandState::failed);
  CHECK(failed.message.find("was not ready in time") != std::string::npos);
}

TEST_CASE("daemon health: a watchdog that hears nothing ends it, one that is fed does not") {
  Rig rig;
  const std::string dog =
      R"("restart":{"min_ms":1},"health":[{"type":"watchdog","timeout_ms":1500,"grace_ms":0}])";
  REQUIRE(rig.apply("mute", "exec sleep 1000", dog).state == CommandState::done);
  REQUIRE(rig.apply("fed",
                    "echo $WATCHDOG_USEC; while :; do systemd-notify WATCHDOG=1; sleep 0.1; done",
                    dog)
              .state == CommandState::done);
  const auto pid = rig.row("fed").pid;
  REQUIRE(rig.until([&] { return rig.heard.exits("mute").size() >= 2; }));
  CHECK(rig.row("fed").pid == pid);
  CHECK(rig.heard.exits("fed").empty());
  CHECK(rig.order("logs", "fed").result.find("1500000") != std::string::npos);
}

TEST_CASE("daemon health: checks that cannot be are refused with their field") {
  Rig rig;
  const auto refused = [&rig](const std::string& health) {
    return rig.apply("web", "exec sleep 1", R"("health":[)" + health + "]").message;
  };
  CHECK(refused(R"({"type":"tcp","address":"here"})").find("address") != std::string::npos);
  CHECK(refused(R"({"type":"http","url":"https://x/"})").find("url") != std::string::npos);
  CHECK(refused(R"({"type":"exec"})").find("argv") != std::string::npos);
  CHECK(refused(R"({"type":"unix","path":"x"})").find("path") != std::string::npos);
}

}  // namespace steward::handlers::daemon::health_test
