#include "subjects/bus/nats_bus.hpp"
#include "tools/bench/log_load.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"
#include "tools/bench/scrape.hpp"
#include "tools/bench/statistics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace steward::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kLogsPatience{30};
constexpr std::chrono::minutes kLongest{5};  // for one run
constexpr std::size_t kLines = 1'000'000;
constexpr std::size_t kLatencyRounds = 15;  // of latency
constexpr double kBarRss = 20;
constexpr double kBarAgainstPeer = 1.3;
constexpr double kBarSmaller = 10;
constexpr double kBarIdlePercent = 0.05;

// What one run took.
struct LogsSpent {
  double seconds = 0;
  double cpu = 0;
  double peak_megabytes = 0;
  double bytes = 0;  // on the wire
};

// Between the beginning of a run and its end, of one process.
class Meter {
 public:
  static Result<Meter> start(pid_t pid) {
    if (auto begun = start_peak(pid); !begun) {
      return tl::unexpected<Error>(std::move(begun).error());
    }
    STEWARD_TRY(const auto cpu, cpu_time_of(pid));
    return Meter(pid, cpu);
  }

  Result<LogsSpent> end() const {
    const std::chrono::duration<double> took = Clock::now() - began_;
    STEWARD_TRY(const auto cpu, cpu_time_of(pid_));
    STEWARD_TRY(const auto peak, peak_resident_of(pid_));
    return LogsSpent{took.count(),
                     std::chrono::duration<double>(cpu - cpu_).count(),
                     static_cast<double>(peak) / 1e6};
  }

 private:
  Meter(pid_t pid, std::chrono::nanoseconds cpu) : pid_(pid), cpu_(cpu), began_(Clock::now()) {}

  pid_t pid_;
  std::chrono::nanoseconds cpu_;
  Clock::time_point began_;
};

Result<void> wait_until(const std::function<Result<bool>()>& holds, const char* what) {
  const auto deadline = Clock::now() + kLongest;
  while (true) {
    STEWARD_TRY(const bool over, holds());
    if (over) {
      return {};
    }
    if (Clock::now() > deadline) {
      return failure(ErrorCode::timed_out, what);
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

// The unit as a forwarder, with that section of its configuration.
class Forwarding {
 public:
  static Result<Forwarding> start(Rig& rig, const fs::path& folder, const std::string& sections) {
    rig.stop_agent();
    const auto config = folder / "edge.toml";
    std::ofstream(config) << sections << std::flush;
    if (auto started = rig.start_agent(config); !started) {
      return tl::unexpected<Error>(std::move(started).error());
    }
    Forwarding forwarding(rig);
    STEWARD_TRY(const auto status, forwarding.status());
    return forwarding;
  }

  Result<json> status() {
    auto& link = rig_.operator_link();
    for (const auto deadline = Clock::now() + kLogsPatience; Clock::now() < deadline;) {
      STEWARD_TRY(const auto id, link.send("{}", "syslogforwarding.bench"));
      const auto seen = link.wait_for(id, wire::CommandState::done, std::chrono::seconds(2));
      if (seen && seen->ack.state == wire::CommandState::done) {
        return json::parse(seen->ack.result);
      }
    }
    return failure(ErrorCode::timed_out, "the forwarder does not answer");
  }

  // Until the broker has acknowledged so many lines. Looks at the unit's file sizes only now and
  // then: each look is a command, and costs.
  Result<LogsSpent> wait(const Meter& meter, std::size_t lines) {
    json last;
    auto over = wait_until(
        [&]() -> Result<bool> {
          std::this_thread::sleep_for(milliseconds(80));
          STEWARD_TRY(last, status());
          return last.at("forwarded").get<std::size_t>() >= lines;
        },
        "the lines do not arrive");
    STEWARD_TRY(auto spent, meter.end());
    if (!over) {
      return tl::unexpected<Error>(std::move(over).error());
    }
    spent.bytes = last.at("bytes").get<double>();
    return spent;
  }

 private:
  explicit Forwarding(Rig& rig) : rig_(rig) {}

  Rig& rig_;
};

// Makes lines come to `place` of that input; returns when they are there or sent.
Result<void> feed(LogInput input, const std::string& place, const fs::path& prepared) {
  switch (input) {
    case LogInput::file: {
      std::error_code error;
      fs::rename(prepared, place, error);
      return error ? tl::unexpected(system_error(error.value(), "rename")) : Result<void>();
    }
    case LogInput::tcp:
      return send_by_tcp(static_cast<std::uint16_t>(std::stoi(place)), kLines);
    case LogInput::datagrams:
      break;
  }
  return send_datagrams(place, kLines);
}

Result<LogsSpent> run_ours(Rig& rig,
                           const fs::path& folder,
                           LogInput input,
                           const std::string& place,
                           const fs::path& log) {
  const std::array<std::string, 3> sources = {"files = [\"" + place + "\"]",
                                              "tcp = [\"127.0.0.1:" + place + "\"]",
                                              "unix = [\"" + place + "\"]"};
  STEWARD_TRY(auto forwarding,
              Forwarding::start(rig,
                                folder,
                                "[syslogforwarding.bench]\nbatch_ms = 200\n" +
                                    sources[static_cast<std::size_t>(input)] + "\n"));
  STEWARD_TRY(const auto meter, Meter::start(rig.agent()));
  if (auto fed = feed(input, place, log); !fed) {
    return tl::unexpected<Error>(std::move(fed).error());
  }
  return forwarding.wait(meter, kLines);
}

Result<LogsSpent> run_peer(const fs::path& folder,
                           LogInput input,
                           const std::string& place,
                           const fs::path& log) {
  STEWARD_TRY(const auto sink, LineSink::start());
  STEWARD_TRY(const auto peer, start_rsyslogd(folder, input, place, *sink));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // it says nowhere that it listens
  STEWARD_TRY(const auto meter, Meter::start(peer->pid()));
  if (auto fed = feed(input, place, log); !fed) {
    return tl::unexpected<Error>(std::move(fed).error());
  }
  auto over = wait_until([&]() -> Result<bool> { return sink->lines() >= kLines; },
                         "rsyslogd does not deliver");
  STEWARD_TRY(auto spent, meter.end());
  if (!over) {
    return tl::unexpected<Error>(std::move(over).error());
  }
  spent.bytes = static_cast<double>(sink->bytes());
  return spent;
}

struct Case {
  LogInput input;
  const char* name;
  double bar;  // lines a second of one core
};

constexpr std::array<Case, 3> kCases = {{{LogInput::file, "from a file", 400'000},
                                         {LogInput::tcp, "by TCP", 250'000},
                                         {LogInput::datagrams, "datagrams", 150'000}}};

Result<void> measure_log_rate(Rig& rig, const Case& one, std::vector<Figure>& figures) {
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  const auto log = folder.path() / "prepared";
  const auto place_of = [&](const char* whose) -> Result<std::string> {
    if (one.input == LogInput::tcp) {
      STEWARD_TRY(const auto port, free_port());
      return std::to_string(port);
    }
    return (folder.path() / whose).string();
  };
  const auto prepare = [&] {
    return one.input == LogInput::file ? write_log(log, kLines) : Result<void>();
  };
  if (auto prepared = prepare(); !prepared) {
    return prepared;
  }
  STEWARD_TRY(const auto place, place_of("ours.log"));
  STEWARD_TRY(const auto ours, run_ours(rig, folder.path(), one.input, place, log));
  std::optional<LogsSpent> peer;
  if (fs::exists("/usr/sbin/rsyslogd")) {
    if (auto prepared = prepare(); !prepared) {
      return prepared;
    }
    STEWARD_TRY(const auto its_place, place_of("its.log"));
    STEWARD_TRY(peer, run_peer(folder.path() / "rsyslogd", one.input, its_place, log));
  }
  const std::string name = one.name;
  Figure per_cpu{.name = "lines per CPU-second, " + name,
                 .unit = "/s",
                 .ours = kLines / ours.cpu,
                 .bar = {BarKind::ratio_at_least, kBarAgainstPeer}};
  Figure rate{.name = "lines per second, " + name, .unit = "/s", .ours = kLines / ours.seconds};
  Figure rss{.name = "peak RSS, " + name,
             .unit = "MB",
             .ours = ours.peak_megabytes,
             .bar = {BarKind::value_at_most, kBarRss}};
  if (peer) {
    per_cpu.peer_name = rate.peer_name = rss.peer_name = "rsyslogd";
    per_cpu.peer = kLines / peer->cpu;
    rate.peer = kLines / peer->seconds;
    rss.peer = peer->peak_megabytes;
  }
  figures.push_back(per_cpu);
  figures.push_back({.name = "the same, of one core",
                     .unit = "/s",
                     .ours = kLines / ours.cpu,
                     .bar = {BarKind::value_at_least, one.bar}});
  figures.push_back(rate);
  figures.push_back(rss);
  return {};
}

// From a line's writing to its arrival at the broker, the worst of some.
Result<double> worst_latency(Rig& rig, milliseconds batch_time) {
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  const auto path = folder.path() / "slow.log";
  std::ofstream(path) << log_lines(0, 1, LogInput::file);
  STEWARD_TRY([[maybe_unused]] const auto forwarding,
              Forwarding::start(rig,
                                folder.path(),
                                fmt::format("[syslogforwarding.bench]\nbatch_ms = {}\nfiles = "
                                            "[\"{}\"]\n",
                                            batch_time.count(),
                                            path.string())));
  bus::NatsOptions options;
  options.servers = {rig.broker()};
  options.name = "steward-bench";
  STEWARD_TRY(const auto bus, bus::NatsBus::open(std::move(options)));
  if (auto up = bus->wait_until_up(kLogsPatience); !up) {
    return tl::unexpected<Error>(std::move(up).error());
  }
  std::atomic<std::size_t> batches{0};
  STEWARD_TRY(
      const auto hearing,
      bus->subscribe("*.event.syslogforwarding.bench", [&batches](bus::Message&&) { ++batches; }));
  if (auto heard = bus->flush(kLogsPatience); !heard) {
    return tl::unexpected<Error>(std::move(heard).error());
  }
  double worst = 0;
  for (std::size_t round = 0; round < kLatencyRounds; ++round) {
    const auto before = batches.load();
    const auto began = Clock::now();
    std::ofstream(path, std::ios::app) << log_lines(round, 1, LogInput::file) << std::flush;
    while (batches == before && Clock::now() - began < kLogsPatience) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    worst =
        std::max(worst, std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    std::this_thread::sleep_for(milliseconds(37));
  }
  return worst;
}

// Of a core, with that configuration and nothing to do.
Result<double> idle_percent(Rig& rig, const std::string& sections, std::chrono::seconds time) {
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  STEWARD_TRY(const auto port, free_port());
  std::ofstream(folder.path() / "quiet.log") << log_lines(0, 10, LogInput::file);
  STEWARD_TRY([[maybe_unused]] const auto forwarding,
              Forwarding::start(
                  rig,
                  folder.path(),
                  fmt::format(fmt::runtime("[metrics.system]\ninterval_ms = 3600000\n" + sections),
                              folder.path().string(),
                              port)));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  STEWARD_TRY(const auto meter, Meter::start(rig.agent()));
  std::this_thread::sleep_for(time);
  STEWARD_TRY(const auto spent, meter.end());
  return 100 * spent.cpu / spent.seconds;
}

// A log of this machine, if there is a long one: how much smaller it is on its way.
Result<void> measure_size(Rig& rig, std::vector<Figure>& figures) {
  const char* real = nullptr;
  for (const char* path : {"/var/log/syslog", "/var/log/messages", "/var/log/dpkg.log"}) {
    std::error_code error;
    real = real == nullptr && fs::file_size(path, error) > 100'000 && !error ? path : real;
  }
  if (real == nullptr) {
    return {};
  }
  STEWARD_TRY(const TemporaryFolder folder, TemporaryFolder::make());
  const auto place = (folder.path() / "real.log").string();
  fs::copy_file(real, place);
  std::ifstream file(place, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  STEWARD_TRY(auto forwarding,
              Forwarding::start(
                  rig, folder.path(), "[syslogforwarding.bench]\nfiles = [\"" + place + "\"]\n"));
  STEWARD_TRY(const auto meter, Meter::start(rig.agent()));
  STEWARD_TRY(const auto spent, forwarding.wait(meter, lines));
  figures.push_back({.name = fmt::format("bytes on the wire of {}", real),
                     .unit = "kB",
                     .ours = spent.bytes / 1e3,
                     .peer_name = "its lines",
                     .peer = static_cast<double>(text.size()) / 1e3,
                     .bar = {BarKind::ratio_at_most, 1 / kBarSmaller}});
  return {};
}

}  // namespace

Result<std::vector<Figure>> measure_logs(Rig& rig, std::chrono::seconds time) {
  std::vector<Figure> figures;
  for (const auto& one : kCases) {
    if (auto measured = measure_log_rate(rig, one, figures); !measured) {
      return tl::unexpected(std::move(measured).error().with_context(one.name));
    }
  }
  if (auto measured = measure_size(rig, figures); !measured) {
    return tl::unexpected<Error>(std::move(measured).error());
  }
  STEWARD_TRY(const double quick, worst_latency(rig, milliseconds(20)));
  STEWARD_TRY(const double usual, worst_latency(rig, milliseconds(1'000)));
  figures.push_back({.name = "worst latency, batch_ms = 20",
                     .unit = "ms",
                     .ours = quick,
                     .bar = {BarKind::value_at_most, 50}});
  figures.push_back({.name = "worst latency, batch_ms = 1000",
                     .unit = "ms",
                     .ours = usual,
                     .bar = {BarKind::value_at_most, 1'050}});
  STEWARD_TRY(const double without, idle_percent(rig, "[syslogforwarding.bench]\n", time));
  STEWARD_TRY(const double with,
              idle_percent(rig,
                           "[syslogforwarding.bench]\nfiles = [\"{0}/quiet.log\"]\nunix = "
                           "[\"{0}/log\"]\ntcp = [\"127.0.0.1:{1}\"]\n",
                           time));
  figures.push_back({.name = "idle CPU of the forwarder",
                     .unit = "%",
                     .ours = std::max(0.0, with - without),
                     .bar = {BarKind::value_at_most, kBarIdlePercent}});
  return figures;
}

}  // namespace steward::bench
