#include "tools/bench/daemon_keeper.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace steward::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::seconds kKeeperPatience{120};

std::string daemon_name(std::size_t number) { return "d" + std::to_string(number); }

// Where Debian has it; empty: it is not installed.
std::string program(const std::string& name) {
  for (const auto* folder : {"/usr/bin/", "/usr/sbin/", "/bin/"}) {
    if (fs::exists(folder + name)) {
      return folder + name;
    }
  }
  return "";
}

std::string script(const fs::path& folder, const std::string& name) {
  return fmt::format(
      "echo $$ ${{EPOCHREALTIME/./}}000 >> {}/{}.starts; exec sleep 100000", folder.string(), name);
}

// All processes below that one, itself included, whose name is among them.
void add_tree(pid_t pid, const std::vector<std::string>& names, std::int64_t& bytes) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    if (const auto memory = memory_of(pid)) {
      bytes += memory->proportional;
    }
  }
  std::error_code error;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) {
      add_tree(child, names, bytes);
    }
  }
}

Result<std::int64_t> memory_below(pid_t pid, const std::vector<std::string>& names) {
  std::int64_t bytes = 0;
  add_tree(pid, names, bytes);
  return bytes > 0 ? Result<std::int64_t>(bytes)
                   : failure(ErrorCode::not_found, "the keeper does not run");
}

class Steward final : public DaemonKeeper {
 public:
  Steward(OperatorLink& link, pid_t agent, fs::path folder)
      : link_(link), agent_(agent), folder_(std::move(folder)) {}

  ~Steward() override { end(); }

  std::string name() const override { return "steward"; }

  Result<void> run(std::size_t count) override {
    for (std::size_t number = count_; number < count; ++number) {
      const auto name = daemon_name(number);
      const json apply{
          {"op", "apply"},
          {"spec", {{"name", name}, {"argv", {"/bin/bash", "-c", script(folder_, name)}}}}};
      STEWARD_TRY([[maybe_unused]] const auto id, link_.send(apply.dump(), kDaemons));
    }
    count_ = count;
    return wait_for_starts(folder_, count, 1);
  }

  Result<std::int64_t> proportional_memory() const override {
    return memory_below(agent_, {"steward-edge", "steward-shim"});
  }

  void end() override {
    const auto count = std::exchange(count_, 0);
    for (std::size_t number = 0; number < count; ++number) {
      std::ignore = link_.carry_out(
          json{{"op", "remove"}, {"name", daemon_name(number)}, {"wait", false}}.dump(),
          kKeeperPatience,
          kDaemons);
    }
  }

 private:
  static constexpr const char* kDaemons = "daemon.system";

  OperatorLink& link_;
  const pid_t agent_;
  const fs::path folder_;
  std::size_t count_ = 0;
};

// A program that reads what it keeps from its folder, and is ended with all of it.
class Program : public DaemonKeeper {
 public:
  explicit Program(fs::path folder) : folder_(std::move(folder)) {}

  Result<void> run(std::size_t count) override {
    end();
    for (std::size_t number = 0; number < count; ++number) {
      std::error_code error;
      fs::remove(folder_ / (daemon_name(number) + ".starts"), error);
    }
    write(count);
    STEWARD_TRY(child_, ChildProcess::start(argv(), {}, folder_ / "log"));
    return wait_for_starts(folder_, count, 1);
  }

  void end() override { child_.reset(); }

 protected:
  virtual void write(std::size_t count) = 0;
  virtual std::vector<std::string> argv() const = 0;

  const fs::path folder_;
  std::unique_ptr<ChildProcess> child_;
};

class Runit final : public Program {
 public:
  using Program::Program;

  ~Runit() override { end(); }

  std::string name() const override { return "runit"; }

  Result<std::int64_t> proportional_memory() const override {
    return memory_below(child_->pid(), {"runsvdir", "runsv"});
  }

  // runsvdir leaves each runsv behind; each of them ends its daemon.
  void end() override {
    std::string below;
    if (child_) {
      std::getline(std::ifstream(fmt::format("/proc/{0}/task/{0}/children", child_->pid())), below);
    }
    Program::end();
    std::istringstream pids(below);
    for (pid_t pid = 0; pids >> pid;) {
      ::kill(pid, SIGTERM);
    }
    std::error_code error;
    fs::remove_all(folder_ / "services", error);
  }

 protected:
  void write(std::size_t count) override {
    for (std::size_t number = 0; number < count; ++number) {
      const auto name = daemon_name(number);
      const auto service = folder_ / "services" / name;
      fs::create_directories(service);
      std::ofstream(service / "run") << "#!/bin/bash\n" << script(folder_, name) << '\n';
      fs::permissions(service / "run", fs::perms::owner_all);
    }
  }

  std::vector<std::string> argv() const override {
    return {program("runsvdir"), (folder_ / "services").string()};
  }
};

class Supervisor final : public Program {
 public:
  using Program::Program;

  ~Supervisor() override { end(); }

  std::string name() const override { return "supervisor"; }

  Result<std::int64_t> proportional_memory() const override {
    STEWARD_TRY(const auto memory, memory_of(child_->pid()));
    return memory.proportional;
  }

 protected:
  void write(std::size_t count) override {
    std::ofstream file(folder_ / "supervisor.conf");
    file << fmt::format(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
        "pidfile={0}/supervisor.pid\nchildlogdir={0}\nminfds=4096\n",
        folder_.string());
    for (std::size_t number = 0; number < count; ++number) {
      const auto name = daemon_name(number);
      const auto path = folder_ / (name + ".sh");
      std::ofstream(path) << script(folder_, name) << '\n';
      file << fmt::format("[program:{}]\ncommand=/bin/bash {}\n", name, path.string());
    }
  }

  std::vector<std::string> argv() const override {
    return {program("supervisord"), "-c", (folder_ / "supervisor.conf").string()};
  }
};

// Units of the systemd that this machine runs, in its folder for those until the next boot. Its
// memory is what it has beyond that of before the first of them.
class Systemd final : public DaemonKeeper {
 public:
  explicit Systemd(fs::path folder) : folder_(std::move(folder)) {}

  ~Systemd() override { end(); }

  std::string name() const override { return "systemd"; }

  Result<void> run(std::size_t count) override {
    end();
    STEWARD_TRY(const auto memory, memory_of(1));
    before_ = memory.proportional;
    std::vector<std::string> start{program("systemctl"), "start", "--no-block"};
    for (std::size_t number = 0; number < count; ++number) {
      const auto daemon = daemon_name(number);
      std::error_code error;
      fs::remove(folder_ / (daemon + ".starts"), error);
      const auto path = folder_ / (daemon + ".sh");
      std::ofstream(path) << script(folder_, daemon) << '\n';
      start.push_back(unit(number));
      std::ofstream(fs::path(kUnits) / start.back())
          << "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nExecStart=/bin/bash "
          << path.string() << '\n';
    }
    count_ = count;
    tell({program("systemctl"), "daemon-reload"});
    tell(start);
    return wait_for_starts(folder_, count, 1);
  }

  Result<std::int64_t> proportional_memory() const override {
    STEWARD_TRY(const auto memory, memory_of(1));
    return memory.proportional - before_;
  }

  void end() override {
    if (count_ == 0) {
      return;
    }
    tell({program("systemctl"), "stop", "steward-bench-*"});
    const auto count = std::exchange(count_, 0);
    for (std::size_t number = 0; number < count; ++number) {
      std::error_code error;
      fs::remove(fs::path(kUnits) / unit(number), error);
    }
    tell({program("systemctl"), "daemon-reload"});
  }

 private:
  static constexpr const char* kUnits = "/run/systemd/system";

  static std::string unit(std::size_t number) {
    return "steward-bench-" + daemon_name(number) + ".service";
  }

  // Waits for its end.
  void tell(const std::vector<std::string>& argv) const {
    const auto child = ChildProcess::start(argv, {}, folder_ / "log");
    while (child && (*child)->is_running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const fs::path folder_;
  std::size_t count_ = 0;
  std::int64_t before_ = 0;
};

}  // namespace

std::vector<DaemonStart> starts(const fs::path& folder, const std::string& name) {
  std::vector<DaemonStart> all;
  std::ifstream file(folder / (name + ".starts"));
  std::int64_t at = 0;
  for (pid_t pid = 0; file >> pid >> at;) {
    all.push_back({pid, std::chrono::nanoseconds(at)});
  }
  return all;
}

Result<void> wait_for_starts(const fs::path& folder, std::size_t daemons, std::size_t each) {
  const auto until = Clock::now() + kKeeperPatience;
  for (std::size_t number = 0; number < daemons;) {
    if (starts(folder, daemon_name(number)).size() >= each) {
      ++number;
    } else if (Clock::now() >= until) {
      return failure(ErrorCode::timed_out, daemon_name(number) + " does not start");
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  return {};
}

std::unique_ptr<DaemonKeeper> steward_keeper(OperatorLink& link, pid_t agent, fs::path folder) {
  return std::make_unique<Steward>(link, agent, std::move(folder));
}

std::unique_ptr<DaemonKeeper> runit_keeper(fs::path folder) {
  return program("runsvdir").empty() ? nullptr : std::make_unique<Runit>(std::move(folder));
}

std::unique_ptr<DaemonKeeper> supervisor_keeper(fs::path folder) {
  return program("supervisord").empty() ? nullptr : std::make_unique<Supervisor>(std::move(folder));
}

// sd_booted(3)
std::unique_ptr<DaemonKeeper> systemd_keeper(fs::path folder) {
  return fs::exists("/run/systemd/system") ? std::make_unique<Systemd>(std::move(folder)) : nullptr;
}

}  // namespace steward::bench
