#include "tests/integration/logs/rig.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::files_test {
namespace {

constexpr const char* kFiles = "files = [\"@/app.log\"]\nrotate_ms = 3000";

// Many batches of a few lines: a kill falls between any two of them, or into one.
constexpr const char* kSmallBatches =
    "files = [\"@/app.log\"]\nrotate_ms = 3000\nbatch_bytes = 1024";
constexpr std::size_t kLinesAKill = 300;  // reading them is what takes the time, under sanitizers

#if defined(__SANITIZE_THREAD__)
constexpr int kUsualKills = 60;  // each takes three times as long
constexpr int kUsualBrokerKills = 5;
#else
constexpr int kUsualKills = 80;
constexpr int kUsualBrokerKills = 10;
#endif

int kill_count() { return std::getenv("STEWARD_LONG") != nullptr ? 1'000 : kUsualKills; }

int broker_kill_count() { return std::getenv("STEWARD_LONG") != nullptr ? 200 : kUsualBrokerKills; }

// STEWARD_SEED plays a run again, as far as the machine's own moments let it.
struct Chance {
  static Chance make() {
    const auto* wanted = std::getenv("STEWARD_SEED");
    const auto seed =
        wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : std::random_device{}();
    return {seed, std::mt19937(static_cast<std::mt19937::result_type>(seed))};
  }

  std::size_t below(std::size_t bound) { return random() % bound; }

  unsigned long seed;
  std::mt19937 random;
};

// Which numbers have come, and what came twice; the lines themselves are let go of, so that many
// kills cost no memory, nor the forks of the next agents.
class Tally {
 public:
  void take(LogStream& stream) {
    for (const auto& line : stream.lines()) {
      const auto number = std::strtoul(line.c_str() + line.find("line ") + 5, nullptr, 10);
      came_.resize(std::max(came_.size(), number + 1));
      if (came_[number]) {
        twice_ += " " + std::to_string(number);
      }
      came_[number] = true;
    }
    stream.items.clear();
  }

  // What of 1 to last is not there, or came twice; "" where all is well.
  std::string wrong(std::size_t last) const {
    std::string text = twice_.empty() ? "" : "twice:" + twice_;
    for (std::size_t number = 1; number <= last; ++number) {
      text += number < came_.size() && came_[number] ? "" : " missing " + std::to_string(number);
    }
    return came_.size() > last + 1 ? text + " more than were written" : text;
  }

 private:
  std::vector<bool> came_;
  std::string twice_;
};

void run(const std::string& command) {
  REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

}  // namespace

TEST_CASE("logs: each line of a file, once and in order, with where it came from") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kFiles);
  append(agent.path("app.log"), 1, 5'000);
  REQUIRE_MESSAGE(has_lines(stream, 5'000), agent.log());
  append(agent.path("app.log"), 5'001, 5'010);
  REQUIRE(has_lines(stream, 5'010));
  CHECK(disorder(stream.lines(), 1, 5'010) == "");
  CHECK(stream.repeats() == 0);
  CHECK(stream.missing() == 0);
  CHECK(stream.items.front().unit == "ship1");
  CHECK(stream.items.front().domain == "test");
  CHECK(stream.items.front().source == "file:" + agent.path("app.log"));
}

TEST_CASE("logs: rotation loses no line: renamed, copied and cut off, deleted and made again") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kFiles);
  const auto log = agent.path("app.log");
  append(log, 1, 1'000);
  REQUIRE(has_lines(stream, 1'000));
  SUBCASE("renamed; its writer goes on under the old name for a while") {
    run("mv " + log + " " + log + ".1");
    append(log + ".1", 1'001, 1'500);
    append(log, 1'501, 2'000);
  }
  SUBCASE("cut off") {
    run("cp " + log + " " + log + ".1 && truncate -s 0 " + log);
    append(log, 1'001, 2'000);
  }
  SUBCASE("cut off, and longer than before at the next look") {
    agent.end_by(SIGKILL);
    run("cp " + log + " " + log + ".1 && truncate -s 0 " + log);
    append(log, 1'001, 2'500);
    agent.start();
    REQUIRE(has_lines(stream, 2'500));
  }
  SUBCASE("cut off, and as long as before at the next look") {
    agent.send_signal(SIGSTOP);
    run("cp " + log + " " + log + ".1 && truncate -s 0 " + log);
    append(log, 1'001, 2'000);
    agent.send_signal(SIGCONT);
  }
  SUBCASE("deleted and made again") {
    run("rm " + log);
    append(log, 1'001, 2'000);
  }
  SUBCASE("renamed and gone on with while the agent is down") {
    agent.end_by(SIGKILL);
    append(log, 1'001, 1'400);
    run("mv " + log + " " + log + ".1");
    append(log, 1'401, 2'000);
    agent.start();
  }
  SUBCASE("by logrotate") {
    std::ofstream(agent.path("rotate.conf"))
        << log << " {\n  size 1\n  rotate 3\n  create\n  su root root\n}\n";
    run("chmod 644 " + agent.path("rotate.conf") + " && chmod 755 " + agent.folder().string() +
        " && /usr/sbin/logrotate --state " + agent.path("rotate.state") + " " +
        agent.path("rotate.conf"));
    append(log, 1'001, 1'500);
    REQUIRE(has_lines(stream, 1'500));
    run("/usr/sbin/logrotate --force --state " + agent.path("rotate.state") + " " +
        agent.path("rotate.conf"));
    append(log, 1'501, 2'000);
  }
  REQUIRE_MESSAGE(has_lines(stream, 2'000), agent.log());
  CHECK(disorder(stream.lines(), 1, stream.line_count()) == "");
  CHECK(stream.missing() == 0);
}

TEST_CASE(
    "logs: a file that was silent for long is still read when its writer goes on behind its name") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), "files = [\"@/app.log\"]\nrotate_ms = 5000");
  const auto log = agent.path("app.log");
  append(log, 1, 100);
  REQUIRE(has_lines(stream, 100));
  std::this_thread::sleep_for(std::chrono::milliseconds(5'500));  // longer than rotate_ms
  run("mv " + log + " " + log + ".1");
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));  // its name is missed by now
  append(log + ".1", 101, 200);
  CHECK_MESSAGE(has_lines(stream, 200), agent.log());
  CHECK(disorder(stream.lines(), 1, 200) == "");
}

TEST_CASE("logs: a file written anew that begins as before is told by where it was read to") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kFiles);
  const auto log = agent.path("app.log");
  const std::string banner(400, '#');
  run("(echo '" + banner + "'; seq 1 1000) > " + log);
  REQUIRE(has_lines(stream, 1'001));
  agent.end_by(SIGTERM);
  run("(echo '" + banner + "'; seq 10001 12000) > " + log);
  agent.start();
  CHECK_MESSAGE(has_lines(stream, 3'002), agent.log());
}

TEST_CASE("logs: what was read while the broker was away is read again after a kill") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kFiles);
  append(agent.path("app.log"), 1, 100);
  REQUIRE_MESSAGE(stream.read_until([](const LogStream& read) { return read.line_count() >= 100; },
                                    std::chrono::seconds(10)),
                  agent.log());
  server->kill9();
  append(agent.path("app.log"), 101, 2'000);
  std::this_thread::sleep_for(std::chrono::seconds(1));  // read, and in the broker's way
  agent.end_by(SIGKILL);
  agent.start();
  server->restart();
  REQUIRE_MESSAGE(has_lines(stream, 2'000), agent.log());
  CHECK(disorder(stream.lines(), 1, 2'000) == "");
}

TEST_CASE("logs: the agent is killed at random points: no line is lost, none shown twice") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  auto chance = Chance::make();
  CAPTURE(chance.seed);
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kSmallBatches);
  Tally tally;
  std::size_t last = 0;
  int while_working = 0;
  // How long its work takes, as far as the kills have told: they fall into it on any machine.
  double window_us = 20'000;
  const int kills = kill_count();
  for (int kill = 0; kill < kills; ++kill) {
    // It lives, and has caught up.
    append(agent.path("app.log"), last + 1, last + 2);
    last += 2;
    REQUIRE_MESSAGE(has_lines(stream, last), agent.log());
    append(agent.path("app.log"), last + 1, last + kLinesAKill);
    last += kLinesAKill;
    std::this_thread::sleep_for(
        std::chrono::microseconds(chance.below(static_cast<std::size_t>(window_us) + 1)));
    agent.end_by(SIGKILL);
    // What the broker has of it by now: nobody adds to that.
    stream.read_until([last](const LogStream& read) { return read.line_count() >= last; },
                      std::chrono::milliseconds(100));
    const bool in_its_work = stream.line_count() < last;
    while_working += in_its_work ? 1 : 0;
    window_us *= in_its_work ? 1.1 : 0.8;
    tally.take(stream);
    if (chance.below(4) == 0) {
      const auto log = agent.path("app.log");
      run("mv " + log + " " + log + ".1");
    }
    agent.start();
  }
  REQUIRE_MESSAGE(has_lines(stream, last), agent.log());
  tally.take(stream);
  CHECK(tally.wrong(last) == "");
  CHECK(stream.missing() == 0);
  CHECK(while_working >= kills / 4);
}

TEST_CASE("logs: the broker is killed at random points: no line is lost, none shown twice") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  auto chance = Chance::make();
  CAPTURE(chance.seed);
  LogStream stream(server->url());
  ForwardingAgent agent(server->url(), kSmallBatches);
  Tally tally;
  std::size_t last = 0;
  int while_working = 0;
  const int kills = broker_kill_count();
  for (int kill = 0; kill < kills; ++kill) {
    append(agent.path("app.log"), last + 1, last + kLinesAKill);
    last += kLinesAKill;
    const auto target = stream.line_count() + chance.below(kLinesAKill);
    REQUIRE_MESSAGE(
        stream.read_until([target](const LogStream& read) { return read.line_count() >= target; },
                          std::chrono::seconds(60)),
        agent.log());
    server->kill9();
    while_working += stream.line_count() < last ? 1 : 0;
    tally.take(stream);
    server->restart();
  }
  REQUIRE_MESSAGE(has_lines(stream, last), agent.log());
  tally.take(stream);
  CHECK(tally.wrong(last) == "");
  CHECK(stream.missing() == 0);
  CHECK(while_working >= kills / 4);
}

}  // namespace steward::tests::files_test
