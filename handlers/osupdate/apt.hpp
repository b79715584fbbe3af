#pragma once

#include "handlers/osupdate/driver.hpp"

namespace steward::handlers::osupdate {

// Where apt and dpkg are, for a real system, an image that is mounted somewhere, or a test.
struct AptPlace {
  std::string configuration;         // a file for APT_CONFIG; empty: the system's own
  std::filesystem::path root = "/";  // that dpkg's files lie below
  std::string dpkg = "dpkg";         // the program, for that root
};

// Debian's package system.
class Apt final : public Driver {
 public:
  explicit Apt(AptPlace place) : place_(std::move(place)) {}

  std::string_view name() const override { return "apt"; }

  bool is_there() const override;

  std::optional<std::string> lacks(Ability) const override { return std::nullopt; }

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

  bool marks_halves() const override { return true; }

  [[nodiscard]] Result<SystemState> state() const override;
  [[nodiscard]] Result<std::optional<LockHolder>> lock_holder() const override;
  Room room() const override;
  bool is_kernel(std::string_view package) const override;
  std::vector<std::string> needing_reboot(const std::vector<std::string>& packages) const override;
  bool reboot_required() const override;
  std::string fingerprint() const override;

 private:
  struct Note {
    std::string package;
    std::filesystem::path path;
  };

  // Files of that kind (".list") that dpkg keeps of those packages. Errors: io.
  [[nodiscard]] Result<std::vector<Note>> notes_on(const std::vector<std::string>& packages,
                                                   std::string_view kind) const;

  // A file of pins: of the user's, and of a choice; empty where there are none of a choice.
  std::string pins(const wire::UpdateChoice& choice) const;

  AptPlace place_;
};

}  // namespace steward::handlers::osupdate
