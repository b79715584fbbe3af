#include "subjects/wire/daemon.hpp"
#include "tools/bench/daemon_keeper.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/statistics.hpp"

#include <signal.h>

#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::size_t kKills = 9;
constexpr std::size_t kMany = 100;
constexpr std::size_t kMost = 500;
constexpr std::chrono::seconds kDaemonPatience{30};
constexpr double kBarRestart = 255;  // ms
constexpr double kBarDetected = 5;   // ms
constexpr double kBarMemory = 100;   // MB
constexpr double kBarApply = 1.2;    // of runit's
constexpr double kBarIdle = 0.1;     // % of a core
constexpr std::chrono::seconds kSettle{5};
constexpr std::chrono::seconds kIdle{30};
constexpr milliseconds kRun{1'500};  // so that neither runit nor supervisor calls it a quick end

double in_ms(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

nanoseconds wall() { return std::chrono::system_clock::now().time_since_epoch(); }

// From a kill to the next start, the median of some; `ended`: called after each, with its time.
Result<nanoseconds> restart_time(DaemonKeeper& keeper,
                                 const std::filesystem::path& folder,
                                 const std::function<Result<void>(nanoseconds)>& ended) {
  if (auto running = keeper.run(1); !running) {
    return tl::unexpected<Error>(std::move(running).error());
  }
  Samples samples;
  for (std::size_t kill = 1; kill <= kKills; ++kill) {
    std::this_thread::sleep_for(kRun);
    const auto killed = wall();
    ::kill(starts(folder, "d0").back().pid, SIGKILL);
    if (auto back = wait_for_starts(folder, 1, kill + 1); !back) {
      return tl::unexpected<Error>(std::move(back).error());
    }
    samples.add(starts(folder, "d0").back().at - killed);
    if (auto told = ended ? ended(killed) : Result<void>(); !told) {
      return tl::unexpected<Error>(std::move(told).error());
    }
  }
  return samples.percentile(0.5);
}

// Its last end, as the unit tells it. Its next pause is the first one again.
Result<wire::DaemonExit> end_of(OperatorLink& link) {
  STEWARD_TRY(const auto result,
              link.carry_out(R"({"op":"reset","name":"d0"})", kDaemonPatience, "daemon.system"));
  STEWARD_TRY(const auto row, wire::decode_daemon_row(result));
  return row.last_exit ? Result<wire::DaemonExit>(*row.last_exit)
                       : failure(ErrorCode::internal, "no end is told");
}

Result<nanoseconds> start_time(DaemonKeeper& keeper, std::size_t count) {
  const auto began = Clock::now();
  if (auto running = keeper.run(count); !running) {
    return tl::unexpected<Error>(std::move(running).error());
  }
  return Clock::now() - began;
}

// What one keeper does; zero: not measured.
struct Kept {
  nanoseconds restart{0};
  nanoseconds detected{0};
  nanoseconds attempt{0};  // from a kill to the next start, as the unit tells it
  nanoseconds many{0};
  double megabytes = 0;
};

Result<Kept> measure_keeper(DaemonKeeper& keeper,
                            const std::filesystem::path& folder,
                            OperatorLink* link) {
  Kept kept;
  Samples detected;
  Samples attempt;
  nanoseconds before{0};  // the kill that the run that ends has come after
  std::function<Result<void>(nanoseconds)> ended;
  if (link != nullptr) {
    ended = [&](nanoseconds killed) -> Result<void> {
      STEWARD_TRY(const auto end, end_of(*link));
      detected.add(end.ended.time_since_epoch() - killed);
      if (before.count() > 0) {
        attempt.add(end.started.time_since_epoch() - before);
      }
      before = killed;
      return {};
    };
  }
  STEWARD_TRY(kept.many, start_time(keeper, kMany));
  keeper.end();
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".starts") {
      std::filesystem::remove(file.path());
    }
  }
  STEWARD_TRY(kept.restart, restart_time(keeper, folder, ended));
  kept.detected = detected.percentile(0.5);
  kept.attempt = attempt.percentile(0.5);
  if (auto running = keeper.run(kMost); !running) {
    return tl::unexpected<Error>(std::move(running).error());
  }
  STEWARD_TRY(const auto bytes, keeper.proportional_memory());
  kept.megabytes = static_cast<double>(bytes) / 1e6;
  keeper.end();
  return kept;
}

std::vector<Figure> daemon_figures(const Kept& ours, const std::string& peer, const Kept* theirs) {
  const auto of = [&](double value) {
    return theirs == nullptr ? std::nullopt : std::optional(value);
  };
  const bool first = peer == "runit";
  return {{.name = "crash to restart",
           .unit = "ms",
           .ours = in_ms(ours.restart),
           .peer_name = peer,
           .peer = of(theirs == nullptr ? 0 : in_ms(theirs->restart))},
          {.name = "100 daemons started",
           .unit = "ms",
           .ours = in_ms(ours.many),
           .peer_name = peer,
           .peer = of(theirs == nullptr ? 0 : in_ms(theirs->many)),
           .bar = first ? Bar{BarKind::ratio_at_most, kBarApply} : Bar{}},
          {.name = "500 daemons, PSS of their keeper",
           .unit = "MB",
           .ours = ours.megabytes,
           .peer_name = peer,
           .peer = of(theirs == nullptr ? 0 : theirs->megabytes),
           .bar = {BarKind::value_at_most, kBarMemory}}};
}

// CPU of an agent that watches so many units of systemd, all of them up.
Result<Figure> idle_with_units(Rig& rig) {
  auto& link = rig.operator_link();
  const auto tell = [&link](const std::string& payload) {
    return link.carry_out(payload, kDaemonPatience, "daemon.system");
  };
  const auto all = std::to_string(kMany);
  if (auto made = tell(R"({"op":"apply","spec":{"name":"idle","mode":"systemd","replicas":)" + all +
                       R"(,"argv":["sleep","100000"]}})");
      !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  std::this_thread::sleep_for(kSettle);
  STEWARD_TRY(const nanoseconds before, cpu_time_of(rig.agent()));
  std::this_thread::sleep_for(kIdle);
  STEWARD_TRY(const nanoseconds after, cpu_time_of(rig.agent()));
  if (auto removed = tell(R"({"op":"remove","name":"idle"})"); !removed) {
    return tl::unexpected<Error>(std::move(removed).error());
  }
  return Figure{.name = "idle CPU, " + all + " units of systemd",
                .unit = "%",
                .ours = 100 * std::chrono::duration<double>(after - before) / kIdle,
                .bar = {BarKind::value_at_most, kBarIdle}};
}

}  // namespace

Result<std::vector<Figure>> measure_daemons(Rig& rig) {
  STEWARD_TRY(const auto folder, TemporaryFolder::make());
  std::filesystem::create_directories(folder.path() / "runit");
  std::filesystem::create_directories(folder.path() / "supervisor");
  std::filesystem::create_directories(folder.path() / "systemd");
  const auto ours = steward_keeper(rig.operator_link(), rig.agent(), folder.path());
  STEWARD_TRY(const auto kept, measure_keeper(*ours, folder.path(), &rig.operator_link()));
  std::vector<Figure> figures{{.name = "exit detected",
                               .unit = "ms",
                               .ours = in_ms(kept.detected),
                               .bar = {BarKind::value_at_most, kBarDetected}},
                              {.name = "crash to restart attempt",
                               .unit = "ms",
                               .ours = in_ms(kept.attempt),
                               .bar = {BarKind::value_at_most, kBarRestart}}};
  if (std::filesystem::exists("/run/systemd/system")) {
    STEWARD_TRY(const auto idle, idle_with_units(rig));
    figures.push_back(idle);
  }
  for (const auto& peer : {runit_keeper(folder.path() / "runit"),
                           supervisor_keeper(folder.path() / "supervisor"),
                           systemd_keeper(folder.path() / "systemd")}) {
    std::optional<Kept> theirs;
    if (peer) {
      STEWARD_TRY(theirs, measure_keeper(*peer, folder.path() / peer->name(), nullptr));
    }
    const auto more = daemon_figures(kept, peer ? peer->name() : "", theirs ? &*theirs : nullptr);
    figures.insert(figures.end(), more.begin(), more.end());
  }
  return figures;
}

}  // namespace steward::bench
