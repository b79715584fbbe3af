#pragma once

#include "subjects/wire/osupdate.hpp"
#include "tests/integration/station/program.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace steward::tests {

// A real steward-edge whose packages are below a folder of the test's, and whose machine is a file
// that names its boot and a program that writes down what it is told.
class UpdateUnit {
 public:
  // Its folder is made in `parent`.
  UpdateUnit(const std::string& broker,
             std::string name,
             const std::filesystem::path& parent = std::filesystem::temp_directory_path());

  void start();
  void kill9();

  bool runs() const { return agent_ != nullptr; }

  // Whether it was told to reboot, since it has last done so.
  bool is_to_reboot() const;

  // From one moment to the next, as a machine does: the agent is gone, and comes back with
  // another boot.
  void reboot();

  // Starts the agent anew if somebody has told the machine to, as systemd would. Whether that was
  // so.
  bool obey();

  // One line of tests/handlers/osupdate/repository.sh, with an environment before it.
  void repository(const std::string& words, const std::string& environment = "") const;
  void publish() const;
  int apt(const std::string& words) const;

  std::string version(const std::string& package) const;
  bool is_whole() const;

  // Processes of this unit of that name.
  std::vector<pid_t> pids_of(const std::string& program) const;

  const std::string& name() const { return name_; }

  std::filesystem::path folder() const { return folder_.path(); }

  std::string log() const { return agent_ ? agent_->output() : ""; }

 private:
  void boot() const;

  const std::string name_;
  TemporaryFolder folder_;
  int boots_ = 0;
  std::unique_ptr<Program> agent_;
};

// A broker, a real station, and units.
class UpdateFleet {
 public:
  // Null where there is no nats-server. `config`: more of the station's configuration.
  static std::unique_ptr<UpdateFleet> start(const std::string& config,
                                            const std::vector<std::string>& units);

  // Kills it, and starts it again.
  void restart_station();

  UpdateUnit& unit(const std::string& name) { return *units_.at(name); }

  std::map<std::string, std::unique_ptr<UpdateUnit>>& units() { return units_; }

  // A command of method osupdate.
  wire::MessageId send(const std::string& unit, const std::string& payload) const;

  // What it has come to at the station.
  struct Course {
    std::string state;
    std::string code;
    std::string message;
    std::string result;
  };

  Course course(const wire::MessageId& command);

  // Terminal ACKs that its unit has recorded; one that it sends again counts once.
  int ends(const wire::MessageId& command) const;

  // By unit: "waiting", "held", ...
  std::map<std::string, std::string> leases();

  Asker& asker() { return *asker_; }

  NatsServer& broker() { return *server_; }

  bool is_up(const std::string& unit);

 private:
  explicit UpdateFleet(std::unique_ptr<NatsServer> server);
  void start_station();
  void hear(bus::Message&& message);

  std::unique_ptr<NatsServer> server_;
  TemporaryFolder folder_;
  std::unique_ptr<Program> station_;
  std::unique_ptr<Asker> asker_;
  std::map<std::string, std::unique_ptr<UpdateUnit>> units_;
  mutable std::mutex mutex_;
  std::map<std::string, std::set<std::pair<std::string, std::uint64_t>>> ends_;  // by command
  std::unique_ptr<bus::NatsBus> ears_;
  std::unique_ptr<bus::Subscription> heard_;
};

}  // namespace steward::tests
