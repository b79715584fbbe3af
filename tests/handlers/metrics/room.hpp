#pragma once

#include "handlers/metrics/metrics.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/processes.hpp"
#include "tests/handlers/listener.hpp"
#include "tests/handlers/metrics/reading.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
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

using tests::Listener;
using tests::RealClock;

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
        handler(std::make_unique<MetricsHandler>(
            context,
            machine.roots(),
            FillPace{std::chrono::milliseconds(0), std::chrono::milliseconds(1)})) {
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
  tests::HeardVitals vitals;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  Listener listener{loop};
  runtime::Options options;
  runtime::Context context;
  std::unique_ptr<MetricsHandler> handler;
};

}  // namespace steward::handlers::metrics
