#include "tests/integration/logs/rig.hpp"

#include "subjects/bus/channel.hpp"
#include "subjects/wire/ack.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace steward::tests {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWriter = "/lib/systemd/systemd-journal-remote";

std::string replaced(std::string text, const std::string& folder) {
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    text.replace(at, 1, folder);
  }
  return text;
}

}  // namespace

ForwardingAgent::ForwardingAgent(const std::string& broker, const std::string& options)
    : broker_(broker) {
  write_config(options);
  start();
}

ForwardingAgent::~ForwardingAgent() {
  if (pid_ > 0) {
    end_by(SIGKILL);
  }
}

void ForwardingAgent::write_config(const std::string& options) const {
  std::ofstream(folder() / "edge.toml")
      << "name = \"ship1\"\nbroker = \"" << broker_ << "\"\nstate_dir = \"" << path("state")
      << "\"\n[syslogforwarding.test]\nbatch_ms = 50\n"
      << replaced(options, folder().string()) << "\n";
}

void ForwardingAgent::restart_with(const std::string& options) {
  end_by(SIGKILL);
  write_config(options);
  start();
}

void ForwardingAgent::start() {
  const std::string program = std::string(STEWARD_BIN_DIR) + "/steward-edge";
  const std::string config = path("edge.toml");
  const std::string log = path("agent.out");
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int file = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDERR_FILENO);
    ::execl(program.c_str(), program.c_str(), "run", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
}

void ForwardingAgent::send_signal(int signal) const { tests::send_signal(pid_, signal); }

void ForwardingAgent::end_by(int signal) {
  tests::send_signal(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ForwardingAgent::log() const {
  std::ostringstream text;
  text << std::ifstream(folder() / "agent.out").rdbuf();
  return text.str();
}

LogStream::LogStream(const std::string& broker) {
  bus_ = *bus::NatsBus::open({.servers = {broker}, .name = "reader"});
  REQUIRE(bus_->wait_until_up(std::chrono::seconds(30)));
  make_stream();
  const auto sink = [this](bus::Message&& message) { push(std::move(message)); };
  bus::LogReader::Query query{"*.event.syslogforwarding.*", std::nullopt, "test", 1'000'000};
  reader_ = std::make_unique<bus::LogReader>(
      *bus_, query, sink, [](const std::string& text) { MESSAGE(text); });
  REQUIRE(reader_->open());
}

void LogStream::push(bus::Message&& message) {
  const std::lock_guard lock(mutex_);
  inbox_.push_back(std::move(message));
  changed_.notify_all();
}

void LogStream::make_stream() {
  const auto inbox = bus_->new_inbox();
  std::string answer;
  const auto hearing = *bus_->subscribe(inbox, [&, this](bus::Message&& message) {
    const std::lock_guard lock(mutex_);
    answer = message.payload;
    changed_.notify_all();
  });
  REQUIRE(bus_->publish(
      {"$JS.API.STREAM.CREATE.LOGS",
       {},
       R"({"name":"LOGS","subjects":["*.event.syslogforwarding.*"],"storage":"file","retention":"limits","num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msg_size":-1,"discard":"old"})",
       inbox}));
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, std::chrono::seconds(30), [&answer] { return !answer.empty(); }));
  REQUIRE(answer.find("\"error\"") == std::string::npos);
}

bool LogStream::read_until(const std::function<bool(const LogStream&)>& holds,
                           std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  for (;;) {
    std::vector<bus::Message> came;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return !inbox_.empty(); });
      came.swap(inbox_);
    }
    for (const auto& message : came) {
      reader_->take(message, Clock::now());
    }
    reader_->tick(Clock::now());
    release();
    if (holds(*this)) {
      return true;
    }
    if (Clock::now() > until) {
      return false;
    }
  }
}

void LogStream::release() {
  for (auto& item : reader_->merged().release(std::numeric_limits<std::int64_t>::max())) {
    lines_ += item.line ? 1 : 0;
    items.push_back(std::move(item));
  }
}

std::uint64_t LogStream::missing() {
  reader_->merged().settle_gaps();
  release();
  return reader_->merged().missing();
}

std::vector<std::string> LogStream::lines() const {
  std::vector<std::string> all;
  for (const auto& item : items) {
    if (item.line) {
      all.push_back(item.line->line);
    }
  }
  return all;
}

std::vector<std::string> LogStream::notices() const {
  std::vector<std::string> all;
  for (const auto& item : items) {
    if (!item.line) {
      all.push_back(item.notice);
    }
  }
  return all;
}

std::string LogStream::command(const std::string& payload) {
  const auto id = bus::system_ids()(
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()));
  std::string result;
  // Nobody acknowledges: the ends of earlier commands come again and again.
  const auto hearing =
      *bus_->subscribe("ship1.event.ack.syslogforwarding", [&, this](bus::Message&& message) {
        const auto ack = wire::decode_ack(message.payload);
        const std::lock_guard lock(mutex_);
        if (ack && ack->ref == id && is_terminal(ack->state)) {
          result = std::string(word(ack->state)) + " " + ack->result + ack->message;
          changed_.notify_all();
        }
      });
  // Said again under one id until the agent is there.
  bus::Message message{"ship1.command.syslogforwarding.test", {}, payload, {}};
  message.headers.add("ce-id", id.str());
  for (int attempt = 0; attempt < 120; ++attempt) {
    static_cast<void>(bus_->publish(message));
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(
            lock, std::chrono::milliseconds(500), [&result] { return !result.empty(); })) {
      return result;
    }
  }
  return "no answer";
}

std::string LogStream::heard(const std::string& command,
                             const std::string& payload,
                             const std::string& event,
                             const std::string& text) {
  std::string found;
  const auto hearing = *bus_->subscribe(event, [&, this](bus::Message&& message) {
    const std::lock_guard lock(mutex_);
    if (found.empty() && message.payload.find(text) != std::string::npos) {
      found = message.payload;
      changed_.notify_all();
    }
  });
  static_cast<void>(bus_->publish({command, {}, payload, {}}));
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(30), [&found] { return !found.empty(); });
  return found;
}

std::string numbered(std::size_t number) {
  std::array<char, 160> text{};
  std::snprintf(
      text.data(),
      text.size(),
      "line %08zu of a log with lines that are as long as those of a real one usually are, "
      "about a hundred bytes",
      number);
  return text.data();
}

bool has_journal_writer() {
  const bool there = ::access(kWriter, X_OK) == 0;
  if (!there) {
    REQUIRE_MESSAGE(std::getenv("CI") == nullptr, "no systemd-journal-remote here");
    MESSAGE("skipped: no systemd-journal-remote here");
  }
  return there;
}

// Adds entries to a file of the journal's, as systemd writes them.
void write_journal(const ForwardingAgent& agent,
                   const std::string& name,
                   std::size_t first,
                   std::size_t last) {
  std::filesystem::create_directories(agent.path("journal"));
  const auto command =
      std::string(kWriter) + " -o " + agent.path("journal/" + name) + " - >/dev/null 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "w");
  REQUIRE(pipe != nullptr);
  for (auto number = first; number <= last; ++number) {
    std::fprintf(pipe,
                 "__REALTIME_TIMESTAMP=%zu\n__MONOTONIC_TIMESTAMP=%zu\n"
                 "_BOOT_ID=cd2b7b0a4b1c4c0e9d7a7a3f5b6c7d8e\nPRIORITY=3\nSYSLOG_IDENTIFIER=app\n"
                 "_PID=7\n_SYSTEMD_UNIT=app.service\n_HOSTNAME=ship1\nMESSAGE=%s\n\n",
                 1'795'247'248'000'000 + number * 1'000,
                 1'000'000 + number * 1'000,
                 numbered(number).c_str());
  }
  REQUIRE(::pclose(pipe) == 0);
}

bool has_lines(LogStream& stream, std::size_t count) {
  return stream.read_until([count](const LogStream& read) { return read.line_count() >= count; });
}

std::string ctl(const std::string& broker, const std::string& arguments) {
  std::string out;
  const auto command = "XDG_RUNTIME_DIR=/nowhere " + std::string(STEWARD_BIN_DIR) +
                       "/stewardctl --server " + broker + " " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4'096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    out.append(buffer.data(), got);
  }
  ::pclose(pipe);
  return out;
}

void append(const std::string& path, std::size_t first, std::size_t last) {
  std::ofstream file(path, std::ios::app);
  for (auto number = first; number <= last; ++number) {
    file << numbered(number) << '\n';
  }
}

std::string disorder(const std::vector<std::string>& lines, std::size_t first, std::size_t last) {
  std::vector<std::size_t> numbers;
  for (const auto& line : lines) {
    const auto at = line.find("line ");
    if (at == std::string::npos) {
      return "a strange line: " + line;
    }
    numbers.push_back(std::strtoul(line.c_str() + at + 5, nullptr, 10));
  }
  std::sort(numbers.begin(), numbers.end());
  std::size_t expected = first;
  for (const auto number : numbers) {
    if (number != expected) {
      return (number < expected ? "twice " : "missing before ") + std::to_string(number);
    }
    ++expected;
  }
  return expected == last + 1 ? "" : "the last is " + std::to_string(expected - 1);
}

}  // namespace steward::tests
