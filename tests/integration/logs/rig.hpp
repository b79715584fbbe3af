#pragma once

#include "subjects/bus/log_reader.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace steward::tests {

// A real steward-edge named "ship1" with a configuration of its own, ended by SIGKILL with this
// object.
class ForwardingAgent {
 public:
  // `options`: of [syslogforwarding.test]; "@" in it is this agent's folder.
  ForwardingAgent(const std::string& broker, const std::string& options);
  ~ForwardingAgent();
  ForwardingAgent(const ForwardingAgent&) = delete;
  ForwardingAgent& operator=(const ForwardingAgent&) = delete;

  void start();
  void end_by(int signal);
  void send_signal(int signal) const;

  // Ends it, and starts it with other options on its state.
  void restart_with(const std::string& options);

  const std::filesystem::path& folder() const { return folder_.path(); }

  std::string path(const std::string& name) const { return (folder() / name).string(); }

  std::string log() const;

 private:
  void write_config(const std::string& options) const;

  const std::string broker_;
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

// The stream LOGS, made and read as a station and an operator do.
class LogStream {
 public:
  explicit LogStream(const std::string& broker);

  // Reads what comes until that holds of it. Items are in the order of their coming out.
  bool read_until(const std::function<bool(const LogStream&)>& holds,
                  std::chrono::milliseconds limit = std::chrono::minutes(2));

  std::vector<bus::LogItem> items;

  std::vector<std::string> lines() const;
  std::vector<std::string> notices() const;

  std::size_t line_count() const { return lines_; }

  std::uint64_t repeats() { return reader_->merged().repeats(); }

  // What did not come; settles the matter.
  std::uint64_t missing();

  // Says that to ship1 once, and waits for an event of that subject that has the text in it: its
  // payload; empty: none came in 30 s.
  std::string heard(const std::string& command,
                    const std::string& payload,
                    const std::string& event,
                    const std::string& text);

  // A command to ship1; waits until its terminal ACK and gives that.
  std::string command(const std::string& payload);

 private:
  void make_stream();
  void push(bus::Message&& message);
  void release();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bus::Message> inbox_;
  std::size_t lines_ = 0;
  std::unique_ptr<bus::NatsBus> bus_;
  std::unique_ptr<bus::LogReader> reader_;
};

// "line 0000001 ...": numbered lines, of usual length.
std::string numbered(std::size_t number);
void append(const std::string& path, std::size_t first, std::size_t last);

// Whether there is what writes files of the journal; else the caller returns.
bool has_journal_writer();

// Adds entries, as systemd writes them, of program app in unit app.service, to a file of the
// journal in the agent's folder "journal".
void write_journal(const ForwardingAgent& agent,
                   const std::string& name,
                   std::size_t first,
                   std::size_t last);

// What stewardctl says on both outputs.
std::string ctl(const std::string& broker, const std::string& arguments);

// Waits until so many lines have come.
bool has_lines(LogStream& stream, std::size_t count);

// The numbers from first to last, each once and in order; says what is not so.
std::string disorder(const std::vector<std::string>& lines, std::size_t first, std::size_t last);

}  // namespace steward::tests
