#include "steward/logs/syslog_outlet.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace steward::station::syslog_outlet_test {
namespace {

using std::chrono::milliseconds;

// A server whose kernel takes what comes; whether it is read, the test says.
struct Listening {
  Listening() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }

  runtime::Fd accept() const {
    return runtime::Fd(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  runtime::Fd socket;
  int port = 0;
};

LogGroup one_line(const std::string& text) {
  LogGroup made;
  wire::LogLine line;
  line.line = text;
  line.length = text.size();
  made.items.push_back({0, "ship1", "web", "s", line, ""});
  return made;
}

// Steps until it takes groups, then gives it one, and waits until the other kernel has it.
void give(SyslogOutlet& outlet,
          const runtime::Fd& peer,
          const std::string& text,
          Outlet::Steady now) {
  pollfd ready{outlet.watch().fd, POLLOUT, 0};
  for (int tries = 0; !outlet.wants() && tries < 1'000; ++tries) {
    REQUIRE(outlet.step(now));
    ready.fd = outlet.watch().fd;
    ::poll(&ready, 1, 10);
  }
  auto group = one_line(text);
  REQUIRE(outlet.take(group, now));
  pollfd here{peer.get(), POLLIN, 0};
  REQUIRE(::poll(&here, 1, 10'000) == 1);
  // Acknowledged, too: the count of that is taken at a call.
  for (int tries = 0; tries < 100; ++tries) {
    outlet.settled(now);
  }
}

// An outlet whose connection the server can accept.
struct Connected {
  Connected() { REQUIRE(outlet.step(now)); }

  Listening server;
  SyslogOutlet outlet{{"127.0.0.1", std::to_string(server.port), std::nullopt}};
  const Outlet::Steady now{std::chrono::hours(1)};
};

}  // namespace

TEST_CASE("syslog outlet: a line is handed on once its connection has lived on for two seconds") {
  Connected connected;
  auto& [server, outlet, now] = connected;
  const auto peer = server.accept();
  give(outlet, peer, "one", now);
  CHECK(outlet.settled(now) == 0);
  CHECK(outlet.settled(now + milliseconds(1'999)) == 0);
  CHECK(outlet.settled(now + milliseconds(2'000)) == 1);
  CHECK(outlet.settled(now + milliseconds(2'000)) == 0);
}

TEST_CASE("syslog outlet: what the server's kernel had when it died is not handed on") {
  Connected connected;
  auto& [server, outlet, now] = connected;
  {
    const auto peer = server.accept();
    give(outlet, peer, "one", now);
  }
  Result<void> stepped;
  for (int tries = 0; stepped && tries < 1'000; ++tries) {
    stepped = outlet.step(now + milliseconds(10));
  }
  REQUIRE_FALSE(stepped);
  CHECK(stepped.error().code == ErrorCode::unavailable);
  CHECK(outlet.settled(now + milliseconds(5'000)) == 0);
}

TEST_CASE("syslog outlet: what does not fit into a kernel's buffer behind it settles it at once") {
  Connected connected;
  auto& [server, outlet, now] = connected;
  const auto peer = server.accept();
  give(outlet, peer, "one", now);
  CHECK(outlet.settled(now) == 0);
  const std::string long_line(60'000, 'x');
  std::size_t settled = 0;
  std::array<char, 65'536> room{};
  for (int i = 0; i < 1'000 && settled == 0; ++i) {
    if (outlet.wants()) {
      auto group = one_line(long_line);
      REQUIRE(outlet.take(group, now));
    }
    while (::recv(peer.get(), room.data(), room.size(), MSG_DONTWAIT) > 0) {
    }
    REQUIRE(outlet.step(now));
    settled = outlet.settled(now);
  }
  CHECK(settled == 1);
}

}  // namespace steward::station::syslog_outlet_test
