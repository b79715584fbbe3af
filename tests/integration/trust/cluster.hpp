#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/wire/ack.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/support/nats_server.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace steward::tests {

wire::Timestamp now();

// Waits until something is so. False where it is not within a minute.
bool eventually(const std::function<bool()>& is_so);

// One of our programs with its configuration, its output in a file; ended by SIGKILL.
class Process {
 public:
  Process(std::string program, const std::filesystem::path& config, std::filesystem::path output);
  Process(std::string program, std::vector<std::string> arguments, std::filesystem::path output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void start();
  void end();
  bool said(std::string_view text) const;

 private:
  const std::string program_;
  const std::vector<std::string> arguments_;
  const std::filesystem::path output_;
  pid_t pid_ = -1;
};

// A broker, a station and the unit ship1 of the cluster "demo" with signatures on, and everybody's
// keys. Null where there is no nats-server.
class Cluster {
 public:
  static std::unique_ptr<Cluster> start();

  // What stands in the policies of this cluster: anna and mallory may do everything, bob may say
  // hello, and the station what it needs.
  const identity::PrivateKey root = identity::tests::fixed_key(1);
  const identity::PrivateKey anna = identity::tests::fixed_key(2);
  const identity::PrivateKey bob = identity::tests::fixed_key(3);
  const identity::PrivateKey mallory = identity::tests::fixed_key(4);
  const identity::PrivateKey station_key = identity::tests::fixed_key(5);
  const identity::PrivateKey unit_key = identity::tests::fixed_key(6);
  const identity::PrivateKey stranger = identity::tests::fixed_key(7);

  // Brings everybody a policy of that version; `denied`: a key's id, or empty.
  void bring_policy(int version, const std::string& denied);

  // Its text, before it is signed.
  std::string policy_body(int version, const std::string& denied) const;

  // A message as its sender makes it; `change`: before it is signed.
  struct Letter {
    std::string source = "/operator/anna";
    std::string subject = "ship1.command.shellcommand.operatingsystem";
    std::string payload;
    std::string cluster = "demo";
    std::function<void(wire::Envelope&)> change = nullptr;
  };

  bus::Message signed_by(const identity::PrivateKey& key, const Letter& letter) const;

  void publish(const bus::Message& message) const;

  // Sends a command until it is done.
  bool carried_out(const bus::Message& command);

  // What ship1 has said of a command: "refused denied", and whether each is recorded ("+").
  std::vector<std::string> said(std::string_view id) const;
  bool has_said(std::string_view id, std::string_view what) const;

  // The first row of the station's answer to anna, or empty.
  std::string ask(const std::string& what, const std::string& payload) const;

  // The epoch of ship1's outbox, once it has said something recorded; and how many events wait in
  // it, asked for now.
  std::string epoch() const;
  std::int64_t outbox_depth();

  // stewardctl, as nobody in particular, or with the key of anna or bob.
  identity::tests::Said ctl(const std::string& arguments) const;
  identity::tests::Said ctl_as(const std::string& person, const std::string& arguments) const;

  std::filesystem::path path(std::string_view name) const { return folder_ / name; }

  Process& unit() { return *unit_; }

  Process& station() { return *station_; }

 private:
  explicit Cluster(std::unique_ptr<NatsServer> server);
  void write_configuration();
  void hear(bus::Message&& message);
  void hear_hello(const bus::Message& message);

  const std::unique_ptr<NatsServer> server_;
  const identity::tests::Folder folder_;
  const bus::Channel::NewId ids_ = bus::system_ids();
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>, std::less<>> said_;
  std::string epoch_;
  std::vector<std::int64_t> depths_;  // as each hello says
  std::unique_ptr<Process> station_;
  std::unique_ptr<Process> unit_;
  std::unique_ptr<bus::NatsBus> bus_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
};

}  // namespace steward::tests
