#pragma once

#include "handlers/osupdate/apk_output.hpp"
#include "handlers/osupdate/driver.hpp"

#include <vector>

namespace steward::handlers::osupdate {

// Alpine's: apk 2. It knows no versions beside those that are offered, no advisories and no
// policies for files: what it cannot do is said by lacks(). A run is held to its plan by asking apk
// once more, right before it changes anything, what it would do.
class Apk final : public Driver {
 public:
  explicit Apk(std::filesystem::path root) : root_(std::move(root)) {}

  std::string_view name() const override { return "apk"; }

  bool is_there() const override;
  std::optional<std::string> lacks(Ability ability) const override;
  std::string_view complaint(std::string_view line) const override;

  std::vector<std::string> environment() const override { return {}; }

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
  // With the folder where fetched packages are.
  CommandLine offline_words(const CommandLine& more) const;
  bool has_own_cache() const;
  std::filesystem::path cache() const;
  std::vector<ApkPackage> installed() const;

  const std::filesystem::path root_;
};

// Whether the modules of the kernel that runs are gone from below that folder, where there are
// others: another kernel was put in its place.
bool kernel_is_replaced(const std::filesystem::path& modules, const std::string& release);

}  // namespace steward::handlers::osupdate
