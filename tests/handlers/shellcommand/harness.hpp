#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/shellcommand/shellcommand.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::handlers::shellcommand {

using namespace std::chrono_literals;

// Time and ids of a test: the real clock, as real programs run, but ids that count up, and a wall
// clock that can be put forward.
class TestClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + ahead;
  }

  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::now();
  }

  wire::MessageId new_id() override;

  std::chrono::microseconds ahead{0};

 private:
  std::uint64_t last_ = 0;
};

// Keeps what a handler says.
class Recorder final : public runtime::Publisher {
 public:
  void reply(wire::Ack ack) override;
  void begin(const wire::MessageId&, std::function<void()> then) override;
  Result<void> stream(std::string payload) override;

  void record(std::string) override {}

  void alert(std::string) override {}

  void deliver(runtime::Delivery, std::function<void(Result<void>)>) override {}

  bool link_up() const override { return up; }

  bool up = true;
  bool begins_late = false;  // the disk takes its time: what begins waits in `beginning`
  std::vector<std::function<void()>> beginning;
  bool keep_acks = true;  // false: terminal ones only are counted
  std::vector<wire::Ack> acks;
  std::vector<wire::ShellEvent> events;
  std::size_t terminal_count = 0;
  std::function<void()> told;
};

// A ShellCommand handler on a loop that the test drives, its orphans reaped by a loop on another
// thread as in an agent.
class Harness {
 public:
  explicit Harness(std::string options = "");
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // Hands a command over; its id. One that is refused gets a `refused` ACK.
  wire::MessageId send(const std::string& payload,
                       std::optional<wire::Timestamp> expires = std::nullopt);

  // The same for a command that an earlier handler has begun.
  void take_up(const wire::MessageId& id, const std::string& payload);

  // The handler stops, and another one starts with the same folder.
  void restart();

  // Runs the loop until it holds. False: it took longer.
  bool until(const std::function<bool()>& holds, std::chrono::milliseconds most = 20s);

  // Lets the loop run for a while.
  void run_for(std::chrono::milliseconds time);

  struct Outcome {
    wire::MessageId id;
    wire::Ack ack;
    wire::ShellResult result;  // empty where the ACK has none
    std::chrono::milliseconds took{0};
  };

  // Waits for the terminal ACK of a command.
  Outcome outcome(const wire::MessageId& id, std::chrono::milliseconds most = 20s);

  // Sends, waits, and checks that nothing of the command is left on the machine.
  Outcome run(const std::string& payload, std::chrono::milliseconds most = 20s);

  const wire::Ack* find(const wire::MessageId& id, wire::CommandState state) const;
  const wire::Ack* terminal(const wire::MessageId& id) const;

  // What was streamed of one command's output, in order of offsets, and what was lost.
  struct Streamed {
    std::string bytes;
    std::uint64_t gaps = 0;
    std::size_t chunks = 0;
    bool in_order = true;
  };

  Streamed streamed(const wire::MessageId& id, int fd) const;
  bool told(const wire::MessageId& id, wire::ShellEventType type) const;

  runtime::Loop loop;
  TestClock clock;
  Recorder recorder;
  std::unique_ptr<ShellCommand> handler;
  std::filesystem::path folder;

 private:
  void hand_over(const wire::MessageId& id,
                 const std::string& payload,
                 std::optional<wire::Timestamp> expires,
                 bool begun);
  void stop();

  runtime::Loop adopter_loop_;
  std::unique_ptr<runtime::Processes> processes_;
  std::thread adopter_;
  bool running_ = false;  // the loop: a stop() outside would be kept for its next run
  std::unique_ptr<runtime::Context> context_;
};

// Living processes whose environment has STEWARD_JOB=<id>.
std::vector<pid_t> processes_of(const wire::MessageId& id);

// Living processes whose command line has that text in it: for those who lost their environment.
std::vector<pid_t> processes_with_text(const std::string& text);

// Children of this process that have ended and are not reaped.
int zombies();
int open_descriptors();
std::size_t resident_bytes();

// "{...}" for a script: shell_json("echo hi", R"("timeout_ms":100)").
std::string shell_json(const std::string& script, const std::string& more = "");

}  // namespace steward::handlers::shellcommand
