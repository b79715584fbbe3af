#pragma once

#include "tools/bench/child_process.hpp"
#include "tools/bench/operator_link.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace steward::bench {

// A folder for the time of its life.
class TemporaryFolder {
 public:
  // Errors: io, permission, no_space.
  [[nodiscard]] static Result<TemporaryFolder> make();

  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

// The file of this program: the others lie beside it. Errors: io.
[[nodiscard]] Result<std::filesystem::path> own_program();

// The real thing, small: a nats-server on a free port of 127.0.0.1, a station, one unit, and the
// replier that answers raw requests; all in a temporary folder, all ended with it.
class Rig {
 public:
  // Starts everything and waits until the station shows the unit as up. Errors: not_found (a
  // program is not there), timed_out, with the end of the log of what did not come up.
  [[nodiscard]] static Result<std::unique_ptr<Rig>> start();

  const std::string& broker() const { return broker_; }

  OperatorLink& operator_link() { return *operator_; }

  // Of the station, while it runs.
  pid_t station() const { return station_->pid(); }

  // Where the station tells of itself over HTTP.
  std::uint16_t http_port() const { return http_port_; }

  // Of the unit's agent, while it runs.
  pid_t agent() const { return agent_->pid(); }

  void stop_agent() { agent_.reset(); }

  // Starts the unit again, its state as it left it, with that file of configuration if there is
  // one. Errors: not_found, io.
  [[nodiscard]] Result<void> start_agent(const std::filesystem::path& config = {});

  void stop_station() { station_.reset(); }

  // Starts the station again. Errors: not_found, io.
  [[nodiscard]] Result<void> start_station();

  // Writes that many finished commands, of that many units, into a new station.db in place of the
  // station's. Only while it is stopped. Errors: not_found, io, timed_out.
  [[nodiscard]] Result<void> fill_station(std::size_t commands, std::size_t units);

  // Where the unit keeps its state.
  std::filesystem::path agent_folder() const { return folder_.path() / "agent"; }

 private:
  explicit Rig(TemporaryFolder folder) : folder_(std::move(folder)) {}

  [[nodiscard]] Result<void> start_broker();
  [[nodiscard]] Result<void> start_programs();
  [[nodiscard]] Result<void> wait_until_up();
  [[nodiscard]] Result<std::unique_ptr<ChildProcess>> run(
      const std::string& name, const std::vector<std::string>& argv) const;

  TemporaryFolder folder_;
  std::string broker_;
  std::uint16_t http_port_ = 0;
  std::unique_ptr<ChildProcess> nats_server_;
  std::unique_ptr<ChildProcess> station_;
  std::unique_ptr<ChildProcess> replier_;
  std::unique_ptr<ChildProcess> agent_;
  std::unique_ptr<OperatorLink> operator_;
};

}  // namespace steward::bench
