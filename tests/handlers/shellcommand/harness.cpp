#include "tests/handlers/shellcommand/harness.hpp"

#include "subjects/wire/envelope.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

class NoVitals final : public runtime::Vitals {
 public:
  wire::Hello hello() const override { return {}; }

  void facts_told(const std::string&) override {}
};

NoVitals no_vitals;

const runtime::LogSink& quiet() {
  static const runtime::LogSink kSink(runtime::LogLevel::error, runtime::LogSink::Form::terminal);
  return kSink;
}

std::filesystem::path make_folder() {
  std::string name = "/tmp/steward-shell.XXXXXX";
  REQUIRE(mkdtemp(name.data()) != nullptr);
  return name;
}

// Empty where it cannot be read: a process may end between the look at its folder and this one, and
// then reading fails, which the stream notes instead of throwing.
std::string read_file(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class Predicate>
std::vector<pid_t> find_processes(Predicate&& wanted) {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && wanted(entry.path())) {
      pids.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return pids;
}

}  // namespace

wire::MessageId TestClock::new_id() {
  ++last_;
  wire::MessageId::Randomness random{};
  for (std::size_t i = 0; i < 8; ++i) {
    random[9 - i] = static_cast<std::uint8_t>(last_ >> (8 * i));
  }
  return wire::MessageId::make(static_cast<std::uint64_t>(getpid()), random);
}

void Recorder::reply(wire::Ack ack) {
  if (wire::is_terminal(ack.state)) {
    ++terminal_count;
  }
  if (keep_acks) {
    CHECK(wire::encode(ack).size() <= wire::kMaxPayloadBytes);
    acks.push_back(std::move(ack));
  }
  if (told) {
    told();
  }
}

void Recorder::begin(const wire::MessageId&, std::function<void()> then) {
  if (begins_late) {
    beginning.push_back(std::move(then));
  } else {
    then();
  }
}

Result<void> Recorder::stream(std::string payload) {
  if (!up) {
    return failure(ErrorCode::unavailable, "no link");
  }
  CHECK(payload.size() <= wire::kMaxPayloadBytes);
  auto event = wire::decode_shell_event(payload);
  REQUIRE(event);
  events.push_back(*std::move(event));
  if (told) {
    told();
  }
  return {};
}

Harness::Harness(std::string options)
    : folder(make_folder()), processes_(std::make_unique<runtime::Processes>(adopter_loop_)) {
  adopter_ = std::thread([this] { adopter_loop_.run(); });
  auto parsed = runtime::Options::parse(options, "test.toml");
  REQUIRE(parsed);
  context_ =
      std::make_unique<runtime::Context>(runtime::Context{*wire::NodeName::parse("ship1"),
                                                          *wire::Token::parse("shellcommand"),
                                                          *wire::Token::parse("operatingsystem"),
                                                          loop,
                                                          recorder,
                                                          clock,
                                                          runtime::Logger(quiet(), "shellcommand"),
                                                          *std::move(parsed),
                                                          folder / "state",
                                                          *processes_,
                                                          no_vitals});
  recorder.told = [this] {
    if (running_) {
      loop.stop();  // until() looks again
    }
  };
  handler = std::make_unique<ShellCommand>(*context_);
  REQUIRE(handler->start());
}

Harness::~Harness() {
  stop();
  adopter_loop_.post([this] { adopter_loop_.stop(); });
  adopter_.join();
  processes_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder, error);
}

wire::MessageId Harness::send(const std::string& payload, std::optional<wire::Timestamp> expires) {
  const auto id = clock.new_id();
  hand_over(id, payload, expires, false);
  return id;
}

void Harness::take_up(const wire::MessageId& id, const std::string& payload) {
  hand_over(id, payload, std::nullopt, true);
}

void Harness::hand_over(const wire::MessageId& id,
                        const std::string& payload,
                        std::optional<wire::Timestamp> expires,
                        bool begun) {
  runtime::Command command{
      wire::make_envelope(id,
                          *wire::Source::parse("/operator/test"),
                          *wire::Subject::parse("ship1.command.shellcommand.operatingsystem"),
                          clock.now()),
      payload,
      begun};
  command.envelope.expires = expires;
  auto admission = handler->receive(command);
  if (!admission) {
    recorder.reply({.ref = id,
                    .domain = "operatingsystem",
                    .state = wire::CommandState::refused,
                    .code = std::string(word(admission.error().code)),
                    .message = admission.error().message});
    return;
  }
  if (begun && !admission->repeatable) {  // as the runtime has it
    recorder.reply({.ref = id,
                    .domain = "operatingsystem",
                    .state = wire::CommandState::interrupted,
                    .code = "agent_stopped"});
    return;
  }
  admission->start();
}

void Harness::stop() {
  bool stopped = false;
  handler->stop([&stopped] { stopped = true; });
  CHECK(until([&stopped] { return stopped; }));
  handler.reset();
}

void Harness::restart() {
  stop();
  handler = std::make_unique<ShellCommand>(*context_);
  REQUIRE(handler->start());
}

bool Harness::until(const std::function<bool()>& holds, std::chrono::milliseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  runtime::Timer watch(loop, [this] { loop.stop(); });
  watch.start_every(5ms);
  bool held = holds();
  while (!held && std::chrono::steady_clock::now() <= deadline) {
    running_ = true;
    loop.run();
    running_ = false;
    held = holds();
  }
  return held;
}

void Harness::run_for(std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  CHECK(until([deadline] { return std::chrono::steady_clock::now() >= deadline; }));
}

const wire::Ack* Harness::find(const wire::MessageId& id, wire::CommandState state) const {
  for (const auto& ack : recorder.acks) {
    if (ack.ref == id && ack.state == state) {
      return &ack;
    }
  }
  return nullptr;
}

const wire::Ack* Harness::terminal(const wire::MessageId& id) const {
  for (const auto& ack : recorder.acks) {
    if (ack.ref == id && wire::is_terminal(ack.state)) {
      return &ack;
    }
  }
  return nullptr;
}

Harness::Outcome Harness::outcome(const wire::MessageId& id, std::chrono::milliseconds most) {
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(until([this, &id] { return terminal(id) != nullptr; }, most));
  const auto took = std::chrono::steady_clock::now() - begin;
  Outcome outcome{
      id, *terminal(id), {}, std::chrono::duration_cast<std::chrono::milliseconds>(took)};
  if (!outcome.ack.result.empty()) {
    auto result = wire::decode_shell_result(outcome.ack.result);
    REQUIRE(result);
    outcome.result = *std::move(result);
  }
  return outcome;
}

Harness::Outcome Harness::run(const std::string& payload, std::chrono::milliseconds most) {
  auto done = outcome(send(payload), most);
  CHECK_MESSAGE(until([&done] { return processes_of(done.id).empty(); }, 2s),
                "processes are left of " << payload);
  return done;
}

Harness::Streamed Harness::streamed(const wire::MessageId& id, int fd) const {
  Streamed all;
  std::uint64_t expected = 0;
  for (const auto& event : recorder.events) {
    if (event.ref != id || event.type != wire::ShellEventType::output || event.fd != fd) {
      continue;
    }
    all.in_order = all.in_order && event.offset == expected + event.gap_bytes;
    expected = event.offset + event.bytes.size();
    all.gaps += event.gap_bytes;
    all.bytes += event.bytes;
    ++all.chunks;
  }
  return all;
}

bool Harness::told(const wire::MessageId& id, wire::ShellEventType type) const {
  for (const auto& event : recorder.events) {
    if (event.ref == id && event.type == type) {
      return true;
    }
  }
  return false;
}

std::vector<pid_t> processes_of(const wire::MessageId& id) {
  const std::string wanted = "STEWARD_JOB=" + id.str();
  return find_processes([&wanted](const std::filesystem::path& process) {
    return read_file(process / "environ").find(wanted) != std::string::npos;
  });
}

std::vector<pid_t> processes_with_text(const std::string& text) {
  return find_processes([&text](const std::filesystem::path& process) {
    return read_file(process / "cmdline").find(text) != std::string::npos;
  });
}

int zombies() {
  const std::string self = std::to_string(getpid());
  return static_cast<int>(find_processes([&self](const std::filesystem::path& process) {
                            const std::string stat = read_file(process / "stat");
                            const auto end = stat.rfind(')');
                            return end != std::string::npos &&
                                   stat.compare(end, 5 + self.size(), ") Z " + self + " ") == 0;
                          }).size());
}

int open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                        std::filesystem::directory_iterator()));
}

std::size_t resident_bytes() {
  std::istringstream statm(read_file("/proc/self/statm"));
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::string shell_json(const std::string& script, const std::string& more) {
  std::string json = nlohmann::json{{"shell", script}}.dump();
  if (!more.empty()) {
    json.insert(json.size() - 1, "," + more);
  }
  return json;
}

}  // namespace steward::handlers::shellcommand
