#include "steward/demo.hpp"

#include "handlers/runtime/system_clock.hpp"
#include "steward/files.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

extern char** environ;

namespace steward::station {
namespace {

constexpr std::chrono::milliseconds kDemoPatience{10'000};
constexpr std::chrono::milliseconds kDemoStopGrace{8'000};

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

// As a person in this folder writes it.
std::string shown_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto near = path.lexically_proximate(std::filesystem::current_path(error));
  const bool below = !error && !near.empty() && *near.begin() != "..";
  return below ? near.string() : path.string();
}

}  // namespace

std::filesystem::path runtime_folder(const std::filesystem::path& fallback) {
  const char* configured = std::getenv("XDG_RUNTIME_DIR");
  std::error_code error;
  if (configured != nullptr && std::filesystem::is_directory(configured, error)) {
    return std::filesystem::path(configured) / "steward";
  }
  return ::geteuid() == 0 ? "/run/steward" : fallback;
}

std::optional<pid_t> running_demo(const std::filesystem::path& current_json) {
  const auto text = read_small_file(current_json);
  if (!text) {
    return std::nullopt;
  }
  const auto current = nlohmann::json::parse(*text, nullptr, false);
  if (!current.is_object() || !current.contains("pid") || !current["pid"].is_number_integer()) {
    return std::nullopt;
  }
  const auto pid = current["pid"].get<pid_t>();
  // A number that another program has been given since is no demo.
  const auto name = read_small_file("/proc/" + std::to_string(pid) + "/comm");
  return pid > 0 && pid != ::getpid() && name == "steward\n" ? std::optional(pid) : std::nullopt;
}

std::filesystem::path default_demo_folder() {
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  for (auto folder = here; folder != folder.root_path(); folder = folder.parent_path()) {
    if (std::filesystem::exists(folder / "subjects/wire/README.md", error) ||
        std::filesystem::exists(folder / "subjects/wire/subject.hpp", error)) {
      return folder / "var/demo";
    }
  }
  return here / "var/demo";
}

Demo::Demo(Settings settings,
           runtime::Loop& loop,
           runtime::Processes& processes,
           runtime::Logger log)
    : settings_(std::move(settings)),
      loop_(loop),
      processes_(processes),
      log_(std::move(log)),
      patience_(loop, [this] { finish_start(); }) {}

Demo::~Demo() = default;

std::filesystem::path Demo::current_json() const {
  return runtime_folder(settings_.told_in) / "current.json";
}

Result<void> Demo::start(const std::string& url,
                         const std::string& station,
                         const std::string& http,
                         bus::Bus& bus,
                         std::function<void()> ready) {
  url_ = url;
  station_ = station;
  http_ = http;
  ready_ = std::move(ready);
  const auto edge = settings_.programs / "steward-edge";
  if (::access(edge.c_str(), X_OK) != 0) {
    return failure(ErrorCode::not_found,
                   "no steward-edge beside this program, at " + edge.string());
  }
  STEWARD_TRY(hellos_, bus.subscribe("*.event.hello.agent", [this](bus::Message&& message) {
    std::string name = message.subject.substr(0, message.subject.find('.'));
    loop_.post([this, name = std::move(name)] { heard(name); });
  }));
  for (int number = 1; number <= settings_.units; ++number) {
    units_.push_back({"demo" + std::to_string(number), nullptr});
    awaited_.insert(units_.back().name);
  }
  for (auto& unit : units_) {
    if (auto started = start_unit(edge, unit); !started) {
      return started;
    }
  }
  patience_.start(kDemoPatience);
  if (awaited_.empty()) {
    finish_start();
  }
  return {};
}

// What to start it with.
Result<std::vector<std::string>> Demo::configure(const Unit& unit,
                                                 const std::filesystem::path& folder) const {
  const auto config = folder / "edge.toml";
  const std::string hello =
      settings_.interval
          ? "\n[hello]\ninterval_ms = " + std::to_string(settings_.interval->count()) + "\n"
          : "";
  if (settings_.cluster != nullptr) {
    STEWARD_TRY(const auto name, wire::NodeName::parse(unit.name));
    auto added =
        settings_.cluster->add_unit(name, folder, url_, hello, runtime::SystemClock().now());
    if (!added) {
      return tl::unexpected(std::move(added).error());
    }
    return std::vector<std::string>{"--config", config.string()};
  }
  std::vector<std::string> arguments{
      "--name", unit.name, "--broker", url_, "--state-dir", folder.string()};
  if (!hello.empty()) {
    if (auto written = write_private_file(config, hello); !written) {
      return tl::unexpected(std::move(written).error());
    }
    arguments.insert(arguments.end(), {"--config", config.string()});
  }
  return arguments;
}

Result<void> Demo::start_unit(const std::filesystem::path& program, Unit& unit) {
  const auto folder = settings_.folder / "units" / unit.name;
  if (auto made = make_private_folder(folder); !made) {
    return made;
  }
  STEWARD_TRY(auto arguments, configure(unit, folder));
  runtime::SpawnRequest request;
  request.argv = {program.string(), "run"};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  const auto log_file = folder / "agent.log";
  const runtime::Fd log_fd(
      ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log_fd) {
    return tl::unexpected<Error>(system_error(errno, "write " + log_file.string()));
  }
  request.env = own_environment();
  request.cwd = folder.string();
  request.out = log_fd.get();
  request.err = log_fd.get();
  request.parent_death_signal = SIGTERM;
  STEWARD_TRY(unit.child,
              processes_.spawn(loop_, request, [this, &unit](const runtime::ExitStatus& status) {
                unit_ended(unit, status);
              }));
  return {};
}

void Demo::heard(const std::string& name) {
  if (awaited_.erase(name) != 0 && awaited_.empty()) {
    finish_start();
  }
}

void Demo::finish_start() {
  patience_.stop();
  hellos_.reset();
  for (const auto& name : awaited_) {
    log_.warning(name + " has not said hello yet; its log is " +
                 shown_path(settings_.folder / "units" / name / "agent.log"));
  }
  if (auto written = write_current(); !written) {
    log_.error("stewardctl will not find this demo: " + written.error().message);
  }
  if (const auto ready = std::exchange(ready_, nullptr)) {
    ready();
  }
}

Result<void> Demo::write_current() const {
  auto names = nlohmann::json::array();
  for (const auto& unit : units_) {
    names.push_back(unit.name);
  }
  nlohmann::json current = {{"broker", url_},
                            {"station", station_},
                            {"http", http_},
                            {"units", std::move(names)},
                            {"pid", ::getpid()}};
  if (const auto* const cluster = settings_.cluster) {
    const std::string person = "people/" + cluster->plan().person;
    current["cluster"] = cluster->plan().name;
    current["operator"] = cluster->plan().person;
    current["signing_key"] = cluster->path(person + ".key").string();
    current["credentials"] = cluster->path(person + ".creds").string();
  }
  if (auto made = make_private_folder(current_json().parent_path()); !made) {
    return made;
  }
  return write_private_file(current_json(), current.dump() + "\n");
}

void Demo::unit_ended(Unit& unit, const runtime::ExitStatus& status) {
  unit.child.reset();
  if (stopped_) {
    stop_if_all_ended();
    return;
  }
  log_.warning(unit.name + " has ended (" +
               (status.code ? "exit " + std::to_string(*status.code)
                            : "signal " + std::to_string(status.signal)) +
               "); it is not started again, its log is " +
               shown_path(settings_.folder / "units" / unit.name / "agent.log"));
}

void Demo::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  ready_ = nullptr;
  patience_.stop();
  hellos_.reset();
  const auto current = read_small_file(current_json());
  const auto parsed = nlohmann::json::parse(current.value_or(""), nullptr, false);
  if (parsed.is_object() && parsed.value("pid", 0) == ::getpid()) {
    std::error_code ignored;
    std::filesystem::remove(current_json(), ignored);
  }
  runtime::TreeKill how;
  how.grace = kDemoStopGrace;
  for (const auto& unit : units_) {
    if (unit.child) {
      unit.child->kill_tree(how, [](runtime::KillStep, const runtime::TreeReport&) {});
    }
  }
  stop_if_all_ended();
}

void Demo::stop_if_all_ended() {
  const bool running = std::any_of(
      units_.begin(), units_.end(), [](const Unit& unit) { return unit.child != nullptr; });
  if (!running) {
    if (const auto stopped = std::exchange(stopped_, nullptr)) {
      stopped();
    }
  }
}

std::string Demo::program(const std::string& name) const {
  return shown_path(settings_.programs / name);
}

std::string Demo::how_to_add() const {
  if (settings_.cluster == nullptr) {
    return program("steward-edge") + " run --name ship9 --broker " + url_;
  }
  const auto folder = shown_path(settings_.folder / "units/ship9");
  return program("steward") + " unit ship9 --cluster-dir " +
         shown_path(settings_.cluster->plan().folder) + " --out " + folder + " --broker " + url_ +
         "\n             " + program("steward-edge") + " run --config " + folder + "/edge.toml";
}

std::string Demo::welcome(const Broker* broker) const {
  const std::string version = broker == nullptr ? "" : " nats-server " + broker->version();
  const std::string count = std::to_string(units_.size() - awaited_.size());
  return "✓ broker" + version + " on " + url_.substr(url_.rfind('/') + 1) +
         (broker == nullptr ? "" : " (managed)") + "  ✓ station  ✓ " + count + " demo unit" +
         (count == "1" ? "" : "s") + "\n  Try        " + program("stewardctl") + " units -w      " +
         program("stewardctl") + " run --all -- uname -a\n  Add a unit " + how_to_add() +
         (http_.empty() ? "" : "\n  Metrics    " + http_ + "/metrics") +
         "\n  Everything of this demo is in " + shown_path(settings_.folder) +
         "; Ctrl-C ends it.\n";
}

}  // namespace steward::station
