#pragma once

#include "subjects/wire/osupdate.hpp"

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

using CommandLine = std::vector<std::string>;

// What is asked of the package system: a choice, or exact versions (a rollback).
struct Ask {
  wire::UpdateChoice choice;
  std::vector<wire::UpdatePackage> exact;  // in place of the choice
};

struct PackageState {
  std::string version;
  bool held = false;
  bool essential = false;
};

// What the package system has written down of the machine.
struct SystemState {
  std::map<std::string, PackageState> packages;  // installed ones, named as a plan names them
  std::vector<std::string> broken;               // half installed, not configured
  std::vector<std::string> half_unpacked;        // of those: to be installed again
  bool interrupted = false;                      // in the middle of its own writing

  bool is_whole() const { return broken.empty() && !interrupted; }
};

struct LockHolder {
  pid_t pid = 0;
  std::string program;
};

// A line that says how far a run is.
struct Progress {
  enum class Kind { download, install, conffile, error };
  Kind kind = Kind::install;
  double percent = 0;
  std::string subject;  // package, or path of the file
  std::string text;
  std::optional<bool> kept;  // of a changed file, where the line says whether it stays
};

// Bytes that there is room for.
struct Room {
  std::int64_t archives = 0;
  std::int64_t system = 0;
  std::int64_t boot = 0;
  std::int64_t kernel = 0;  // what another kernel takes there
};

// What may be asked of a package system that not each of them can do.
enum class Ability {
  rollback,
  hold,
  security,       // the scope
  versions,       // name=version
  exclude,        // beside the scopes all and security
  exclude_named,  // beside the scope packages
  without_new,    // allow_new = false
  replace_files,  // conffile = replace
  spot_files,     // conffile = fail
  limit_rate
};

// One package system: what is run for each operation, and what its answers mean. What it reads are
// small local files, or the answer of one short program (rpm's database has no other reader).
// Command lines run with the environment of `environment()`. What it lacks() is not asked of it.
class Driver {
 public:
  virtual ~Driver() = default;

  // As the option `driver` calls it.
  virtual std::string_view name() const = 0;

  // Whether this machine has it.
  virtual bool is_there() const = 0;

  // Why it cannot do that on this machine; none: it can.
  virtual std::optional<std::string> lacks(Ability ability) const = 0;

  // What a line of its output complains of; empty: nothing.
  virtual std::string_view complaint(std::string_view line) const = 0;

  virtual std::vector<std::string> environment() const = 0;

  virtual CommandLine refresh() const = 0;
  // Of a refresh that has failed with this complaint.
  virtual Error refresh_error(const std::string& complaint) const = 0;

  // Says what would be done; nothing is locked or changed. `work`: a folder of its own. Errors: io,
  // no_space.
  [[nodiscard]] virtual Result<CommandLine> simulate(const Ask& ask,
                                                     const std::filesystem::path& work) const = 0;
  // Of a simulation that has failed.
  virtual Error plan_error(Error error) const = 0;
  // The plan in a simulation's output; names that it leaves as they are, with the reason.
  virtual wire::UpdatePlan plan(std::string_view output,
                                const Ask& ask,
                                const SystemState& state) const = 0;
  // Asks for sizes; add_sizes() takes the answer.
  virtual CommandLine sizes(const wire::UpdatePlan& plan) const = 0;
  virtual void add_sizes(wire::UpdatePlan& plan, std::string_view output) const = 0;

  // Files that the unit has changed and that its packages would want to change: parse by
  // changed_files().
  virtual CommandLine verify(const wire::UpdatePlan& plan) const = 0;
  virtual std::vector<std::string> changed_files(std::string_view output) const = 0;

  // Packages among these that nobody asked for by name, one a line; and to say so of them.
  virtual CommandLine automatic(const wire::UpdatePlan& plan) const = 0;
  virtual CommandLine mark_automatic(const std::vector<std::string>& names) const = 0;

  virtual CommandLine fetch(const wire::UpdatePlan& plan, const wire::UpdateRun& run) const = 0;
  // Exactly the plan. Says how far it is on its second stream (progress()).
  virtual CommandLine install(const wire::UpdatePlan& plan, const wire::UpdateRun& run) const = 0;
  virtual CommandLine repair(const wire::UpdateRun& run) const = 0;
  // Whether it failed only because somebody else had the lock by then.
  virtual bool lost_the_lock(const std::string& complaint) const = 0;
  virtual std::optional<Progress> progress(std::string_view line) const = 0;

  // Errors: conflict (the user says more of it than a hold could leave as it is), io, permission.
  [[nodiscard]] virtual Result<CommandLine> hold(const wire::UpdateHold& hold) const = 0;

  // The archive of an old version that is still there; empty: none.
  virtual std::string archive_of(const std::string& package, const std::string& version) const = 0;

  using TakeFile = std::function<void(const std::filesystem::path&)>;

  // Gives what those packages, which are installed, have listed, as it would lie on this machine:
  // files and folders, of which some may be gone. Errors: io; of a program: exec_failed, timed_out,
  // too_large.
  [[nodiscard]] virtual Result<void> each_file_of(const std::vector<std::string>& packages,
                                                  const TakeFile& take) const = 0;
  // Says "unpacked" or "half-installed" while the package is brought in, something else then.
  virtual CommandLine status_of(const std::string& package) const = 0;

  // Whether a state that is whole says that nothing was cut off: else a script may be at work
  // still.
  virtual bool marks_halves() const = 0;
  // Errors: io, permission, not_found; of a program: exec_failed, timed_out.
  [[nodiscard]] virtual Result<SystemState> state() const = 0;
  [[nodiscard]] virtual Result<std::optional<LockHolder>> lock_holder() const = 0;
  virtual Room room() const = 0;
  // Whether that package brings a kernel, which needs room in /boot.
  virtual bool is_kernel(std::string_view package) const = 0;
  // Those of which another version works only once the machine has started anew.
  virtual std::vector<std::string> needing_reboot(
      const std::vector<std::string>& packages) const = 0;
  virtual bool reboot_required() const = 0;

  // Changes with whatever a plan depends on; costs a few stat().
  virtual std::string fingerprint() const = 0;
};

}  // namespace steward::handlers::osupdate
