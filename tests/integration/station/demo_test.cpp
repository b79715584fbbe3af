#include "steward/broker.hpp"
#include "tests/integration/station/rig.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace steward::tests {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// `steward` with arguments, its runtime folder and its output in a folder of the test's.
class Program {
 public:
  Program(const std::filesystem::path& folder, std::vector<std::string> arguments)
      : output_(folder / ("output-" + std::to_string(++count_))) {
    arguments.insert(arguments.begin(), std::string(STEWARD_BIN_DIR) + "/steward");
    std::vector<char*> argv;
    for (auto& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      const int file = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(file, STDOUT_FILENO);
      ::dup2(file, STDERR_FILENO);
      ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }

  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Its exit code, -1 where it does not end in 60 s, 128 + signal where one ended it.
  int wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; },
                    std::chrono::seconds(60))) {
      return -1;
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  void terminate() const { ::kill(pid_, SIGTERM); }

  pid_t pid() const { return pid_; }

  std::string output() const { return text_of(output_); }

 private:
  static inline int count_ = 0;
  const std::filesystem::path output_;
  pid_t pid_ = -1;
};

// Processes whose command line holds that text.
std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && text_of(entry.path() / "cmdline").find(text) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

bool runnable() {
  const std::string bin = STEWARD_BIN_DIR;
  const bool programs = ::access((bin + "/steward-edge").c_str(), X_OK) == 0;
  const bool broker =
      station::find_nats_server(station::nats_server_folders(std::getenv("PATH"))).has_value();
  if (programs && broker) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("steward-edge or nats-server is missing");
  }
  MESSAGE("SKIPPED: steward-edge or nats-server is missing");
  return false;
}

std::vector<std::string> demo_arguments(const TemporaryFolder& folder, const std::string& units) {
  return {
      "demo", "--units", units, "--interval", "500", "--dir", (folder.path() / "demo").string()};
}

TEST_CASE("demo: it comes up, tells of itself, and its end leaves nothing behind") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  const auto current = folder.path() / "steward/current.json";
  Program demo(folder.path(), demo_arguments(folder, "2"));
  REQUIRE(eventually([&] { return demo.output().find("Add a unit") != std::string::npos; },
                     std::chrono::seconds(30)));
  CHECK(demo.output().find("2 demo units") != std::string::npos);
  CHECK(demo.output().find("nats-server 2.") != std::string::npos);
  const auto told = nlohmann::json::parse(text_of(current));
  CHECK(told["station"] == "station");
  CHECK(told["units"] == nlohmann::json({"demo1", "demo2"}));
  CHECK(told["pid"] == demo.pid());

  Asker asker(told["broker"]);
  CHECK(eventually([&] { return asker.ask("units", R"({"states":["up"]})").size() == 2; }));

  Program second(folder.path(), demo_arguments(folder, "1"));
  CHECK(second.wait() == 2);
  CHECK(second.output().find("a demo runs already") != std::string::npos);

  demo.terminate();
  CHECK(demo.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(current));
  CHECK(processes_with(folder.path().string()).empty());
}

TEST_CASE("demo: a unit that is killed is late, then down, and the rest goes on") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  Program demo(folder.path(), demo_arguments(folder, "2"));
  REQUIRE(eventually([&] { return demo.output().find("Add a unit") != std::string::npos; },
                     std::chrono::seconds(30)));
  const auto told = nlohmann::json::parse(text_of(folder.path() / "steward/current.json"));
  Asker asker(told["broker"]);
  const auto victims = processes_with((folder.path() / "demo/units/demo1").string());
  REQUIRE(victims.size() == 1);
  ::kill(victims[0], SIGKILL);
  bool was_late = false;
  const auto killed = std::chrono::steady_clock::now();
  CHECK(eventually([&] {
    const auto row = asker.unit("demo1");
    was_late = was_late || row->state == wire::UnitState::late;
    return row->state == wire::UnitState::down;
  }));
  CHECK(was_late);
  CHECK(std::chrono::steady_clock::now() - killed < std::chrono::milliseconds(2'500));
  CHECK(asker.unit("demo2")->state == wire::UnitState::up);
  demo.terminate();
  CHECK(demo.wait() == 0);
}

TEST_CASE("demo: it ends by itself after the time that it was given") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  auto arguments = demo_arguments(folder, "1");
  arguments.insert(arguments.end(), {"--for", "2"});
  Program demo(folder.path(), arguments);
  CHECK(demo.wait() == 0);
  CHECK(processes_with(folder.path().string()).empty());
}

TEST_CASE("steward: what is wrong with its call or configuration is said, with exit 2") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "bad.toml") << "nmae = 'x'\n[keep]\ndays = 0\n";
  const auto run = [&folder](std::vector<std::string> arguments, std::string* output = nullptr) {
    Program program(folder.path(), std::move(arguments));
    const int code = program.wait();
    if (output != nullptr) {
      *output = program.output();
    }
    return code;
  };
  std::string output;
  CHECK(run({"run", "--config", (folder.path() / "bad.toml").string()}, &output) == 2);
  CHECK(output.find("nmae") != std::string::npos);
  CHECK(output.find("days") != std::string::npos);
  CHECK(run({"run", "--name", "*", "--check-config"}) == 2);
  CHECK(run({"dance"}) == 2);
  CHECK(run({"--version"}, &output) == 0);
  CHECK(output.substr(0, 8) == "steward ");
  CHECK(run({"run",
             "--check-config",
             "--config",
             std::string(STEWARD_SOURCE_DIR) + "/deploy/config/steward.toml"},
            &output) == 0);
}

}  // namespace
}  // namespace steward::tests
