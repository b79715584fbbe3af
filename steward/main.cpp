#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "handlers/runtime/versions.hpp"
#include "steward/cluster.hpp"
#include "steward/cluster_main.hpp"
#include "steward/config.hpp"
#include "steward/demo.hpp"
#include "steward/service.hpp"
#include "steward/version.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <CLI/CLI.hpp>

#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {
namespace {

constexpr int kExitBroker = 5;

struct DemoFlags {
  std::string folder;
  bool is_unsigned = false;
  int units = 3;
  double seconds = 0;  // 0: until it is ended
  int interval_ms = 0;
};

int exit_code(Service::Failure failure) {
  return failure == Service::Failure::broker ? kExitBroker : kExitUsage;
}

int fail(const std::vector<std::string>& problems) {
  for (const auto& problem : problems) {
    std::cerr << "steward: " << problem << '\n';
  }
  return kExitUsage;
}

std::string version_text() {
  return "steward " + std::string(kVersion) + "\n" + bus::library_version() + ", " +
         runtime::library_versions() + ", CLI11 " CLI11_VERSION;
}

// Calls back at the first SIGTERM or SIGINT; at the second the process ends, and with it, by their
// parent death signal, all that it has started.
class Signals {
 public:
  Signals(runtime::Loop& loop, std::function<void()> stop)
      : stop_(std::move(stop)),
        terminate_(loop, SIGTERM, [this] { received(SIGTERM); }),
        interrupt_(loop, SIGINT, [this] { received(SIGINT); }) {}

 private:
  void received(int number) {
    if (std::exchange(stopping_, true)) {
      ::_exit(128 + number);
    }
    stop_();
  }

  const std::function<void()> stop_;
  bool stopping_ = false;
  runtime::SignalWatcher terminate_;
  runtime::SignalWatcher interrupt_;
};

int check(const Config& config) {
  const auto trust = config.trust ? bus::inspect(*config.trust, runtime::SystemClock().now())
                                  : bus::TrustReport{{}, "none, messages are not signed"};
  if (!trust.wrong.empty()) {
    return fail(trust.wrong);
  }
  std::cout << "good: station " << config.name.str() << ", state in " << config.state_dir.string()
            << "\ntrust: " << trust.summary << '\n';
  return 0;
}

int run(const Config& config) {
  const runtime::LogSink sink(config.log_level, config.log_form);
  const runtime::Logger log(sink, "steward");
  runtime::Loop loop;
  runtime::Processes processes(loop);
  int code = 0;
  std::function<void()> stop;
  Service service(config,
                  loop,
                  processes,
                  log,
                  {[&](const std::string& url) {
                     log.info("station " + config.name.str() + " works at " + url);
                   },
                   [&](Service::Failure failure, const Error& error) {
                     std::cerr << "steward: " << error.message << '\n';
                     code = exit_code(failure);
                     loop.post([&stop] { stop(); });
                   }});
  bool stopping = false;
  stop = [&] {
    if (!std::exchange(stopping, true)) {
      service.stop([&loop] { loop.stop(); });
    }
  };
  const Signals signals(loop, [&stop, &log] {
    log.info("stopping");
    stop();
  });
  log.info("steward " + std::string(kVersion) + ", station " + config.name.str() + ", state in " +
           config.state_dir.string());
  service.start();
  loop.run();
  return code;
}

// One demo: the service, then its units; the end in reverse.
class DemoRun {
 public:
  DemoRun(const Config& config, Demo::Settings settings, double seconds)
      : config_(config),
        sink_(config.log_level, config.log_form),
        log_(sink_, "demo"),
        processes_(loop_),
        service_(config,
                 loop_,
                 processes_,
                 log_,
                 {[this](const std::string& url) { service_up(url); },
                  [this](Service::Failure failure, const Error& error) {
                    fail(exit_code(failure), error);
                  }}),
        demo_(std::move(settings), loop_, processes_, log_),
        end_(loop_, [this] { stop(); }),
        signals_(loop_, [this] { stop(); }) {
    if (seconds > 0) {
      end_.start(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
    }
  }

  int run() {
    service_.start();
    loop_.run();
    return code_;
  }

 private:
  void service_up(const std::string& url) {
    const auto ready = [this] { std::cout << demo_.welcome(service_.broker()) << std::flush; };
    if (auto started =
            demo_.start(url, config_.name.str(), service_.http(), *service_.bus(), ready);
        !started) {
      fail(kExitUsage, started.error());
    }
  }

  void fail(int code, const Error& error) {
    std::cerr << "steward: " << error.message << '\n';
    code_ = code;
    loop_.post([this] { stop(); });
  }

  void stop() {
    if (std::exchange(stopping_, true)) {
      return;
    }
    end_.stop();
    demo_.stop([this] { service_.stop([this] { loop_.stop(); }); });
  }

  const Config& config_;
  const runtime::LogSink sink_;
  const runtime::Logger log_;
  runtime::Loop loop_;
  runtime::Processes processes_;
  Service service_;
  Demo demo_;
  runtime::Timer end_;
  Signals signals_;
  bool stopping_ = false;
  int code_ = 0;
};

// Makes the cluster of a demo, and the station a part of it.
Result<Cluster> make_cluster(const std::filesystem::path& folder, Config& config) {
  if (!config.brokers.empty()) {
    return failure(ErrorCode::bad_config,
                   "another's broker does not know the logins of a demo: add --unsigned");
  }
  STEWARD_TRY(
      auto cluster,
      Cluster::make({folder, "demo", config.name.str(), "admin"}, runtime::SystemClock().now()));
  STEWARD_TRY(config.trust, cluster.station_trust(config.state_dir));
  config.logins = cluster.path("broker/logins.conf");
  config.credentials = cluster.path("station/login.creds");
  return cluster;
}

// Signed and unsigned demos have folders of their own: what one has left the other does not
// believe.
int demo(const Flags& flags, const DemoFlags& demo_flags) {
  std::error_code error;
  const std::filesystem::path all = demo_flags.folder.empty()
                                        ? default_demo_folder()
                                        : std::filesystem::absolute(demo_flags.folder, error);
  const auto folder = demo_flags.is_unsigned ? all / "unsigned" : all;
  Flags station = flags;
  station.state_dir = (folder / "station").string();
  auto config = read_config(station);
  if (!config) {
    return fail(config.error());
  }
  if (flags.log_level.empty()) {
    config->log_level = runtime::LogLevel::warning;  // the welcome says what is to be known
  }
  const auto current = runtime_folder(all) / "current.json";
  if (const auto pid = running_demo(current)) {
    return fail({"a demo runs already, process " + std::to_string(*pid) + " (" + current.string() +
                 " says so); end it first: kill " + std::to_string(*pid)});
  }
  std::optional<Cluster> cluster;
  if (!demo_flags.is_unsigned) {
    auto made = make_cluster(folder / "cluster", *config);
    if (!made) {
      return fail(std::vector<std::string>{made.error().message});
    }
    cluster.emplace(*std::move(made));
  }
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  Demo::Settings settings{folder, all, own.parent_path(), demo_flags.units, {}};
  settings.cluster = cluster ? &*cluster : nullptr;
  if (demo_flags.interval_ms > 0) {
    settings.interval = std::chrono::milliseconds(demo_flags.interval_ms);
  }
  return DemoRun(*config, std::move(settings), demo_flags.seconds).run();
}

void add_common(CLI::App& command, Flags& flags) {
  command.add_option("--name", flags.name, "Name of the station [station]");
  command.add_option("--broker", flags.brokers, "Address of a broker [one of its own]");
  command.add_option(
      "--http", flags.http, "Where it tells other programs of the fleet [127.0.0.1:9180]");
  command.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command.add_option("--log-form", flags.log_form, "auto, terminal or journal")
      ->check(CLI::IsMember({"auto", "terminal", "journal"}));
}

int main_with(int argc, char** argv) {
  // Each further arena costs memory for a speed that two busy threads do not need.
  ::mallopt(M_ARENA_MAX, 2);
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app("The station: keeps the live table of all units and what became of every command.");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  Flags flags;
  DemoFlags demo_flags;
  bool check_only = false;
  ClusterFlags cluster_flags;

  auto* run_command = app.add_subcommand("run", "Run the station until SIGTERM or SIGINT.");
  add_common(*run_command, flags);
  run_command->add_option("--config", flags.config, "Configuration file (TOML)");
  run_command->add_option(
      "--state-dir", flags.state_dir, "Where it keeps station.db and its broker");
  run_command->add_flag("--check-config", check_only, "Only say whether the configuration is good");
  run_command->footer("Example: steward run --state-dir /var/lib/steward");

  auto* demo_command =
      app.add_subcommand("demo", "Run a broker, a station and some units on this machine.");
  add_common(*demo_command, flags);
  demo_command->add_option("--units", demo_flags.units, "How many units [3]")
      ->check(CLI::Range(0, 1000));
  demo_command->add_option("--for", demo_flags.seconds, "End by itself after that many seconds")
      ->check(CLI::Range(0.0, 1e9));
  demo_command->add_option("--interval", demo_flags.interval_ms, "Of their hellos, in ms [10000]")
      ->check(CLI::Range(100, 3'600'000));
  demo_command->add_option("--dir", demo_flags.folder, "Folder for all its files [var/demo]");
  demo_command->add_flag("--unsigned",
                         demo_flags.is_unsigned,
                         "Take messages without signatures and headers, from anybody");
  demo_command->footer("Example: steward demo --units 5 --for 60");
  const auto cluster_commands = add_cluster_commands(app, cluster_flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (demo_command->parsed()) {
    return demo(flags, demo_flags);
  }
  if (const auto code = run_cluster_command(cluster_commands, cluster_flags)) {
    return *code;
  }
  const auto config = read_config(flags);
  if (!config) {
    return fail(config.error());
  }
  if (check_only) {
    return check(*config);
  }
  return run(*config);
}

}  // namespace
}  // namespace steward::station

int main(int argc, char** argv) {
  try {
    return steward::station::main_with(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "steward: " << error.what() << '\n';
    return 1;
  }
}
