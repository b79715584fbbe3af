#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/hello.hpp"
#include "tests/support/nats_server.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace steward::tests {

// A real steward-edge process named "ship1", ended by SIGKILL with this object.
class AgentProcess {
 public:
  explicit AgentProcess(const std::string& broker) : AgentProcess(broker, {}) {}

  // `under`: a program and its arguments that start it, and stay or become it.
  AgentProcess(const std::string& broker, std::vector<std::string> under);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // Sends a signal and waits for the end; the exit code, or 128 + the signal that ended it.
  int end_by(int signal);

  // Starts it again, after its end, on the state that it has left.
  void start();

  // A folder of the test's own, beside its state.
  const std::filesystem::path& folder() const { return folder_; }

  std::size_t rss_bytes() const;

  // Of the process that was started, which may be `under`'s.
  pid_t pid() const { return pid_; }

  std::string log() const;

 private:
  const std::string broker_;
  const std::vector<std::string> under_;
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

// A small station: hears all that ship1 says, acknowledges what is recorded, and sends commands.
class Listener {
 public:
  explicit Listener(const std::string& broker);

  // Waits until that holds of what was heard.
  bool wait(const std::function<bool(const Listener&)>& holds,
            std::chrono::milliseconds limit = std::chrono::minutes(1));

  // The same, and asks for a hello again and again meanwhile.
  bool wait_asking(const std::function<bool(const Listener&)>& holds);

  void forget_hellos();

  // A command with all headers; its id.
  wire::MessageId command(const std::string& subject, const std::string& payload);

  // The same, with an id of the caller's.
  void command(const wire::MessageId& id, const std::string& subject, const std::string& payload);

  // Bytes as they are.
  void raw(const bus::Message& message);

  wire::MessageId new_id() { return ids_(now()); }

  // Under wait(): the steps that were heard of a command, in the order of their places in the
  // outbox: what was said while the link was away may come behind what was said after it.
  std::vector<std::string> steps(const wire::MessageId& id) const;
  std::vector<wire::Ack> acks;
  std::vector<std::string> metrics;  // payloads of metrics.system
  std::vector<std::string> daemons;  // payloads of daemon.system, each once
  std::vector<wire::Ack> repeats;    // those without a place in the outbox

  // Each recorded event and how often it came.
  std::map<std::pair<std::string, std::uint64_t>, int> times;

  // Whether what is recorded is acknowledged.
  std::atomic<bool> acknowledges{true};
  std::vector<wire::Hello> hellos;

  bus::NatsBus& bus() { return *bus_; }

 private:
  static wire::Timestamp now();
  void hear(bus::Message&& message);
  void acknowledge(const std::string& epoch);
  void publish(const bus::Message& message);

  bus::Channel::NewId ids_ = bus::system_ids();
  bus::Channel channel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::uint64_t> acknowledged_;          // by epoch
  std::vector<std::pair<std::string, std::uint64_t>> places_;  // of the acks
  std::unique_ptr<bus::NatsBus> bus_;
  std::unique_ptr<bus::Subscription> subscription_;
};

}  // namespace steward::tests
