#include "tools/bench/measurements.hpp"
#include "tools/bench/statistics.hpp"

#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kCommands = 1'000'000;
constexpr std::size_t kShownUnits = 1'000;
constexpr int kQuestions = 200;
constexpr double kQueryBarMilliseconds = 100;
constexpr double kBarRestartSeconds = 3;
constexpr std::chrono::seconds kScalePatience{60};
constexpr std::chrono::milliseconds kRound{50};

double milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// As stewardctl asks: all units; the newest 50 jobs.
wire::QueryRequest request_of(const std::string& what) {
  wire::QueryRequest request;
  request.limit = what == "units" ? 100'000 : 50;
  return request;
}

Result<std::vector<Figure>> measure_question(OperatorLink& link,
                                             const std::string& name,
                                             const std::string& what,
                                             const wire::QueryRequest& request,
                                             std::size_t rows) {
  Samples samples;
  for (int i = 0; i < kQuestions; ++i) {
    const auto begin = Clock::now();
    STEWARD_TRY(const auto answer, link.ask(what, request, kScalePatience));
    samples.add(Clock::now() - begin);
    if (answer.size() < rows) {
      return failure(ErrorCode::internal,
                     name + " answers " + std::to_string(answer.size()) + " rows");
    }
  }
  const Bar bar{BarKind::value_at_most, kQueryBarMilliseconds};
  return std::vector<Figure>{{.name = name + " p50",
                              .unit = "ms",
                              .ours = milliseconds_of(samples.percentile(0.5)),
                              .bar = bar},
                             {.name = name + " p99",
                              .unit = "ms",
                              .ours = milliseconds_of(samples.percentile(0.99)),
                              .bar = bar}};
}

// From the end of a station that runs, if one does, to the first whole table of the next.
Result<Figure> measure_start(Rig& rig, const std::string& name) {
  const auto begin = Clock::now();
  rig.stop_station();
  if (auto started = rig.start_station(); !started) {
    return tl::unexpected(std::move(started).error());
  }
  while (true) {
    const auto rows = rig.operator_link().ask("units", request_of("units"), kRound);
    if (rows && rows->size() >= kShownUnits) {
      break;
    }
    if (Clock::now() - begin > kScalePatience) {
      return failure(ErrorCode::timed_out, "the station does not come up with the large table");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return Figure{.name = name,
                .unit = "s",
                .ours = std::chrono::duration<double>(Clock::now() - begin).count(),
                .bar = {BarKind::value_at_most, kBarRestartSeconds}};
}

}  // namespace

Result<std::vector<Figure>> measure_station_scale(Rig& rig) {
  std::vector<Figure> figures;
  rig.stop_station();
  if (auto filled = rig.fill_station(kCommands, kShownUnits); !filled) {
    return tl::unexpected(std::move(filled).error());
  }
  STEWARD_TRY(auto first, measure_start(rig, "station start, 1 M commands"));
  figures.push_back(std::move(first));
  auto open = request_of("jobs");
  open.open_only = true;

  struct Asked {
    std::string name;
    std::string what;
    wire::QueryRequest request;
    std::size_t rows;
  };

  for (const Asked& asked : {Asked{"units", "units", request_of("units"), kShownUnits},
                             Asked{"jobs ls", "jobs", request_of("jobs"), 50},
                             Asked{"jobs ls --open", "jobs", open, 0},
                             Asked{"jobs ls --failed", "failures", request_of("failures"), 50}}) {
    STEWARD_TRY(
        const auto answered,
        measure_question(rig.operator_link(), asked.name, asked.what, asked.request, asked.rows));
    figures.insert(figures.end(), answered.begin(), answered.end());
  }
  STEWARD_TRY(auto again, measure_start(rig, "station restart, 1 M commands"));
  figures.push_back(std::move(again));
  return figures;
}

}  // namespace steward::bench
