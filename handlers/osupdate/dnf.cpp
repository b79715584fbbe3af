#include "handlers/osupdate/dnf.hpp"

#include "handlers/osupdate/machine_files.hpp"
#include "handlers/osupdate/plan_parts.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using wire::UpdatePlan;

// Lists are read anew by a refresh alone: a plan stays what it was.
constexpr const char* kOldLists = "--setopt=*.metadata_expire=-1";

// "web-2.0-1", or the archive of it where that is named in place of a repository.
std::string dnf_word(const wire::UpdatePackage& package) {
  if (package.origin.starts_with('/')) {
    return package.origin;
  }
  const auto dot = package.name.rfind('.');
  const auto architecture = dot == std::string::npos ? std::string() : package.name.substr(dot + 1);
  // "glibc.i686", but not "python3.11".
  for (const char* one : {"i386", "i586", "i686", "x86_64", "aarch64", "armv7hl"}) {
    if (architecture == one) {
      return package.name.substr(0, dot) + "-" + package.to + "." + architecture;
    }
  }
  return package.name + "-" + package.to;
}

CommandLine dnf_plan_words(const UpdatePlan& plan) {
  CommandLine words;
  for (const auto& package : plan.packages) {
    words.push_back(dnf_word(package));
  }
  return words;
}

// "web=1.0-1" as dnf writes it.
std::string dnf_choice(std::string choice) {
  const auto equals = choice.find('=');
  if (equals != std::string::npos) {
    choice[equals] = '-';
  }
  return choice;
}

// It says that it has stopped before anything was done, and ends as if something were wrong.
constexpr const char* kDnfSimulation = R"(
said=$(%SIMULATE% 2>&1); end=$?
printf '%s\n' "$said"
case $said in *'Operation aborted.'*) end=0 ;; esac
[ $end -eq 0 ] || exit $end
echo '%MARK%'
%ADVISORIES% 2>/dev/null
echo '%OFFERED_MARK%'
%OFFERED% 2>/dev/null
exit 0
)";

CommandLine chosen(const Ask& ask) {
  const auto& choice = ask.choice;
  CommandLine words;
  for (const auto& name : choice.exclude) {
    words.push_back("--exclude=" + name);
  }
  if (!ask.exact.empty()) {
    words.push_back("install");
    for (const auto& package : ask.exact) {
      words.push_back(dnf_word(package));
    }
    return words;
  }
  const bool versions =
      std::any_of(choice.packages.begin(), choice.packages.end(), [](const std::string& name) {
        return name.find('=') != std::string::npos;
      });
  words.push_back(versions ? "install" : "upgrade");
  if (choice.scope == wire::UpdateScope::security) {
    words.push_back("--security");
  }
  if (choice.mode == wire::UpdateMode::full) {
    words.push_back("--allowerasing");
  }
  std::transform(
      choice.packages.begin(), choice.packages.end(), std::back_inserter(words), &dnf_choice);
  return words;
}

// What the choice asks for and the transaction does not touch, though it is offered: a lock or an
// exclusion keeps it away, the choice's or the configuration's.
std::set<std::string> kept_away(const DnfTransaction& transaction,
                                const wire::UpdateChoice& choice,
                                const std::string& own) {
  std::set<std::string> names;
  for (const auto& row : transaction.offered) {
    const auto name = rpm_name(row.name, row.architecture, own);
    const bool is_named =
        std::any_of(choice.packages.begin(), choice.packages.end(), [&name](const auto& one) {
          return one.substr(0, one.find('=')) == name;
        });
    if (choice.scope == wire::UpdateScope::packages ? is_named
        : choice.scope == wire::UpdateScope::security
            ? transaction.advised.contains(row.name + "." + row.architecture)
            : true) {
      names.insert(name);
    }
  }
  for (const auto* rows : {&transaction.rows, &transaction.skipped, &transaction.removed}) {
    for (const auto& row : *rows) {
      names.erase(rpm_name(row.name, row.architecture, own));
    }
  }
  return names;
}

}  // namespace

// Its lines are read as they come.
std::vector<std::string> Dnf::environment() const {
  return {"PYTHONUNBUFFERED=1", "HOME=/root", "LC_ALL=C"};
}

CommandLine Dnf::words(const CommandLine& more) const {
  CommandLine words{program().string(), "--color=never", "--setopt=multilib_policy=best"};
  if (root_ != "/") {
    words.push_back("--installroot=" + root_.string());
  }
  append_words(words, more);
  return words;
}

CommandLine Dnf::rpm_words(const CommandLine& more) const {
  CommandLine words{"rpm"};
  if (root_ != "/") {
    append_words(words, {"--root", root_.string()});
  }
  append_words(words, more);
  return words;
}

std::optional<std::string> Dnf::lacks(Ability ability) const {
  if (ability == Ability::without_new) {
    return "it brings what its packages need";
  }
  if (ability == Ability::replace_files) {
    return "each package says itself what becomes of a changed file; conffile=fail refuses those";
  }
  if (ability == Ability::hold && lock_list().empty()) {
    return "its plugin versionlock is not installed (python3-dnf-plugin-versionlock)";
  }
  return std::nullopt;
}

std::string_view Dnf::complaint(std::string_view line) const {
  for (const std::string_view start : {"Error: ", "error: ", " Problem: ", "  - "}) {
    if (line.starts_with(start)) {
      return line.substr(start.size());
    }
  }
  return line.find(" already locked by ") != std::string_view::npos ? line : std::string_view();
}

// A repository that cannot be read is not passed over.
CommandLine Dnf::refresh() const {
  return words({"-q", "-y", "--refresh", "--setopt=*.skip_if_unavailable=False", "makecache"});
}

Error Dnf::refresh_error(const std::string& complaint) const {
  return says_any(complaint, {"GPG", "signature"})
             ? Error{ErrorCode::bad_signature,
                     "a repository is not signed as it should be: " + complaint}
             : Error{ErrorCode::unavailable, "a repository cannot be read: " + complaint};
}

Result<CommandLine> Dnf::simulate(const Ask& ask, const std::filesystem::path& /*work*/) const {
  std::string script = kDnfSimulation;
  auto simulated = words({"-C", "--assumeno"});
  append_words(simulated, chosen(ask));
  put_in(script, "%SIMULATE%", shell_words(simulated));
  put_in(script, "%MARK%", std::string(kAdvisories));
  // Also of what is kept away.
  const CommandLine all{"-C", "-q", "--disableexcludes=all", "--disableplugin=versionlock"};
  auto advisories = all;
  append_words(advisories, {"updateinfo", "list", "--security", "--updates"});
  put_in(script, "%ADVISORIES%", shell_words(words(advisories)));
  auto offered = all;
  append_words(offered, {"repoquery", "--upgrades", "--qf", kDnfOffered});
  put_in(script, "%OFFERED_MARK%", std::string(kOffered));
  put_in(script, "%OFFERED%", shell_words(words(offered)));
  return CommandLine{"nice", "-n", "10", "sh", "-c", std::move(script)};
}

Error Dnf::plan_error(Error error) const {
  if (says_any(error.message, {"No match for argument", "Unable to find a match"})) {
    error.code = ErrorCode::not_found;
  } else if (says_any(error.message, {"protected packages", "conflicting requests"})) {
    error.code = ErrorCode::conflict;
  } else if (says_any(error.message, {"no cache for"})) {
    error.code = ErrorCode::unavailable;
    error.message += "; no list of its repositories was read yet: check with refresh";
  }
  return error;
}

UpdatePlan Dnf::plan(std::string_view output, const Ask& ask, const SystemState& state) const {
  const auto transaction = parse_dnf_transaction(output);
  const auto packages = installed();
  const auto own = packages ? rpm_architecture(*packages) : std::string();
  UpdatePlan plan;
  for (const auto& row : transaction.rows) {
    wire::UpdatePackage package;
    package.name = rpm_name(row.name, row.architecture, own);
    const auto there = state.packages.find(package.name);
    package.from = row.is_new || there == state.packages.end() ? "" : there->second.version;
    package.to = row.version;
    package.origin = row.repository;
    package.security = transaction.advised.contains(row.name + "." + row.architecture);
    plan.packages.push_back(std::move(package));
  }
  for (const auto& row : transaction.removed) {
    plan.removed.push_back(rpm_name(row.name, row.architecture, own));
  }
  settle_removals(plan);
  std::set<std::string> skipped;
  for (const auto& row : transaction.skipped) {
    skipped.insert(rpm_name(row.name, row.architecture, own));
  }
  for (const auto& name : skipped) {
    plan.kept_back.push_back({name, "dependencies"});
  }
  for (const auto& name : kept_away(transaction, ask.choice, own)) {
    const auto there = state.packages.find(name);
    if (ask.exact.empty() && there != state.packages.end()) {
      plan.kept_back.push_back({name, there->second.held ? "held" : "excluded"});
    }
  }
  plan.held = held_in(state);
  name_archives(plan, ask);
  plan.hash = hash_of(plan);
  return plan;
}

CommandLine Dnf::sizes(const UpdatePlan& plan) const {
  CommandLine line{"nice", "-n", "10"};
  append_words(line, words({"-C", "-q", "repoquery", "--qf", kDnfSizes}));
  append_words(line, dnf_plan_words(plan));
  return line;
}

// Of a name without its architecture there may be several, of which one is brought.
void Dnf::add_sizes(UpdatePlan& plan, std::string_view output) const {
  const auto packages = installed().value_or(std::vector<RpmPackage>());
  const auto own = rpm_architecture(packages);
  std::map<std::string, DnfSize> offered;
  for (const auto& [key, size] : parse_dnf_sizes(output)) {
    const auto parts = words_in(key);
    offered.emplace(rpm_name(parts[0], parts[2], own) + "=" + std::string(parts[1]), size);
  }
  std::map<std::string, std::int64_t> there;
  for (const auto& old : packages) {
    there[rpm_name(old.name, old.architecture, own) + "=" + old.version] += old.bytes;
  }
  for (auto& package : plan.packages) {
    if (const auto at = offered.find(package.name + "=" + package.to); at != offered.end()) {
      package.bytes = archive_of(package.name, package.to).empty() ? at->second.archive : 0;
      plan.download_bytes += package.bytes;
      plan.disk_bytes += at->second.installed;
    }
    if (const auto at = there.find(package.name + "=" + package.from); at != there.end()) {
      plan.disk_bytes -= at->second;
    }
  }
}

// It ends as if something were wrong where a file is another one.
CommandLine Dnf::verify(const UpdatePlan& plan) const {
  auto verified = rpm_words({"-V", "--nodeps", "--noscripts"});
  for (const auto& package : plan.packages) {
    if (!package.from.empty()) {
      verified.push_back(package.name);
    }
  }
  CommandLine line{"sh", "-c", "\"$@\"; [ $? -le 128 ]", "sh"};
  append_words(line, verified);
  return line;
}

std::vector<std::string> Dnf::changed_files(std::string_view output) const {
  return parse_rpm_verify(output);
}

CommandLine Dnf::automatic(const UpdatePlan& /*plan*/) const {
  CommandLine line{"sh", "-c", "\"$@\" | sed -n '/^user /!s/^[^ ]* //p'", "sh"};
  append_words(line,
               words({"-C",
                      "-q",
                      "repoquery",
                      "--installed",
                      "--qf",
                      "%{reason} %{name}\n%{reason} %{name}.%{arch}"}));
  return line;
}

CommandLine Dnf::mark_automatic(const std::vector<std::string>& names) const {
  auto line = words({"-C", "-q", "-y", "mark", "remove"});
  append_words(line, names);
  return line;
}

// What it says of its progress goes where that is read.
CommandLine Dnf::fetch(const UpdatePlan& plan, const wire::UpdateRun& run) const {
  CommandLine line{"nice", "-n", "10", "sh", "-c", "exec \"$@\" >&3", "sh"};
  append_words(line, words({"-y", kOldLists, "--setopt=exit_on_lock=True", "--downloadonly"}));
  if (run.rate > 0) {
    line.push_back("--setopt=throttle=" + std::to_string(run.rate));
  }
  if (!plan.removed.empty()) {
    line.push_back("--allowerasing");
  }
  line.push_back("install");
  append_words(line, dnf_plan_words(plan));
  return line;
}

// From what is fetched, and nothing else: without the network.
CommandLine Dnf::install(const UpdatePlan& plan, const wire::UpdateRun& /*run*/) const {
  CommandLine line{"sh", "-c", "exec \"$@\" >&3", "sh"};
  append_words(line, words({"-y", "-C", "--setopt=exit_on_lock=True"}));
  if (!plan.removed.empty()) {
    line.push_back("--allowerasing");
  }
  line.push_back("install");
  append_words(line, dnf_plan_words(plan));
  return line;
}

// What was cut off has left the old version beside the new one.
CommandLine Dnf::repair(const wire::UpdateRun& /*run*/) const {
  CommandLine line{"sh", "-c", "exec \"$@\" >&3", "sh"};
  append_words(line, words({"-y", kOldLists, "remove", "--duplicates"}));
  return line;
}

bool Dnf::lost_the_lock(const std::string& complaint) const {
  return says_any(complaint, {" already locked by ", "can't create transaction lock"});
}

std::optional<Progress> Dnf::progress(std::string_view line) const { return parse_dnf_line(line); }

Result<CommandLine> Dnf::hold(const wire::UpdateHold& hold) const {
  auto line = words({"-C", "-q", "-y", "versionlock", hold.hold ? "add" : "delete"});
  append_words(line, hold.packages);
  return line;
}

}  // namespace steward::handlers::osupdate
