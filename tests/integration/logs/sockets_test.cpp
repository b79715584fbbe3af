#include "tests/integration/logs/rig.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

namespace steward::tests::sockets_test {
namespace {

// Waits until the agent listens there, and sends bytes.
void send_tcp(std::uint16_t port, const std::string& bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(eventually(
      [&] {
        return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
      },
      std::chrono::minutes(1)));
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto got = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    REQUIRE(got > 0);
    sent += static_cast<std::size_t>(got);
  }
  ::close(fd);
}

std::set<std::string> messages(const LogStream& stream) {
  std::set<std::string> all;
  for (const auto& item : stream.items) {
    if (item.line) {
      all.insert(std::string(item.line->message()));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("logs: logger's words arrive by every way and in every form that it has") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const auto port = std::to_string(free_port());
  LogStream stream(server->url());
  ForwardingAgent agent(
      server->url(),
      "unix = [\"@/log\"]\nudp = [\"127.0.0.1:" + port + "\"]\ntcp = [\"127.0.0.1:" + port + "\"]");
  REQUIRE(eventually([&] { return std::filesystem::exists(agent.path("log")); },
                     std::chrono::minutes(1)));
  const std::string net = " -n 127.0.0.1 -P " + port;
  const auto log = [](const std::string& options, const std::string& text) {
    const auto command = "logger -t web -i -p local3.warning " + options + " '" + text + "'";
    REQUIRE_MESSAGE(eventually([&] { return std::system((command + " 2>/dev/null").c_str()) == 0; },
                               std::chrono::minutes(1)),
                    command);
  };
  // Connections first: a datagram that comes too early is lost without a word.
  log("-T --rfc5424" + net, "by tcp 5424");
  log("-T --rfc3164" + net, "by tcp 3164");
  log("-T --rfc5424 --octet-count" + net, "by tcp counted");
  log("-u " + agent.path("log"), "by the socket");
  log("-d --rfc5424" + net, "by udp 5424");
  log("-d --rfc3164" + net, "by udp 3164");
  REQUIRE_MESSAGE(has_lines(stream, 6), agent.log());
  CHECK(messages(stream) == std::set<std::string>{"by the socket",
                                                  "by udp 5424",
                                                  "by udp 3164",
                                                  "by tcp 5424",
                                                  "by tcp 3164",
                                                  "by tcp counted"});
  for (const auto& item : stream.items) {
    CAPTURE(item.line->line);
    CHECK(item.line->severity == 4);
    CHECK(item.line->facility == 19);
    CHECK(item.line->program == "web");
    CHECK(!item.line->pid.empty());
  }
}

TEST_CASE("logs: rsyslogd sends by tcp, counted and by lines, and all of it arrives") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const auto port = free_port();
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "tcp = [\"127.0.0.1:" + std::to_string(port) + "\"]");
  send_tcp(port, "<13>Nov 22 02:50:54 host first: it listens\n");
  REQUIRE(has_lines(stream, 1));
  std::string framing;
  SUBCASE("counted") { framing = "octet-counted"; }
  SUBCASE("by lines") { framing = "traditional"; }
  append(agent.path("in.log"), 1, 2'000);
  std::ofstream(agent.path("rsyslog.conf"))
      << "global(workDirectory=\"" << agent.folder().string() << "\")\n"
      << "module(load=\"imfile\")\n"
      << "input(type=\"imfile\" File=\"" << agent.path("in.log") << "\" Tag=\"app:\")\n"
      << "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"" << port
      << "\" protocol=\"tcp\" TCP_Framing=\"" << framing << "\")\n";
  const auto start =
      "/usr/sbin/rsyslogd -f " + agent.path("rsyslog.conf") + " -i " + agent.path("rsyslog.pid");
  REQUIRE(std::system(start.c_str()) == 0);
  const bool all = has_lines(stream, 2'001);
  CHECK(std::system(("kill $(cat " + agent.path("rsyslog.pid") + ")").c_str()) == 0);
  REQUIRE(all);
  auto lines = stream.lines();
  lines.erase(std::remove_if(lines.begin(),
                             lines.end(),
                             [](const auto& line) { return line.find("first:") != line.npos; }),
              lines.end());
  CHECK(disorder(lines, 1, 2'000) == "");
  const auto of_program =
      std::count_if(stream.items.begin(), stream.items.end(), [](const auto& i) {
        return i.line && i.line->program == "app";
      });
  CHECK(of_program == 2'000);
}

TEST_CASE("logs: what cannot be read again waits on disk while the broker is away") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const auto port = free_port();
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "tcp = [\"127.0.0.1:" + std::to_string(port) + "\"]");
  send_tcp(port, "<13>Nov 22 02:50:54 host app: line 00000001\n");
  REQUIRE(has_lines(stream, 1));
  server->kill9();
  std::string bytes;
  for (std::size_t number = 2; number <= 5'000; ++number) {
    bytes += "<13>Nov 22 02:50:54 host app: " + numbered(number) + "\n";
  }
  send_tcp(port, bytes);
  // The last of it is on disk once the next batch's time is over: then the agent may die.
  REQUIRE(eventually([&] { return agent.log().find("connection lost") != std::string::npos; },
                     std::chrono::minutes(1)));
  agent.end_by(SIGTERM);
  agent.start();
  server->restart();
  REQUIRE_MESSAGE(has_lines(stream, 5'000), agent.log());
  CHECK(disorder(stream.lines(), 1, 5'000) == "");
}

TEST_CASE("logs: stopped, it keeps what had come and was not read yet") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const auto port = free_port();
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "tcp = [\"127.0.0.1:" + std::to_string(port) + "\"]");
  send_tcp(port, "<13>Nov 22 02:50:54 host app: line 00000001\n");
  REQUIRE(has_lines(stream, 1));
  std::string bytes;
  for (std::size_t number = 2; number <= 500; ++number) {
    bytes += "<13>Nov 22 02:50:54 host app: " + numbered(number) + "\n";
  }
  agent.send_signal(SIGSTOP);
  agent.send_signal(SIGTERM);
  send_tcp(port, bytes);  // the kernel takes the connection and all of it
  agent.end_by(SIGCONT);
  agent.start();
  REQUIRE_MESSAGE(has_lines(stream, 500), agent.log());
  CHECK(disorder(stream.lines(), 1, 500) == "");
}

TEST_CASE("logs: a spool that is full drops the least severe lines and says exactly how many") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const auto port = free_port();
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(),
                        "spool_bytes = 1048576\nbatch_bytes = 8192\nudp = [\"127.0.0.1:" +
                            std::to_string(port) + "\"]");
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto send = [&](const std::string& text) {
    ::sendto(fd,
             text.data(),
             text.size(),
             0,
             reinterpret_cast<const sockaddr*>(&address),
             sizeof address);
  };
  REQUIRE(stream.read_until([&](const LogStream& read) {
    send("<14>probe: is it there");
    return read.line_count() > 0;
  }));
  server->kill9();
  // Random letters do not compress: 8,000 lines of 400 are 3 MB and more.
  std::uint64_t state = 88'172'645'463'325'252U;
  for (int number = 1; number <= 8'000; ++number) {
    std::string text = number % 100 == 0 ? "<11>error: " : "<15>chat: ";
    text += numbered(static_cast<std::size_t>(number)).substr(0, 14);
    for (int i = 0; i < 400; ++i) {
      state ^= state << 13U;
      state ^= state >> 7U;
      state ^= state << 17U;
      text += static_cast<char>('!' + state % 90);
    }
    send(text);
    if (number % 50 == 0) {
      ::usleep(2'000);  // a datagram has no other brake
    }
  }
  ::close(fd);
  server->restart();
  // Every number is accounted for: a line that came, one that was dropped here, or in the kernel.
  std::uint64_t dropped = 0;
  CHECK(stream.read_until([&](const LogStream& read) {
    dropped = 0;
    std::uint64_t lines = 0;
    for (const auto& item : read.items) {
      if (item.line) {
        lines += item.line->program == "probe" ? 0 : 1;
      } else {
        const auto digits = item.notice.find_last_of(':') == std::string::npos
                                ? item.notice
                                : item.notice.substr(item.notice.find_last_of(':') + 1);
        dropped += std::strtoul(digits.c_str(), nullptr, 10);
      }
    }
    return lines + dropped == 8'000;
  }));
  CHECK(dropped > 1'000);
  CHECK(stream.missing() == 0);
}

}  // namespace steward::tests::sockets_test
