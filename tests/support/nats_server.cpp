#include "tests/support/nats_server.hpp"

#include "tests/support/process.hpp"
#include "tests/support/text.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kBrokerStartLimit{15};

fs::path find_program() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto program = fs::path(folder) / "nats-server";
    if (access(program.c_str(), X_OK) == 0) {
      return program;
    }
  }
  return {};
}

fs::path make_broker_folder() {
  auto pattern = (fs::temp_directory_path() / "steward-nats-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  return pattern;
}

bool takes_connections(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

}  // namespace

std::unique_ptr<NatsServer> NatsServer::make(Options options) {
  auto program = find_program();
  if (program.empty()) {
    if (std::getenv("CI") != nullptr) {
      FAIL("nats-server is not installed: looked in PATH and /usr/sbin");
    }
    MESSAGE("SKIPPED: nats-server is not installed (looked in PATH and /usr/sbin)");
    return nullptr;
  }
  return std::unique_ptr<NatsServer>(new NatsServer(std::move(program), std::move(options)));
}

std::unique_ptr<NatsServer> NatsServer::start(Options options) {
  auto server = make(std::move(options));
  if (server) {
    server->launch();
  }
  return server;
}

std::unique_ptr<NatsServer> NatsServer::start_with_jetstream() {
  auto server = make({});
  if (server) {
    server->options_.jetstream_dir = server->folder_ / "store";
    server->launch();
  }
  return server;
}

std::unique_ptr<NatsServer> NatsServer::start() { return start(Options{}); }

NatsServer::NatsServer(fs::path program, Options options)
    : program_(std::move(program)), options_(std::move(options)), folder_(make_broker_folder()) {}

NatsServer::~NatsServer() {
  kill9();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string NatsServer::url() const { return "nats://127.0.0.1:" + std::to_string(options_.port); }

std::string NatsServer::log() const { return text_of(folder_ / "nats-server.log"); }

void NatsServer::launch() {
  std::vector<std::string> words{program_,
                                 "-a",
                                 "127.0.0.1",
                                 "-p",
                                 std::to_string(options_.port == 0 ? -1 : options_.port),
                                 "--ports_file_dir",
                                 folder_,
                                 "-l",
                                 folder_ / "nats-server.log"};
  if (!options_.jetstream_dir.empty()) {
    words.insert(words.end(), {"-js", "-sd", options_.jetstream_dir});
  }
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);

  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  if (pid_ < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  wait_for_port();
}

void NatsServer::wait_for_port() {
  const auto ports_file = folder_ / ("nats-server_" + std::to_string(pid_) + ".ports");
  const auto until = std::chrono::steady_clock::now() + kBrokerStartLimit;
  while (std::chrono::steady_clock::now() < until) {
    if (options_.port == 0) {
      constexpr std::string_view kAddress = "://127.0.0.1:";  // nats or tls
      const auto ports = text_of(ports_file);
      if (const auto at = ports.find(kAddress); at != std::string::npos) {
        options_.port = std::atoi(ports.c_str() + at + kAddress.size());
      }
    }
    if (options_.port != 0 && takes_connections(options_.port)) {
      return;
    }
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("nats-server ended at its start: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  throw std::runtime_error("nats-server opens no port: " + log());
}

void NatsServer::end(int signal) {
  if (pid_ > 0) {
    tests::send_signal(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

void NatsServer::kill9() { end(SIGKILL); }

void NatsServer::stop() { end(SIGTERM); }

void NatsServer::freeze() { tests::send_signal(pid_, SIGSTOP); }

void NatsServer::thaw() { tests::send_signal(pid_, SIGCONT); }

void NatsServer::reload() { tests::send_signal(pid_, SIGHUP); }

void NatsServer::restart() {
  stop();
  launch();
}

void NatsServer::restart(std::vector<std::string> arguments) {
  options_.arguments = std::move(arguments);
  restart();
}

}  // namespace steward::tests
