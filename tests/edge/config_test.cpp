#include "edge/config.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace steward::tests::config_test {
namespace {

using edge::Flags;
using edge::Machine;
using edge::read_config;

const Machine kMachine{.hostname = "Ship1.example.org", .home = "/home/eva"};

// A configuration file that goes with the test.
class File {
 public:
  explicit File(std::string_view text) { std::ofstream(path_) << text; }

  ~File() { std::filesystem::remove(path_); }

  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path() const { return path_; }

 private:
  const std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                      ("config-test-" + std::to_string(::getpid()) + ".toml");
};

}  // namespace

TEST_CASE("config: without file and flags a unit is named after its host, with a broker here") {
  const auto config = read_config({}, kMachine);
  REQUIRE(config);
  CHECK(config->node.str() == "ship1");
  CHECK(config->brokers == std::vector<std::string>{"nats://127.0.0.1:4222"});
  CHECK(config->state_dir == "/home/eva/.local/state/steward-edge");
  CHECK(config->log_level == runtime::LogLevel::info);
  CHECK(config->log_form == runtime::LogSink::Form::terminal);
}

TEST_CASE("config: the state directory follows root, XDG and home, in this order") {
  auto machine = kMachine;
  machine.xdg_state_home = "/xdg";
  CHECK(read_config({}, machine)->state_dir == "/xdg/steward-edge");
  machine.xdg_state_home = "relative";
  CHECK(read_config({}, machine)->state_dir == "/home/eva/.local/state/steward-edge");
  machine.is_root = true;
  CHECK(read_config({}, machine)->state_dir == "/var/lib/steward-edge");
}

TEST_CASE("config: TLS is by given files, or by a certificate that the unit makes itself") {
  const auto read = [](const std::string& text) {
    const File file("state_dir = \"/state\"\n" + text);
    Flags flags;
    flags.config = file.path();
    return read_config(flags, kMachine);
  };
  const auto given = read("[tls]\nca = \"/a\"\ncertificate = \"/b\"\nkey = \"/c\"\n");
  REQUIRE(given);
  CHECK(given->tls.ca == "/a");
  CHECK(given->tls.certificate == "/b");
  CHECK(given->tls.key == "/c");
  CHECK(given->options.problems().empty());
  const std::string trust = "[trust]\ncluster = \"c\"\n";
  const auto own = read(trust + "[tls]\nown = true\n");
  REQUIRE(own);
  CHECK(own->tls.own);
  CHECK(own->tls.certificate == "/state/tls/chain.pem");
  CHECK(own->tls.key == "/state/tls/key.pem");
  for (const auto* wrong : {"[tls]\ncertificate = \"/b\"\n",
                            "[tls]\nkey = \"/c\"\n",
                            "[tls]\nown = true\n",
                            "[trust]\n[tls]\nown = true\ncertificate = \"/b\"\nkey = \"/c\"\n"}) {
    CAPTURE(wrong);
    const auto config = read(wrong);
    REQUIRE(config);
    const auto problems = config->options.problems();
    CHECK(std::any_of(problems.begin(), problems.end(), [](const std::string& problem) {
      return problem.find("tls.") != std::string::npos;
    }));
  }
}

TEST_CASE("config: a host's name that makes no unit name asks for one") {
  auto machine = kMachine;
  machine.hostname = "my_laptop";
  const auto config = read_config({}, machine);
  REQUIRE_FALSE(config);
  CHECK(config.error().message ==
        "this machine's name 'my_laptop' makes no unit name; give one with --name or 'name' in the "
        "configuration");
}

TEST_CASE("config: flags win over the file, the file over the defaults") {
  const File file(
      "name = 'rig7'\nbroker = ['nats://a:1', 'nats://b:2']\nstate_dir = '/srv/x/../y'\n"
      "[log]\nlevel = 'warning'\nform = 'journal'\n");
  auto config = read_config({.config = file.path()}, kMachine);
  REQUIRE(config);
  CHECK(config->node.str() == "rig7");
  CHECK(config->brokers == std::vector<std::string>{"nats://a:1", "nats://b:2"});
  CHECK(config->state_dir == "/srv/y");
  CHECK(config->log_level == runtime::LogLevel::warning);
  CHECK(config->log_form == runtime::LogSink::Form::journal);
  CHECK(config->options.problems().empty());

  config = read_config({.config = file.path(),
                        .name = "ship9",
                        .brokers = {"nats://c"},
                        .state_dir = "/s",
                        .log_level = "debug",
                        .log_form = "terminal"},
                       kMachine);
  REQUIRE(config);
  CHECK(config->node.str() == "ship9");
  CHECK(config->brokers == std::vector<std::string>{"nats://c"});
  CHECK(config->state_dir == "/s");
  CHECK(config->log_level == runtime::LogLevel::debug);
  CHECK(config->log_form == runtime::LogSink::Form::terminal);
}

TEST_CASE("config: under systemd the log takes the journal's form by itself") {
  auto machine = kMachine;
  machine.under_systemd = true;
  CHECK(read_config({}, machine)->log_form == runtime::LogSink::Form::journal);
  CHECK(read_config({.log_form = "terminal"}, machine)->log_form ==
        runtime::LogSink::Form::terminal);
}

TEST_CASE("config: a wrong name says where it stands and what a name is") {
  const auto flag = read_config({.name = "Ship.1"}, kMachine);
  REQUIRE_FALSE(flag);
  CHECK(flag.error().message.starts_with("--name: 'Ship.1' is not a node name: "));
  const File file("name = '*'\n");
  const auto written = read_config({.config = file.path()}, kMachine);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(file.path() + ": name: "));
}

TEST_CASE("config: broker addresses are checked before anything connects") {
  for (const char* good : {"nats://h", "nats://h:4222", "tls://eva:pw@h:1", "nats://[::1]:4222"}) {
    CAPTURE(good);
    CHECK(read_config({.brokers = {good}}, kMachine));
  }
  for (const char* bad : {"",
                          "h:4222",
                          "http://h",
                          "nats://",
                          "nats://h:0",
                          "nats://h:65536",
                          "nats://h:x",
                          "nats://a b",
                          "nats://h/x",
                          "nats://:4222"}) {
    CAPTURE(bad);
    const auto config = read_config({.brokers = {bad}}, kMachine);
    REQUIRE_FALSE(config);
    CHECK(config.error().message == "--broker: '" + std::string(bad) +
                                        "' is no broker's address; write nats://HOST or "
                                        "nats://HOST:PORT");
  }
}

TEST_CASE("config: a file that is not there says so") {
  const auto config = read_config({.config = "/nonexistent/edge.toml"}, kMachine);
  REQUIRE_FALSE(config);
  CHECK(config.error().code == ErrorCode::not_found);
}

}  // namespace steward::tests::config_test
