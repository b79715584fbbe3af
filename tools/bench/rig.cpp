#include "tools/bench/rig.hpp"

#include "tools/bench/scrape.hpp"

#include <nlohmann/json.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace steward::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRigPatience{15};
constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::minutes kFilling{30};
constexpr const char* kUnit = "bench1";

// Debian puts it where a user's PATH does not look.
Result<std::string> find_nats_server() {
  for (const char* path : {"/usr/sbin/nats-server", "/usr/local/bin/nats-server"}) {
    if (::access(path, X_OK) == 0) {
      return std::string(path);
    }
  }
  return failure(ErrorCode::not_found, "no nats-server here: apt-get install nats-server");
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string last_lines(const fs::path& log) {
  constexpr std::size_t kShown = 1000;
  const std::string text = read_text(log);
  return text.size() <= kShown ? text : "..." + text.substr(text.size() - kShown);
}

// The address in the file that nats-server writes when it listens; none while it is not there yet.
std::string announced_broker(const fs::path& ports_file) {
  const auto ports = nlohmann::json::parse(read_text(ports_file), nullptr, false);
  if (!ports.is_object() || !ports.contains("nats") || !ports["nats"].is_array() ||
      ports["nats"].empty() || !ports["nats"][0].is_string()) {
    return {};
  }
  return ports["nats"][0].get<std::string>();
}

}  // namespace

Result<fs::path> own_program() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    return tl::unexpected(system_error(error.value(), "read /proc/self/exe"));
  }
  return path;
}

Result<TemporaryFolder> TemporaryFolder::make() {
  std::string name = (fs::temp_directory_path() / "steward-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return tl::unexpected(system_error(errno, "make " + name));
  }
  return TemporaryFolder(fs::path(name));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
}

Result<std::unique_ptr<Rig>> Rig::start() {
  STEWARD_TRY(TemporaryFolder folder, TemporaryFolder::make());
  std::unique_ptr<Rig> rig(new Rig(std::move(folder)));
  for (const auto step : {&Rig::start_broker, &Rig::start_programs, &Rig::wait_until_up}) {
    if (auto done = (rig.get()->*step)(); !done) {
      return tl::unexpected(std::move(done).error());
    }
  }
  return rig;
}

Result<std::unique_ptr<ChildProcess>> Rig::run(const std::string& name,
                                               const std::vector<std::string>& argv) const {
  const fs::path& folder = folder_.path();
  // A person's running demo keeps its entry in the runtime folder: ours gets one of its own.
  return ChildProcess::start(
      argv, {"XDG_RUNTIME_DIR=" + folder.string()}, folder / (name + ".log"));
}

Result<void> Rig::start_broker() {
  STEWARD_TRY(std::string program, find_nats_server());
  const std::string folder = folder_.path().string();
  STEWARD_TRY(nats_server_,
              run("nats-server",
                  {std::move(program),
                   "-a",
                   "127.0.0.1",
                   "-p",
                   "-1",
                   "--ports_file_dir",
                   folder,
                   "-js",
                   "-sd",
                   folder + "/store"}));
  const fs::path ports_file =
      folder_.path() / ("nats-server_" + std::to_string(nats_server_->pid()) + ".ports");
  const Clock::time_point deadline = Clock::now() + kRigPatience;
  while (broker_.empty()) {
    if (Clock::now() > deadline || !nats_server_->is_running()) {
      return failure(
          ErrorCode::timed_out,
          "nats-server does not come up:\n" + last_lines(folder_.path() / "nats-server.log"));
    }
    std::this_thread::sleep_for(kPause);
    broker_ = announced_broker(ports_file);
  }
  return {};
}

Result<void> Rig::start_programs() {
  STEWARD_TRY(const fs::path own, own_program());
  if (auto started = start_station(); !started) {
    return started;
  }
  STEWARD_TRY(replier_, run("replier", {own, "replier", "--broker", broker_}));
  return start_agent();
}

Result<void> Rig::start_station() {
  STEWARD_TRY(const fs::path own, own_program());
  STEWARD_TRY(http_port_, free_port());
  STEWARD_TRY(station_,
              run("station",
                  {own.parent_path() / "steward",
                   "run",
                   "--broker",
                   broker_,
                   "--http",
                   "127.0.0.1:" + std::to_string(http_port_),
                   "--state-dir",
                   folder_.path() / "station"}));
  return {};
}

Result<void> Rig::fill_station(std::size_t commands, std::size_t units) {
  STEWARD_TRY(const fs::path own, own_program());
  const fs::path file = folder_.path() / "station" / "station.db";
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    fs::remove(file.string() + suffix, ignored);
  }
  STEWARD_TRY(const auto filling,
              run("fill",
                  {own.parent_path() / "steward-fill",
                   "--file",
                   file,
                   "--commands",
                   std::to_string(commands),
                   "--units",
                   std::to_string(units)}));
  const Clock::time_point deadline = Clock::now() + kFilling;
  while (filling->is_running()) {
    if (Clock::now() > deadline) {
      return failure(ErrorCode::timed_out, "filling station.db takes too long");
    }
    std::this_thread::sleep_for(kPause);
  }
  const fs::path log = folder_.path() / "fill.log";
  if (const std::string said = last_lines(log); said != "filled\n") {
    return failure(ErrorCode::io, "filling station.db: " + said);
  }
  return {};
}

Result<void> Rig::start_agent(const fs::path& config) {
  STEWARD_TRY(const fs::path own, own_program());
  std::vector<std::string> argv{own.parent_path() / "steward-edge",
                                "run",
                                "--name",
                                kUnit,
                                "--broker",
                                broker_,
                                "--state-dir",
                                agent_folder()};
  if (!config.empty()) {
    argv.insert(argv.end(), {"--config", config.string()});
  }
  STEWARD_TRY(agent_, run("agent", argv));
  return {};
}

Result<void> Rig::wait_until_up() {
  STEWARD_TRY(const wire::NodeName unit, wire::NodeName::parse(kUnit));
  STEWARD_TRY(operator_, OperatorLink::connect(broker_, unit));
  const Clock::time_point deadline = Clock::now() + kRigPatience;
  while (Clock::now() < deadline && station_->is_running() && agent_->is_running()) {
    const auto row = operator_->unit_row(std::chrono::milliseconds(500));
    if (row && row->state == wire::UnitState::up) {
      return {};
    }
    std::this_thread::sleep_for(kPause);
  }
  return failure(ErrorCode::timed_out,
                 "the unit does not come up; station:\n" +
                     last_lines(folder_.path() / "station.log") + "\nagent:\n" +
                     last_lines(folder_.path() / "agent.log"));
}

}  // namespace steward::bench
