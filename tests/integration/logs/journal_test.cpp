#include "tests/integration/logs/rig.hpp"
#include "tests/support/booted_system.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace steward::tests::journal_test {
namespace {

constexpr const char* kOptions = "journal = true\njournal_dir = \"@/journal\"";

bool has_lines_soon(LogStream& stream, std::size_t count) {
  return stream.read_until([count](const LogStream& read) { return read.line_count() >= count; },
                           std::chrono::seconds(30));
}

bool has_notice(LogStream& stream, const std::string& text) {
  return stream.read_until(
      [&text](const LogStream& read) {
        const auto notices = read.notices();
        return std::any_of(notices.begin(), notices.end(), [&text](const std::string& notice) {
          return notice.find(text) != std::string::npos;
        });
      },
      std::chrono::seconds(30));
}

// The lines of that program, in the order of their coming out.
std::vector<std::string> lines_of(const LogStream& stream, const std::string& program) {
  std::vector<std::string> lines;
  for (const auto& item : stream.items) {
    if (item.line && item.line->program == program) {
      lines.push_back(item.line->line);
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("logs: the journal is read on from where the broker has it, over kills and rotation") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server || !has_journal_writer()) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kOptions);
  write_journal(agent, "a.journal", 1, 300);
  REQUIRE_MESSAGE(has_lines_soon(stream, 300), agent.log());
  const auto& line = *stream.items.front().line;
  CHECK(line.program == "app");
  CHECK(line.pid == "7");
  CHECK(line.unit == "app.service");
  CHECK(line.host == "ship1");
  CHECK(line.severity == 3);
  CHECK(line.time_us == 1'795'247'248'001'000);
  write_journal(agent, "a.journal", 301, 400);  // while it is read
  REQUIRE(has_lines_soon(stream, 400));
  agent.end_by(SIGKILL);
  write_journal(agent, "a.journal", 401, 500);
  std::filesystem::rename(agent.path("journal/a.journal"), agent.path("journal/a@1.journal"));
  write_journal(agent, "b.journal", 501, 600);
  agent.start();
  REQUIRE_MESSAGE(has_lines_soon(stream, 600), agent.log());
  write_journal(agent, "c.journal", 601, 700);  // a file that comes while it is read
  REQUIRE_MESSAGE(has_lines_soon(stream, 700), agent.log());
  CHECK(disorder(stream.lines(), 1, 700) == "");
  CHECK(stream.missing() == 0);
  CHECK(stream.notices().empty());
}

TEST_CASE("logs: the journal is said again from a time on, under new numbers") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server || !has_journal_writer()) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kOptions);
  write_journal(agent, "a.journal", 1, 300);
  REQUIRE_MESSAGE(has_lines_soon(stream, 300), agent.log());
  // The first one is of 1 ms past; from 201 on is meant.
  const auto since = wire::format_time(
      wire::Timestamp(std::chrono::microseconds(1'795'247'248'000'000 + 201 * 1'000)));
  const auto replay =
      stream.command(R"({"op":"replay","source":"journal*","since":")" + since + "\"}");
  CHECK_MESSAGE(replay.starts_with("done"), replay);
  REQUIRE_MESSAGE(has_lines_soon(stream, 400), agent.log());
  auto lines = stream.lines();
  CHECK(disorder({lines.begin() + 300, lines.end()}, 201, 300) == "");
  CHECK(stream.missing() == 0);
}

TEST_CASE("logs: what the journal has let go of before it was read is said") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server || !has_journal_writer()) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kOptions);
  write_journal(agent, "a.journal", 1, 50);
  REQUIRE_MESSAGE(has_lines_soon(stream, 50), agent.log());
  agent.end_by(SIGKILL);
  write_journal(agent, "a.journal", 51, 60);
  std::filesystem::remove(agent.path("journal/a.journal"));
  write_journal(agent, "b.journal", 61, 100);
  agent.start();
  REQUIRE_MESSAGE(has_lines_soon(stream, 90), agent.log());
  CHECK(has_notice(stream, "the journal has lost the place"));
  auto lines = stream.lines();
  std::sort(lines.begin(), lines.end());
  CHECK(lines.front() == numbered(1));
  CHECK(lines[50] == numbered(61));
  CHECK(lines.back() == numbered(100));
}

TEST_CASE("logs: what the kernel says, each once, and how much it had let go of") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "kernel = \"@/kmsg\"");
  agent.end_by(SIGKILL);
  // As the kernel's file: what is in the ring comes from the beginning at each open.
  REQUIRE(::mkfifo(agent.path("kmsg").c_str(), 0600) == 0);
  const int ring = ::open(agent.path("kmsg").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(ring >= 0);
  const auto say = [ring](std::size_t number) {
    const auto text = "4," + std::to_string(number) + ",5000,-;" + numbered(number) +
                      "\n SUBSYSTEM=tea\n DEVICE=+tea:pot\n";
    REQUIRE(::write(ring, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  agent.start();
  for (std::size_t number = 10; number < 20; ++number) {
    say(number);
  }
  REQUIRE_MESSAGE(has_lines_soon(stream, 10), agent.log());
  CHECK(stream.items.front().line->program == "kernel");
  CHECK(stream.items.front().line->severity == 4);
  // Until the cursor is on disk, too: then they are not read again.
  CHECK(stream.command(R"({"op":"stop"})").starts_with("done"));
  CHECK(stream.command(R"({"op":"start"})").starts_with("done"));
  for (std::size_t number = 15; number < 25; ++number) {
    say(number);
  }
  REQUIRE_MESSAGE(has_lines_soon(stream, 15), agent.log());
  CHECK(stream.command(R"({"op":"stop"})").starts_with("done"));
  agent.end_by(SIGKILL);
  agent.start();
  CHECK(stream.command(R"({"op":"start"})").starts_with("done"));
  for (std::size_t number = 32; number < 35; ++number) {
    say(number);
  }
  REQUIRE_MESSAGE(has_lines_soon(stream, 18), agent.log());
  CHECK(has_notice(stream, "that were not read: 7 lines lost"));
  CHECK(disorder(stream.lines(), 10, 34) == "missing before 32");
  ::close(ring);
}

TEST_CASE("logs: the machine's own kernel") {
  const int kernel = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  const auto server = NatsServer::start_with_jetstream();
  if (kernel < 0 || !server) {
    MESSAGE("skipped: the kernel's log cannot be written here");
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "kernel = \"/dev/kmsg\"\nfilter = \"message~steward test\"");
  const std::string text = "<12>steward test " + std::to_string(::getpid());
  const auto record = text + "\n";
  REQUIRE(::write(kernel, record.data(), record.size()) > 0);
  ::close(kernel);
  const bool came = stream.read_until(
      [&text](const LogStream& read) {
        const auto lines = read.lines();
        return std::count(lines.begin(), lines.end(), text.substr(4)) == 1;
      },
      std::chrono::seconds(30));
  CHECK_MESSAGE(came, agent.log());
}

TEST_CASE("logs: the journal of a booted systemd, over its rotation, its restart and our kills") {
  const auto server = NatsServer::start_with_jetstream();
  const auto system = server ? BootedSystem::start() : nullptr;
  if (!system) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(),
                        "journal = true\njournal_dir = \"" + system->journal().string() + "\"");
  std::size_t last = 0;
  const auto say = [&](std::size_t count) {
    const auto script = "seq -f 'line %07.0f' " + std::to_string(last + 1) + " " +
                        std::to_string(last + count) + " | logger -t app";
    last += count;
    const auto ran = system->run({"/bin/sh", "-c", script});
    REQUIRE_MESSAGE(ran.status == 0, ran.out);
  };
  const auto all_come = [&] {
    return stream.read_until(
        [&](const LogStream& read) { return lines_of(read, "app").size() >= last; },
        std::chrono::seconds(60));
  };
  say(100);
  REQUIRE_MESSAGE(all_come(), agent.log());
  say(50);
  CHECK(system->run({"journalctl", "--rotate"}).status == 0);
  say(50);
  REQUIRE_MESSAGE(all_come(), agent.log());
  agent.end_by(SIGKILL);
  say(50);
  CHECK(system->run({"systemctl", "restart", "systemd-journald"}).status == 0);
  say(50);
  agent.start();
  CHECK(system->run({"journalctl", "--rotate"}).status == 0);
  say(50);
  CHECK_MESSAGE(all_come(), agent.log());
  CHECK(disorder(lines_of(stream, "app"), 1, last) == "");
  // Its own words are there, too, with the unit that said them.
  CHECK(std::any_of(stream.items.begin(), stream.items.end(), [](const bus::LogItem& item) {
    return item.line && item.line->unit == "systemd-journald.service";
  }));
  CHECK(stream.missing() == 0);
}

}  // namespace steward::tests::journal_test
