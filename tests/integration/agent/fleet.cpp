#include "tests/integration/agent/fleet.hpp"

#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace steward::tests {

namespace {

std::filesystem::path make_agent_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "steward-edge-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

}  // namespace

AgentProcess::AgentProcess(const std::string& broker, std::vector<std::string> under)
    : broker_(broker), under_(std::move(under)), folder_(make_agent_folder()) {
  start();
}

void AgentProcess::start() {
  auto words = under_;
  words.insert(words.end(),
               {std::string(STEWARD_BIN_DIR) + "/steward-edge",
                "run",
                "--name",
                "ship1",
                "--broker",
                broker_,
                "--state-dir",
                folder_ / "state"});
  std::vector<char*> argv;
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const std::string log = folder_ / "log";
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int file = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    ::execvp(argv.front(), argv.data());
    ::_exit(127);
  }
}

AgentProcess::~AgentProcess() {
  if (pid_ > 0) {
    end_by(SIGKILL);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

int AgentProcess::end_by(int signal) {
  int status = 0;
  tests::send_signal(pid_, signal);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::size_t AgentProcess::rss_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string AgentProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ / "log").rdbuf();
  return text.str();
}

Listener::Listener(const std::string& broker)
    : channel_(*wire::Source::parse("/station"), wire::Completeness::required, ids_) {
  bus_ = *bus::NatsBus::open({.servers = {broker}, .name = "station"});
  REQUIRE(bus_->wait_until_up(std::chrono::seconds(10)));
  subscription_ = *bus_->subscribe("ship1.event.>",
                                   [this](bus::Message&& message) { hear(std::move(message)); });
  REQUIRE(bus_->flush(std::chrono::seconds(10)));
}

wire::Timestamp Listener::now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

void Listener::hear(bus::Message&& message) {
  auto opened = channel_.open(std::move(message), now());
  const std::lock_guard lock(mutex_);
  REQUIRE(opened);
  if (opened->transport.method.str() == "hello") {
    hellos.push_back(*wire::decode_hello(opened->payload));
  }
  if (opened->transport.method.str() == "metrics") {
    metrics.push_back(opened->payload);
  }
  const auto& position = opened->envelope.position;
  const bool fresh = position && times[{position->epoch.str(), position->seq}]++ == 0;
  if (opened->transport.method.str() == "daemon" && fresh) {
    daemons.push_back(opened->payload);
  }
  if (opened->transport.method.str() == "ack" && (fresh || !position)) {
    (position ? acks : repeats).push_back(*wire::decode_ack(opened->payload));
    if (position) {
      places_.emplace_back(position->epoch.str(), position->seq);
    }
  }
  if (opened->envelope.position && acknowledges) {
    acknowledge(opened->envelope.position->epoch.str());
  }
  changed_.notify_all();
}

void Listener::acknowledge(const std::string& epoch) {
  auto& upto = acknowledged_[epoch];
  while (times.contains({epoch, upto + 1})) {
    ++upto;
  }
  // Not every one: acknowledgements are cumulative.
  if (upto % 100 == 0 || !times.contains({epoch, upto + 2})) {
    static_cast<void>(
        bus_->publish({"station.event.received.ship1", {}, wire::encode({epoch, upto}), ""}));
  }
}

bool Listener::wait(const std::function<bool(const Listener&)>& holds,
                    std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this, &holds] { return holds(*this); });
}

bool Listener::wait_asking(const std::function<bool(const Listener&)>& holds) {
  for (int attempt = 0; attempt < 300; ++attempt) {
    raw({"ship1.command.hello.agent", {}, "{}", ""});
    if (wait(holds, std::chrono::milliseconds(200))) {
      return true;
    }
  }
  return false;
}

void Listener::forget_hellos() {
  const std::lock_guard lock(mutex_);
  hellos.clear();
}

wire::MessageId Listener::command(const std::string& subject, const std::string& payload) {
  const auto id = new_id();
  command(id, subject, payload);
  return id;
}

void Listener::command(const wire::MessageId& id,
                       const std::string& subject,
                       const std::string& payload) {
  auto envelope = wire::make_envelope(
      id, *wire::Source::parse("/operator/eva"), *wire::Subject::parse(subject), now());
  envelope.expires = now() + std::chrono::hours(1);
  raw(channel_.seal(envelope, payload));
}

void Listener::raw(const bus::Message& message) { static_cast<void>(bus_->publish(message)); }

std::vector<std::string> Listener::steps(const wire::MessageId& id) const {
  std::map<std::pair<std::string, std::uint64_t>, std::string> by_place;
  for (std::size_t i = 0; i < acks.size(); ++i) {
    const auto& ack = acks[i];
    if (ack.ref == id) {
      by_place[places_[i]] =
          std::string(word(ack.state)) + (ack.code.empty() ? "" : " " + ack.code);
    }
  }
  std::vector<std::string> words;
  for (auto& [place, step] : by_place) {
    words.push_back(std::move(step));
  }
  return words;
}

}  // namespace steward::tests
