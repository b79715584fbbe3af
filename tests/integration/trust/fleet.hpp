#pragma once

#include "tests/integration/trust/cluster.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace steward::tests {

// One of our programs to its end: "steward init ...". What it says on both outputs.
identity::tests::Said our(const std::string& command_line);

// A cluster of its own as a person makes it: `steward init`, operator anna, and a nats-server by
// the configuration that was made, its places moved below a folder of the test's.
class Fleet {
 public:
  // Null where there is no nats-server.
  static std::unique_ptr<Fleet> make();

  // The same where the broker speaks TLS and demands certificates below the cluster's root. Its own
  // is broker.pem below the fleet's folder, for 127.0.0.1.
  static std::unique_ptr<Fleet> make_demanding();

  const std::filesystem::path& made() const { return made_; }

  std::filesystem::path path(std::string_view name) const { return folder_ / name; }

  // The same with the broker that the station runs; both are there.
  static std::unique_ptr<Fleet> make_managed();

  const NatsServer& server() const { return *server_; }

  // Of the broker, whoever runs it.
  std::string url() const;

  // One's own broker, ended in order and started again.
  void restart_broker() { server_->restart(); }

  std::string root() const;  // the public key that signs policies and bundles

  // Lets a unit in by files, with what it has in path(name). Its broker is nowhere unless one is
  // named.
  void let_in(const std::string& name, const std::string& broker = "nats://127.0.0.1:1") const;

  // Its station, on that broker, for as long as the fleet lives.
  void start_station();

  // Kills it, and starts it again.
  void restart_station();

  // stewardctl as anna.
  identity::tests::Said ctl(const std::string& arguments) const;

 private:
  Fleet();
  bool start_broker(std::string configuration);
  void add_context() const;

  const identity::tests::Folder folder_;
  const std::filesystem::path made_;
  bool is_demanding_ = false;
  std::unique_ptr<NatsServer> server_;
  std::unique_ptr<Process> station_;
};

}  // namespace steward::tests
