#pragma once

#include "handlers/daemon/run.hpp"
#include "handlers/daemon/systemd/units.hpp"
#include "handlers/runtime/context.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace steward::handlers::daemon {

// The unit of systemd that a daemon is: that of its spec, or a transient one of its own name.
std::string unit_of(const wire::DaemonSpec& spec);

// A run as a unit of systemd: a unit of the machine, or a transient one made from argv.
class UnitRun final : public Run {
 public:
  // `folder`: where is kept which end was told.
  UnitRun(runtime::Context& context,
          Units& units,
          const wire::DaemonSpec& spec,
          const std::filesystem::path& folder,
          Listener listener);
  ~UnitRun() override;

  void start() override;
  void adopt() override;
  [[nodiscard]] Result<void> signal(int signal) override;
  void end() override;

  pid_t pid() const override { return up_ ? static_cast<pid_t>(state_.main_pid) : 0; }

  bool ending() const override { return ending_; }

  std::function<void()> told() const override;

 private:
  enum class Stage {
    adopting,      // how it is comes first
    before_start,  // the same
    starting,      // its job is under way: what is seen may be of the run before
    followed,
    over
  };

  void watch(Stage stage);
  void silent();
  void seen(const UnitState& state);
  void found();
  void follow();
  void launch();
  void job_ended(const Result<std::string>& result);
  void evaluate();
  void came_up();
  void started_again();
  void conclude();
  void tell_end();
  void give_up(const Error& error);
  void stop();
  bool already_told() const;
  wire::DaemonExit exit() const;

  bool transient() const { return spec_.unit.empty(); }

  runtime::Context& context_;
  Units& units_;
  const wire::DaemonSpec spec_;
  const std::string unit_;
  const std::filesystem::path told_;  // the end that was told last
  const Listener listener_;
  Stage stage_ = Stage::over;
  UnitState state_;
  std::int64_t restarts_seen_ = 0;
  std::int64_t last_told_us_ = 0;
  bool up_ = false;     // told as started
  bool again_ = false;  // systemd starts it by itself
  bool ending_ = false;
  bool unsure_ = false;
  runtime::Timer silence_;
  runtime::Timer retry_;
  std::shared_ptr<Units::Watch> watch_;
  std::shared_ptr<UnitRun*> alive_;
};

}  // namespace steward::handlers::daemon
