#pragma once

#include "handlers/metrics/metrics.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/processes.hpp"
#include "tests/handlers/metrics/reading.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// A folder of a test's own.
struct Folder {
  Folder() {
    char pattern[] = "/tmp/steward-metrics-XXXXXX";
    path = ::mkdtemp(pattern);
  }

  ~Folder() { std::filesystem::remove_all(path); }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::trunc) << text;
  }

  std::filesystem::path path;
};

class RealClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }

  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::now();
  }

  wire::MessageId new_id() override { return wire::MessageId::make(++last_, {}); }

 private:
  std::uint64_t last_ = 0;
};

class NoVitals final : public runtime::Vitals {
 public:
  wire::Hello hello() const override { return {}; }
};

// Keeps what the handler says, and stops the loop when enough is there.
class Listener final : public runtime::Publisher {
 public:
  explicit Listener(runtime::Loop& loop) : loop_(loop) {}

  void begin(const wire::MessageId&, std::function<void()> then) override { then(); }

  void reply(wire::Ack ack) override { acks.push_back(std::move(ack)); }

  Result<void> stream(std::string payload) override {
    if (!up) {
      return failure(ErrorCode::unavailable, "no link");
    }
    said.push_back(std::move(payload));
    if (said.size() == stop_after) {
      loop_.stop();
    }
    return {};
  }

  void record(std::string) override { FAIL("metrics are not recorded"); }

  bool link_up() const override { return up; }

  std::vector<std::string> said;
  std::vector<wire::Ack> acks;
  std::size_t stop_after = 0;
  bool up = true;

 private:
  runtime::Loop& loop_;
};

// A machine that stays as it is: of a real one, disks and interfaces come and go.
struct StillMachine {
  StillMachine() {
    for (const std::string name : {"loadavg", "stat", "meminfo"}) {
      folder.write("proc/" + name, fixture(name));
    }
  }

  Roots roots() const { return {folder.path / "proc", folder.path / "sys"}; }

  Folder folder;
};

// A metrics handler on a loop that the test runs.
struct Room {
  explicit Room(std::string_view toml = "interval_ms = 100",
                std::filesystem::path state = "/proc/none")
      : options(*runtime::Options::parse("disabled = ['netdev']\n" + std::string(toml), "t.toml")),
        context{*wire::NodeName::parse("ship1"),
                *wire::Token::parse("metrics"),
                *wire::Token::parse("system"),
                loop,
                listener,
                clock,
                runtime::Logger(log, "metrics"),
                options,
                std::move(state),
                processes,
                vitals},
        handler(std::make_unique<MetricsHandler>(context, machine.roots())) {
    REQUIRE(handler->start());
  }

  // Until so many messages in all were said.
  void run_until(std::size_t messages) {
    listener.stop_after = messages;
    loop.run();
  }

  // The ACK of that command.
  wire::Ack ask(std::string payload) {
    auto envelope = wire::make_envelope(clock.new_id(),
                                        *wire::Source::parse("/operator/eva"),
                                        *wire::Subject::parse("ship1.command.metrics.system"),
                                        clock.now());
    auto admission = handler->receive({std::move(envelope), std::move(payload)});
    REQUIRE(admission);
    admission->start();
    REQUIRE(!listener.acks.empty());
    return listener.acks.back();
  }

  const tests::Watchdog watchdog;
  const StillMachine machine;
  RealClock clock;
  NoVitals vitals;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  Listener listener{loop};
  runtime::Options options;
  runtime::Context context;
  std::unique_ptr<MetricsHandler> handler;
};

}  // namespace steward::handlers::metrics
