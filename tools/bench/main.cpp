#include "tools/bench/measurements.hpp"
#include "tools/bench/raw_nats.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace steward::bench {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Order {
  bool rtt = false;
  bool commands = false;
  bool footprint = false;
  bool drain = false;
  bool returning = false;
  bool metrics = false;
  bool logs = false;
  bool daemons = false;
  bool fleet_metrics = false;
  bool trust = false;
  bool revocations = false;
  bool updates = false;
  bool apply = false;
  bool station_scale = false;
  int seconds = 0;  // 0: each measurement's own
  std::string json_file;
  std::string replier_broker;
};

std::chrono::seconds time_for(const Order& order, int usual) {
  return std::chrono::seconds(order.seconds > 0 ? order.seconds : usual);
}

struct Step {
  const char* name;
  bool wanted;
  std::function<Result<std::vector<Figure>>(Rig&)> measure;
};

// The footprint comes first: an agent that has worked is no idle one.
std::vector<Step> steps_of(const Order& order) {
  return {
      {"footprint",
       order.footprint,
       [&](Rig& rig) { return measure_footprint(rig, time_for(order, 60)); }},
      {"rtt", order.rtt, [&](Rig& rig) { return measure_rtt(rig, time_for(order, 10)); }},
      {"commands",
       order.commands,
       [&](Rig& rig) { return measure_commands(rig, time_for(order, 10)); }},
      {"drain", order.drain, measure_drain},
      {"returning", order.returning, measure_returning},
      {"metrics",
       order.metrics,
       [&](Rig& rig) { return measure_metrics(rig, time_for(order, 20)); }},
      {"logs", order.logs, [&](Rig& rig) { return measure_logs(rig, time_for(order, 20)); }},
      {"daemons", order.daemons, measure_daemons},
      {"fleet-metrics",
       order.fleet_metrics,
       [&](Rig& rig) { return measure_fleet_metrics(rig, time_for(order, 20)); }},
      {"trust", order.trust, measure_trust},
      {"revocations", order.revocations, measure_revocations},
      {"updates", order.updates, measure_updates},
      {"apply", order.apply, measure_apply},
      {"station-scale", order.station_scale, measure_station_scale},
  };
}

Result<std::vector<Figure>> measure(const Order& order) {
  STEWARD_TRY(const std::unique_ptr<Rig> rig, Rig::start());
  std::vector<Figure> figures;
  for (const Step& step : steps_of(order)) {
    if (!step.wanted) {
      continue;
    }
    std::cerr << "measuring " << step.name << " ...\n";
    auto measured = step.measure(*rig);
    if (!measured) {
      return tl::unexpected(std::move(measured).error().with_context(step.name));
    }
    figures.insert(figures.end(), measured->begin(), measured->end());
  }
  return figures;
}

int fail(const Error& error) {
  std::cerr << "steward-bench: " << error.text() << '\n';
  return kExitFailed;
}

int run(const Order& order) {
  if (!order.replier_broker.empty()) {
    auto served = serve_raw_replies(order.replier_broker);
    return served ? 0 : fail(served.error());
  }
  const auto figures = measure(order);
  if (!figures) {
    return fail(figures.error());
  }
  std::cout << table(*figures);
  if (!order.json_file.empty()) {
    std::ofstream file(order.json_file);
    file << json(*figures, STEWARD_VERSION) << std::flush;
    if (!file) {
      return fail(system_error(errno, "write " + order.json_file));
    }
  }
  return 0;
}

void add_verb(CLI::App& app, const std::string& name, const std::string& help, Order& order) {
  CLI::App* verb = app.add_subcommand(name, help);
  verb->add_option("--seconds", order.seconds, "how long each measurement takes")
      ->check(CLI::Range(1, 3600));
  verb->add_option("--json", order.json_file, "write the figures to this file as JSON, too");
  verb->callback([name, &order] {
    const bool all = name == "all";
    order.rtt = all || name == "rtt";
    order.commands = all || name == "commands";
    order.footprint = all || name == "footprint";
    order.drain = all || name == "drain";
    order.returning = all || name == "returning";
    order.metrics = all || name == "metrics";
    order.logs = all || name == "logs";
    order.daemons = all || name == "daemons";
    order.fleet_metrics = all || name == "fleet-metrics";
    order.trust = all || name == "trust";
    order.revocations = all || name == "revocations";
    order.updates = all || name == "updates";
    order.apply = all || name == "apply";
    order.station_scale = name == "station-scale";
  });
}

}  // namespace

int main(int argc, char** argv) {
  Order order;
  CLI::App app("Measures steward beside the bare libraries, in one run. Starts everything itself.");
  app.footer("Example: steward-bench all --json figures.json");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("steward-bench ") + STEWARD_VERSION);
  add_verb(
      app, "rtt", "command published to accepted ACK seen, beside nats.c request/reply", order);
  add_verb(app, "commands", "/bin/true per second on one unit, beside a posix_spawn loop", order);
  add_verb(app, "footprint", "memory, threads and CPU of an idle agent", order);
  add_verb(app, "drain", "how fast a command's output is read, and what it costs", order);
  add_verb(app, "returning", "commands that waited for a unit, per second at its return", order);
  add_verb(app, "metrics", "a round of metrics, beside prometheus-node-exporter", order);
  add_verb(app, "logs", "lines forwarded per second and CPU-second, beside rsyslogd", order);
  add_verb(app, "daemons", "daemons kept running, beside runit and supervisor", order);
  add_verb(app, "fleet-metrics", "what a thousand units that measure cost the station", order);
  add_verb(app, "trust", "what signatures cost, and letting a thousand units in", order);
  add_verb(app, "revocations", "ten thousand units cut off", order);
  add_verb(app, "updates", "a look for updates, beside apt's own", order);
  add_verb(app, "apply", "sixty updates applied, beside apt-get upgrade", order);
  add_verb(app, "all", "all of these", order);
  add_verb(app, "station-scale", "a station with a million finished commands; minutes", order);
  CLI::App* replier = app.add_subcommand("replier", "answers raw requests")->group("");
  replier->add_option("--broker", order.replier_broker)->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return run(order);
}

}  // namespace steward::bench

int main(int argc, char** argv) { return steward::bench::main(argc, argv); }
