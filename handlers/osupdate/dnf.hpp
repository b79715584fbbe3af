#pragma once

#include "handlers/osupdate/dnf_output.hpp"
#include "handlers/osupdate/driver.hpp"
#include "handlers/runtime/processes.hpp"

#include <functional>

namespace steward::handlers::osupdate {

// Fedora's and its like: dnf 4, and rpm. Exactly the plan: dnf is told each package with its
// version, and works with the lists that the plan was made of. What it cannot do is said by
// lacks(); how a changed configuration file is treated is the package's own choice.
class Dnf final : public Driver {
 public:
  // Runs a short program with the driver's environment, and waits for what it says. Errors:
  // exec_failed, timed_out, too_large.
  using Asker = std::function<Result<std::string>(const CommandLine&)>;

  Dnf(std::filesystem::path root, Asker rpm) : root_(std::move(root)), rpm_(std::move(rpm)) {}

  std::string_view name() const override { return "dnf"; }

  bool is_there() const override;
  std::optional<std::string> lacks(Ability ability) const override;
  std::string_view complaint(std::string_view line) const override;
  std::vector<std::string> environment() const override;
  CommandLine refresh() const override;
  Error refresh_error(const std::string& complaint) const override;
  [[nodiscard]] Result<CommandLine> simulate(const Ask& ask,
                                             const std::filesystem::path& work) const override;
  Error plan_error(Error error) const override;
  wire::UpdatePlan plan(std::string_view output,
                        const Ask& ask,
                        const SystemState& state) const override;
  CommandLine sizes(const wire::UpdatePlan& plan) const override;
  void add_sizes(wire::UpdatePlan& plan, std::string_view output) const override;
  CommandLine verify(const wire::UpdatePlan& plan) const override;
  std::vector<std::string> changed_files(std::string_view output) const override;
  CommandLine automatic(const wire::UpdatePlan& plan) const override;
  CommandLine mark_automatic(const std::vector<std::string>& names) const override;
  CommandLine fetch(const wire::UpdatePlan& plan, const wire::UpdateRun& run) const override;
  CommandLine install(const wire::UpdatePlan& plan, const wire::UpdateRun& run) const override;
  CommandLine repair(const wire::UpdateRun& run) const override;
  bool lost_the_lock(const std::string& complaint) const override;
  std::optional<Progress> progress(std::string_view line) const override;
  [[nodiscard]] Result<CommandLine> hold(const wire::UpdateHold& hold) const override;
  std::string archive_of(const std::string& package, const std::string& version) const override;
  [[nodiscard]] Result<void> each_file_of(const std::vector<std::string>& packages,
                                          const TakeFile& take) const override;
  CommandLine status_of(const std::string& package) const override;

  bool marks_halves() const override { return false; }

  [[nodiscard]] Result<SystemState> state() const override;
  [[nodiscard]] Result<std::optional<LockHolder>> lock_holder() const override;
  Room room() const override;
  bool is_kernel(std::string_view package) const override;
  std::vector<std::string> needing_reboot(const std::vector<std::string>& packages) const override;
  bool reboot_required() const override;
  std::string fingerprint() const override;

 private:
  CommandLine words(const CommandLine& more) const;
  CommandLine rpm_words(const CommandLine& more) const;
  std::filesystem::path program() const;
  std::filesystem::path database() const;
  std::string database_stamp() const;
  std::filesystem::path lock_list() const;
  Result<std::vector<RpmPackage>> installed() const;

  const std::filesystem::path root_;
  const Asker rpm_;
  // What rpm has said of the database as it is.
  mutable std::vector<RpmPackage> installed_;
  mutable std::string installed_of_;
};

// Of the machine. On the thread of the caller, for as long as the program runs: rpm takes a third
// of a second for a large system. The processes outlive it.
Dnf::Asker rpm_asker(runtime::Processes& processes);

}  // namespace steward::handlers::osupdate
