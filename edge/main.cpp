#include "edge/agent.hpp"
#include "edge/config.hpp"
#include "edge/enroll_main.hpp"
#include "edge/footprint.hpp"
#include "edge/login_keeper.hpp"
#include "handlers/runtime/own_certificate.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/state_lock.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "handlers/runtime/trust.hpp"
#include "handlers/runtime/versions.hpp"
#include "subjects/bus/memory_bus.hpp"
#include "subjects/bus/memory_storage.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/bus/sqlite_storage.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

namespace steward::edge {

namespace {

constexpr std::chrono::milliseconds kSayUnreached{3'000};
constexpr std::chrono::milliseconds kRest{5'000};
constexpr std::chrono::milliseconds kFlushTimeout{3'000};
constexpr std::chrono::milliseconds kDrainTimeout{3'000};

std::string version_text() {
  const auto dotted = [](int major, int minor, int patch) {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  };
  return std::string("steward-edge ") + STEWARD_VERSION + "\n" + bus::library_version() + ", " +
         runtime::library_versions() + ", nlohmann/json " +
         dotted(NLOHMANN_JSON_VERSION_MAJOR,
                NLOHMANN_JSON_VERSION_MINOR,
                NLOHMANN_JSON_VERSION_PATCH) +
         ", CLI11 " CLI11_VERSION;
}

int fail_all(const std::vector<std::string>& problems) {
  for (const auto& problem : problems) {
    std::cerr << "steward-edge: " << problem << '\n';
  }
  return kExitUsage;
}

bus::NatsOptions link_options(const Config& config) {
  return {.servers = config.brokers,
          .name = config.node.str(),
          .inbox_prefix = "_INBOX." + config.node.str(),
          .credentials_file = config.credentials.string(),
          .tls = config.tls};
}

// Everything that a configuration can be wrong in, without touching the broker; of the disk the
// files of trust are read.
int check(const Config& config) {
  bus::MemoryBus bus;
  bus::MemoryStorage storage;
  runtime::Loop loop;
  runtime::Processes processes(loop);
  runtime::SystemClock clock;
  const runtime::LogSink log(config.log_level, config.log_form);
  const Agent agent(config, {bus, storage, loop, clock, processes, log});
  const auto trust = config.trust ? bus::inspect(*config.trust, clock.now()) : bus::TrustReport{};
  auto problems = agent.problems();
  problems.insert(problems.end(), trust.wrong.begin(), trust.wrong.end());
  if (auto good = bus::check(link_options(config)); !good) {
    problems.push_back(good.error().message);
  }
  if (!problems.empty()) {
    return fail_all(problems);
  }
  std::cout << "good: unit " << config.node.str() << ", state in " << config.state_dir.string()
            << "\nbroker:";
  for (const auto& broker : config.brokers) {
    std::cout << ' ' << broker;
  }
  std::cout << "\nhandlers:";
  for (const auto& name : agent.served()) {
    std::cout << ' ' << name;
  }
  std::cout << "\ntrust: " << (config.trust ? trust.summary : "none, messages are not signed")
            << '\n';
  return 0;
}

// Says each change of the link, and tells the agent of it, on the main loop.
class LinkWatch {
 public:
  LinkWatch(runtime::Loop& loop, runtime::Logger log)
      : loop_(loop), log_(std::move(log)), unreached_(loop, [this] { say_unreached(); }) {
    unreached_.start(kSayUnreached);
  }

  void tell(Agent& agent, const bus::Bus& bus) {
    agent_ = &agent;
    bus_ = &bus;
  }

  // Any thread.
  void changed(const bus::LinkStatus& status) {
    loop_.post([this, status] { on_change(status); });
  }

 private:
  void on_change(const bus::LinkStatus& status) {
    if (status.state == bus::LinkState::up) {
      unreached_.stop();
      was_up_ = true;
      log_.info("connected to " + status.broker);
      agent_->link_up();
    } else if (was_up_ && status.state == bus::LinkState::connecting) {
      was_up_ = false;
      log_.warning("connection lost: " + status.last_error);
      agent_->link_down();
    }
  }

  void say_unreached() {
    const auto reason = bus_->status().last_error;
    log_.warning("no broker reached yet" + (reason.empty() ? "" : " (" + reason + ")") +
                 "; trying again for as long as it takes");
  }

  runtime::Loop& loop_;
  const runtime::Logger log_;
  runtime::Timer unreached_;
  Agent* agent_ = nullptr;
  const bus::Bus* bus_ = nullptr;
  bool was_up_ = false;
};

// Ends the loop at the first signal, by way of the agent's own end; the process at the second.
class Signals {
 public:
  Signals(runtime::Loop& loop, const runtime::Logger& log, Agent& agent)
      : loop_(loop),
        log_(log),
        agent_(agent),
        terminate_(loop, SIGTERM, [this] { on_signal("SIGTERM", SIGTERM); }),
        interrupt_(loop, SIGINT, [this] { on_signal("SIGINT", SIGINT); }) {}

  End end() const { return end_; }

 private:
  void on_signal(std::string_view name, int number) {
    if (stopping_) {
      log_.warning(std::string(name) + " again: ending at once");
      ::_exit(128 + number);
    }
    stopping_ = true;
    log_.info(std::string(name) + ": stopping");
    agent_.stop([this](End end) {
      end_ = end;
      loop_.stop();
    });
  }

  runtime::Loop& loop_;
  const runtime::Logger& log_;
  Agent& agent_;
  bool stopping_ = false;
  End end_ = End::clean;
  runtime::SignalWatcher terminate_;
  runtime::SignalWatcher interrupt_;
};

void close_bus(bus::NatsBus& bus, const runtime::Logger& log) {
  if (bus.status().state != bus::LinkState::up) {
    return;
  }
  if (auto flushed = bus.flush(kFlushTimeout); !flushed) {
    log.warning("the last messages may be lost: " + flushed.error().message);
  }
  if (auto drained = bus.drain(kDrainTimeout); !drained) {
    log.warning("the connection was not closed clean: " + drained.error().message);
  }
}

int run(const Config& config) {
  auto lock = runtime::StateLock::take(config.state_dir, "steward-edge");
  if (!lock) {
    return fail(lock.error());
  }
  const runtime::LogSink sink(config.log_level, config.log_form);
  const runtime::Logger log(sink, "agent");
  runtime::SystemClock clock;
  const auto opened = bus::SqliteStorage::open(config.state_dir / "edge.db", clock.now());
  if (!opened) {
    return fail(opened.error());
  }
  if (!opened->notice.empty()) {
    log.error(opened->notice);
  }
  runtime::Loop loop;
  runtime::Processes processes(loop);
  std::optional<runtime::Trust> trust;
  std::unique_ptr<runtime::Audit> audit;
  if (config.trust) {
    auto guard = bus::open_guard(*config.trust);
    if (!guard) {
      return fail(guard.error());
    }
    auto attached =
        runtime::Audit::attach(config.state_dir / runtime::kAuditFile, **guard, clock, log);
    if (!attached) {
      return fail(attached.error());
    }
    audit = *std::move(attached);
    trust.emplace(*config.trust, *std::move(guard), loop, clock, log);
    if (!trust->guard().policy()) {
      log.warning("no policy yet: no command is carried out");
    }
  }
  std::optional<LoginKeeper> logins;
  if (trust && !config.credentials.empty()) {
    logins.emplace(LoginKeeper::Settings{config.node,
                                         config.brokers,
                                         config.tls,
                                         config.credentials,
                                         config.renewal,
                                         config.credentials.parent_path()},
                   LoginKeeper::Surroundings{loop, clock, trust->guard(), log});
  }
  const auto certificate = runtime::OwnCertificate::keep({config.trust ? config.trust->cluster : "",
                                                          config.node,
                                                          "agent",
                                                          config.credentials.parent_path(),
                                                          config.tls},
                                                         loop,
                                                         clock,
                                                         log);
  if (!certificate) {
    return fail(certificate.error());
  }
  LinkWatch link(loop, log);
  auto options = link_options(config);
  options.on_link = [&link](const bus::LinkStatus& status) { link.changed(status); };
  auto bus = bus::NatsBus::open(std::move(options));
  if (!bus) {
    return fail(bus.error());
  }
  Agent agent(config,
              {**bus,
               *opened->storage,
               loop,
               clock,
               processes,
               sink,
               trust ? &trust->guard() : nullptr,
               [&trust](const std::string& document) { return trust->take(document); },
               logins ? &*logins : nullptr,
               audit.get()});
  if (const auto problems = agent.problems(); !problems.empty()) {
    return fail_all(problems);
  }
  link.tell(agent, **bus);
  if (logins) {
    logins->start(**bus);
  }
  const Signals signals(loop, log, agent);
  if (auto started = agent.start(); !started) {
    return fail(started.error());
  }
  log.info(std::string("steward-edge ") + STEWARD_VERSION + ", unit " + config.node.str() +
           ", state in " + config.state_dir.string());
  runtime::Timer rest(loop, [] { give_back_start(); });
  rest.start(kRest);
  loop.run();
  if (logins) {
    logins->stop();
  }
  close_bus(**bus, log);
  log.info("stopped");
  if (signals.end() == End::forced) {
    ::_exit(0);  // a thread that is stuck cannot be joined
  }
  return 0;
}

int main_with(int argc, char** argv) {
  // Two arenas: each further one costs memory for a speed that a few handler threads do not need.
  ::mallopt(M_ARENA_MAX, 2);
  ::signal(SIGPIPE, SIG_IGN);

  CLI::App app("The agent of one unit: carries out commands from the bus, and says what happens.");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  Flags flags;
  bool check_only = false;
  auto* command = app.add_subcommand("run", "Run the agent until SIGTERM or SIGINT.");
  command->add_option("--config", flags.config, "Configuration file (TOML)");
  command->add_option("--name", flags.name, "Name of this unit [the host's name]");
  command->add_option("--broker", flags.brokers, "Address of a broker [nats://127.0.0.1:4222]");
  command->add_option("--state-dir", flags.state_dir, "Where this unit keeps its state");
  command->add_option("--log-level", flags.log_level, "debug, info, warning or error [info]")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->add_option("--log-form", flags.log_form, "auto, terminal or journal [auto: by systemd]")
      ->check(CLI::IsMember({"auto", "terminal", "journal"}));
  command->add_flag("--check-config", check_only, "Only say whether the configuration is good");
  EnrollFlags enroll_flags;
  const auto enroll_commands = add_enroll_commands(app, enroll_flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (const auto code = run_enroll_command(enroll_commands, std::move(enroll_flags))) {
    return *code;
  }
  const auto config = read_config(flags, this_machine());
  if (!config) {
    return fail(config.error());
  }
  return check_only ? check(*config) : run(*config);
}

}  // namespace

}  // namespace steward::edge

int main(int argc, char** argv) {
  try {
    return steward::edge::main_with(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "steward-edge: " << error.what() << '\n';
    return 1;
  }
}
