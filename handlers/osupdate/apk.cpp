#include "handlers/osupdate/apk.hpp"

#include "handlers/osupdate/machine_files.hpp"
#include "handlers/osupdate/plan_parts.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using wire::UpdatePlan;

constexpr const char* kTenYears = "5256000";  // in minutes: lists are read anew by a refresh alone

// What an upgrade is asked to bring: the same words for its simulation and for itself.
CommandLine apk_upgrade(const wire::UpdateChoice& choice) {
  CommandLine words{"upgrade"};
  if (!choice.exclude.empty()) {
    words.push_back("--ignore");
    append_words(words, choice.exclude);
  }
  append_words(words, choice.packages);
  return words;
}

// A dependency that cannot be had is passed over: what was fetched is looked at.
constexpr const char* kApkFetch = R"(
%DOWNLOAD% || exit
for package; do
  set -- %CACHE%/"$package".*.apk
  [ -e "$1" ] || { echo "ERROR: $package could not be fetched" >&2; exit 1; }
done
)";

// The plan's lines stand in "$@". Without the network, from what was fetched, apk would take
// something else where a package is not there: it is asked first, in the same words.
constexpr const char* kApkInstall = R"SH(
would=$(%SIMULATE% 2>&1) || { printf '%s\n' "$would" >&2; exit 1; }
would=$(printf '%s\n' "$would" | sed -n -E \
  -e 's|^\([0-9]+/[0-9]+\) Purging ([^ @]+)[^ ]* .*|- \1|p' \
  -e 's|^\([0-9]+/[0-9]+\) Installing ([^ @]+)[^ ]* \(([^ ]+)\)$|\1=\2|p' \
  -e 's|^\([0-9]+/[0-9]+\) [A-Z][a-z]+ ([^ @]+)[^ ]* \([^ ]+ -> ([^ ]+)\)$|\1=\2|p' | sort -u)
plan=$(printf '%s\n' "$@" | sort -u)
if [ "$would" != "$plan" ]; then
  printf 'ERROR: apk would do something else by now: %s\n' "$(echo $would)" >&2
  exit 1
fi
%UPGRADE% >&3
end=$?
[ $end -ne 0 ] || %TIDY%
exit $end
)SH";

}  // namespace

CommandLine Apk::words(const CommandLine& more) const {
  CommandLine words{"apk"};
  if (root_ != "/") {
    append_words(words, {"--root", root_.string()});
  }
  append_words(words, {"--cache-max-age", kTenYears});
  append_words(words, more);
  return words;
}

CommandLine Apk::offline_words(const CommandLine& more) const {
  auto words = this->words({"--cache-dir", cache().string()});
  append_words(words, more);
  return words;
}

std::optional<std::string> Apk::lacks(Ability ability) const {
  switch (ability) {
    case Ability::rollback:
    case Ability::versions:
      return "its repositories offer one version of a package";
    case Ability::security:
      return "its repositories do not say what an update is for";
    case Ability::exclude_named:
      return "name those packages alone that are meant";
    case Ability::without_new:
      return "it brings what its packages need";
    case Ability::replace_files:
    case Ability::spot_files:
      return "it keeps changed files, and puts the package's beside them (.apk-new)";
    case Ability::limit_rate:
      return "it fetches as fast as it goes";
    case Ability::hold:
    case Ability::exclude:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view Apk::complaint(std::string_view line) const {
  return line.starts_with("ERROR: ") ? line.substr(7) : std::string_view();
}

CommandLine Apk::refresh() const { return words({"--force-refresh", "update"}); }

Error Apk::refresh_error(const std::string& complaint) const {
  return says_any(complaint, {"signature", "UNTRUSTED"})
             ? Error{ErrorCode::bad_signature,
                     "a repository is not signed as it should be: " + complaint}
             : Error{ErrorCode::unavailable, "a repository cannot be read: " + complaint};
}

// Of named packages nothing else is of interest.
Result<CommandLine> Apk::simulate(const Ask& ask, const std::filesystem::path& /*work*/) const {
  auto upgrade = apk_upgrade(ask.choice);
  upgrade.insert(upgrade.begin() + 1, "--simulate");
  auto script = shell_words(words(upgrade));
  if (ask.choice.packages.empty()) {
    script += " || exit\n" + shell_words(words({"version", "-l", "<"}));
  }
  return CommandLine{"nice", "-n", "10", "sh", "-c", std::move(script)};
}

Error Apk::plan_error(Error error) const {
  if (says_any(error.message, {"unable to select packages"})) {
    error.code = ErrorCode::conflict;
  } else if (says_any(error.message, {"not found"})) {
    error.code = ErrorCode::not_found;
  }
  return error;
}

UpdatePlan Apk::plan(std::string_view output, const Ask& ask, const SystemState& state) const {
  auto simulation = parse_apk_simulation(output);
  UpdatePlan plan;
  plan.packages = std::move(simulation.packages);
  plan.removed = std::move(simulation.removed);
  settle_removals(plan);
  std::set<std::string> coming;
  for (const auto& package : plan.packages) {
    coming.insert(package.name);
  }
  const auto& excluded = ask.choice.exclude;
  for (const auto& name : simulation.newer) {
    const auto at = state.packages.find(name);
    if (coming.contains(name)) {
      continue;
    }
    const bool held = at != state.packages.end() && at->second.held;
    const bool left = std::find(excluded.begin(), excluded.end(), name) != excluded.end();
    plan.kept_back.push_back({name, held ? "held" : left ? "excluded" : "dependencies"});
  }
  plan.held = held_in(state);
  plan.hash = hash_of(plan);
  return plan;
}

// Records of all repositories, without what nobody reads; and where each package is from.
CommandLine Apk::sizes(const UpdatePlan& plan) const {
  auto policy = words({"policy"});
  for (const auto& package : plan.packages) {
    policy.push_back(package.name);
  }
  return {"nice",
          "-n",
          "10",
          "sh",
          "-c",
          "for index in " + shell_words({cache().string()}) +
              "/APKINDEX.*.tar.gz; do\n"
              "  tar -xzOf \"$index\" APKINDEX | sed -n -e '/^[PVSI]:/p' -e '/^$/p'\n"
              "done\n" +
              "echo\n" + shell_words(policy)};
}

void Apk::add_sizes(UpdatePlan& plan, std::string_view output) const {
  const auto sizes = parse_apk_index(output);
  const auto repositories = parse_apk_policy(output);
  const auto size_of = [&sizes](const std::string& name, const std::string& version) {
    const auto at = sizes.find(name + "=" + version);
    return at == sizes.end() ? ApkSize() : at->second;
  };
  for (auto& package : plan.packages) {
    const auto size = size_of(package.name, package.to);
    package.bytes = archive_of(package.name, package.to).empty() ? size.archive : 0;
    plan.download_bytes += package.bytes;
    plan.disk_bytes += size.installed - size_of(package.name, package.from).installed;
    const auto repository = repositories.find(package.name + "=" + package.to);
    if (repository != repositories.end()) {
      package.origin = repository->second;
    }
  }
}

// It is not asked for changed files (lacks()).
CommandLine Apk::verify(const UpdatePlan& /*plan*/) const { return {"false"}; }

std::vector<std::string> Apk::changed_files(std::string_view /*output*/) const { return {}; }

// An upgrade names nothing in the world: nothing is to be marked.
CommandLine Apk::automatic(const UpdatePlan& /*plan*/) const { return {"true"}; }

CommandLine Apk::mark_automatic(const std::vector<std::string>& /*names*/) const {
  return {"true"};
}

CommandLine Apk::fetch(const UpdatePlan& plan, const wire::UpdateRun& /*run*/) const {
  std::string script = kApkFetch;
  auto download =
      offline_words({"--progress-fd", "3", "cache", "download", "--upgrade", "--add-dependencies"});
  CommandLine files;
  for (const auto& package : plan.packages) {
    download.push_back(package.name + "=" + package.to);
    files.push_back(package.name + "-" + package.to);
  }
  put_in(script, "%DOWNLOAD%", shell_words(download));
  put_in(script, "%CACHE%", shell_words({cache().string()}));
  CommandLine line{"nice", "-n", "10", "sh", "-c", std::move(script), "sh"};
  append_words(line, files);
  return line;
}

CommandLine Apk::install(const UpdatePlan& plan, const wire::UpdateRun& run) const {
  std::string script = kApkInstall;
  auto upgrade = offline_words({"--no-network"});
  auto simulate = upgrade;
  append_words(simulate, {"--simulate"});
  append_words(upgrade, apk_upgrade(run.choice));
  append_words(simulate, apk_upgrade(run.choice));
  put_in(script, "%SIMULATE%", shell_words(simulate));
  put_in(script, "%UPGRADE%", shell_words(upgrade));
  // Where the machine keeps no packages itself, ours go.
  put_in(script,
         "%TIDY%",
         has_own_cache() ? "true"
                         : "rm -f " + shell_words({cache().string()}) + "/*.apk " +
                               shell_words({(cache() / "installed").string()}));
  CommandLine line{"sh", "-c", std::move(script), "sh"};
  for (const auto& package : plan.packages) {
    line.push_back(package.name + "=" + package.to);
  }
  for (const auto& name : plan.removed) {
    line.push_back("- " + name);
  }
  return line;
}

CommandLine Apk::repair(const wire::UpdateRun& /*run*/) const {
  CommandLine line{"sh", "-c", "exec \"$@\" >&3", "sh"};
  append_words(line, offline_words({"fix"}));
  return line;
}

bool Apk::lost_the_lock(const std::string& complaint) const {
  return complaint.find("Unable to lock database") != std::string::npos;
}

std::optional<Progress> Apk::progress(std::string_view line) const { return parse_apk_line(line); }

// The world names what was asked for by name; a hold is a version there. What is not named would
// be, and what has more to it would lose that.
Result<CommandLine> Apk::hold(const wire::UpdateHold& hold) const {
  const auto world = whole_text(root_ / "etc/apk/world");
  const auto there = installed();
  auto line = words({"--no-network", "add"});
  for (const auto& name : hold.packages) {
    const auto entry = world_entry(world, name);
    if (entry != name && !entry.starts_with(name + "=")) {
      if (!hold.hold) {
        continue;  // nothing holds it
      }
      return failure(
          ErrorCode::conflict,
          name +
              (entry.empty()
                   ? " was not asked for by name, and to hold it would: hold what needs it"
                   : " is '" + entry + "' in etc/apk/world, which a hold would change") +
              ", or write it there by hand");
    }
    const auto at = std::find_if(
        there.begin(), there.end(), [&name](const auto& one) { return one.name == name; });
    line.push_back(hold.hold && at != there.end() ? name + "=" + at->version : name);
  }
  return line.back() == "add" ? CommandLine{"true"} : line;
}

}  // namespace steward::handlers::osupdate
