#include "handlers/osupdate/apt.hpp"

#include "handlers/osupdate/apt_output.hpp"
#include "handlers/osupdate/machine_files.hpp"
#include "handlers/osupdate/plan_parts.hpp"
#include "handlers/runtime/kept_file.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using wire::ConffilePolicy;
using wire::UpdatePlan;

void append(CommandLine& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

// In the background: a look is never worth a slow machine.
CommandLine nicely(std::initializer_list<std::string> words) {
  CommandLine line{"nice", "-n", "10"};
  append(line, words);
  return line;
}

// "bash=5.2-2", or the archive of it where that is named in place of an origin.
std::string exact_word(const wire::UpdatePackage& package) {
  return package.origin.starts_with('/') ? package.origin : package.name + "=" + package.to;
}

void append_plan(CommandLine& words, const UpdatePlan& plan) {
  for (const auto& package : plan.packages) {
    words.push_back(exact_word(package));
  }
  for (const auto& name : plan.removed) {
    words.push_back(name + "-");
  }
}

// noninteractive alone does not keep dpkg from asking about a file.
void append_conffile_options(CommandLine& words, ConffilePolicy policy, const char* before) {
  if (policy == ConffilePolicy::replace) {
    append(words, {std::string(before) + "--force-confnew"});
  } else {
    append(words,
           {std::string(before) + "--force-confdef", std::string(before) + "--force-confold"});
  }
}

std::string reason_of(const std::string& name,
                      const Simulation& simulation,
                      const wire::UpdateChoice& choice,
                      const SystemState& state) {
  const auto is_in = [&name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto installed = state.packages.find(name);
  if (installed != state.packages.end() && installed->second.held) {
    return "held";
  }
  return is_in(choice.exclude) ? "excluded" : is_in(simulation.phased) ? "phased" : "dependencies";
}

}  // namespace

// needrestart, where it is there, is only to list.
std::vector<std::string> Apt::environment() const {
  std::vector<std::string> variables{"DEBIAN_FRONTEND=noninteractive",
                                     "DEBIAN_PRIORITY=critical",
                                     "APT_LISTCHANGES_FRONTEND=none",
                                     "NEEDRESTART_MODE=l"};
  if (!place_.configuration.empty()) {
    variables.push_back("APT_CONFIG=" + place_.configuration);
  }
  return variables;
}

// Without the mode it ends well where a signature or a hash was wrong.
CommandLine Apt::refresh() const {
  return {"apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"};
}

Error Apt::refresh_error(const std::string& complaint) const {
  for (const char* word : {"NO_PUBKEY",
                           "GPG error",
                           "BADSIG",
                           "EXPKEYSIG",
                           "is not signed",
                           "not valid",
                           "no longer signed"}) {
    if (complaint.find(word) != std::string::npos) {
      return {ErrorCode::bad_signature, "a repository is not signed as it should be: " + complaint};
    }
  }
  return {ErrorCode::unavailable, "a repository cannot be read: " + complaint};
}

// The first pin that fits counts: the user's own stand before those of a choice.
std::string Apt::pins(const wire::UpdateChoice& choice) const {
  std::string text;
  const auto pin = [&text](const std::string& package, const char* what, const char* priority) {
    text += "Package: " + package + "\nPin: " + what + "\nPin-Priority: " + priority + "\n\n";
  };
  for (const auto& name : choice.exclude) {
    pin(name, "release *", "-1");
  }
  if (choice.scope == wire::UpdateScope::security) {
    pin("*", "release a=now", "100");  // what is installed
    pin("*", "release l=*[Ss]ecurity*", "500");
    pin("*", "release a=*-security", "500");
    pin("*", "release *", "50");
  }
  if (text.empty()) {
    return text;
  }
  auto own = whole_text(place_.root / "etc/apt/preferences");
  return own.empty() ? text : own + "\n\n" + text;
}

Result<CommandLine> Apt::simulate(const Ask& ask, const std::filesystem::path& work) const {
  auto words = nicely({"apt-get",
                       "-q",
                       "-s",
                       "-y",
                       "-o",
                       "APT::Get::Show-User-Simulation-Note=0",
                       "--allow-remove-essential"});
  const auto& choice = ask.choice;
  if (const auto text = pins(choice); !text.empty()) {
    const auto file = work / "preferences";
    if (auto saved = runtime::save_kept(file, text); !saved) {
      return tl::unexpected<Error>(std::move(saved).error());
    }
    append(words, {"-o", "Dir::Etc::preferences=" + file.string()});
  }
  if (!ask.exact.empty()) {
    append(words, {"--allow-downgrades", "install"});
    for (const auto& package : ask.exact) {
      words.push_back(exact_word(package));
    }
  } else if (choice.scope == wire::UpdateScope::packages) {
    append(words, {"--allow-downgrades", "install"});
    words.insert(words.end(), choice.packages.begin(), choice.packages.end());
  } else if (choice.mode == wire::UpdateMode::full) {
    append(words, {"dist-upgrade"});
  } else {
    append(words, {choice.allow_new ? "--with-new-pkgs" : "--without-new-pkgs", "upgrade"});
  }
  return words;
}

Error Apt::plan_error(Error error) const {
  const auto says = [&error](const char* words) {
    return error.message.find(words) != std::string::npos;
  };
  if (says("was not found") || says("Unable to locate package")) {
    error.code = ErrorCode::not_found;  // a version that is served no more
  } else if (says("ssential") || says("Held packages")) {
    error.code = ErrorCode::conflict;
  }
  return error;
}

UpdatePlan Apt::plan(std::string_view output, const Ask& ask, const SystemState& state) const {
  auto simulation = parse_simulation(output);
  UpdatePlan plan;
  plan.packages = std::move(simulation.packages);
  plan.removed = std::move(simulation.removed);
  settle_removals(plan);
  std::copy_if(plan.removed.begin(),
               plan.removed.end(),
               std::back_inserter(plan.essential),
               [&state](const auto& name) {
                 const auto at = state.packages.find(name);
                 return at != state.packages.end() && at->second.essential;
               });
  for (const auto& name : simulation.kept_back) {
    plan.kept_back.push_back({name, reason_of(name, simulation, ask.choice, state)});
  }
  for (const auto& name : simulation.phased) {
    plan.kept_back.push_back({name, reason_of(name, simulation, ask.choice, state)});
  }
  plan.held = held_in(state);
  name_archives(plan, ask);
  plan.hash = hash_of(plan);
  return plan;
}

CommandLine Apt::sizes(const UpdatePlan& plan) const {
  auto words = nicely({"apt-cache", "show"});
  for (const auto& package : plan.packages) {
    words.push_back(package.name + "=" + package.to);
    if (!package.from.empty()) {
      words.push_back(package.name + "=" + package.from);
    }
  }
  return words;
}

void Apt::add_sizes(UpdatePlan& plan, std::string_view output) const {
  const auto sizes = parse_sizes(output);
  const auto size_of = [&sizes](const std::string& name, const std::string& version) {
    const auto at = sizes.find(name.substr(0, name.find(':')) + "=" + version);
    return at == sizes.end() ? PackageSize() : at->second;
  };
  for (auto& package : plan.packages) {
    const auto size = size_of(package.name, package.to);
    package.bytes = archive_of(package.name, package.to).empty() ? size.archive : 0;
    plan.download_bytes += package.bytes;
    plan.disk_bytes += size.installed - size_of(package.name, package.from).installed;
  }
}

CommandLine Apt::verify(const UpdatePlan& plan) const {
  CommandLine words{place_.dpkg, "--verify"};
  for (const auto& package : plan.packages) {
    if (!package.from.empty()) {
      words.push_back(package.name);
    }
  }
  return words;
}

// "??5?????? c /etc/x": a configuration file with another digest.
std::vector<std::string> Apt::changed_files(std::string_view output) const {
  constexpr std::string_view kConffile = " c /";
  std::vector<std::string> files;
  while (!output.empty()) {
    const auto line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    const auto at = line.find(kConffile);
    if (at != std::string_view::npos && line.starts_with("??5")) {
      files.emplace_back(line.substr(at + kConffile.size() - 1));
    }
  }
  return files;
}

CommandLine Apt::automatic(const UpdatePlan& plan) const {
  CommandLine words{"apt-mark", "showauto"};
  for (const auto& package : plan.packages) {
    words.push_back(package.name);
  }
  return words;
}

CommandLine Apt::mark_automatic(const std::vector<std::string>& names) const {
  CommandLine words{"apt-mark", "auto"};
  words.insert(words.end(), names.begin(), names.end());
  return words;
}

CommandLine Apt::fetch(const UpdatePlan& plan, const wire::UpdateRun& run) const {
  auto words = nicely(
      {"apt-get", "-q", "-y", "-o", "APT::Status-Fd=3", "--download-only", "--allow-downgrades"});
  if (run.rate > 0) {  // in KiB
    const auto rate = std::to_string(std::max<std::int64_t>(run.rate / 1024, 1));
    append(words,
           {"-o", "Acquire::http::Dl-Limit=" + rate, "-o", "Acquire::https::Dl-Limit=" + rate});
  }
  append(words, {"install"});
  append_plan(words, plan);
  return words;
}

// It takes no more than it was given: what would remove beyond that fails before anything changes.
CommandLine Apt::install(const UpdatePlan& plan, const wire::UpdateRun& run) const {
  CommandLine words{"apt-get", "-q", "-y", "-o", "APT::Status-Fd=3", "--allow-downgrades"};
  append(words,
         {"-o",
          "DPkg::Lock::Timeout=" +
              std::to_string(std::chrono::ceil<std::chrono::seconds>(run.lock_wait).count())});
  CommandLine options;
  append_conffile_options(options, run.conffile, "Dpkg::Options::=");
  for (auto& option : options) {
    append(words, {"-o", std::move(option)});
  }
  if (plan.removed.empty()) {
    append(words, {"--no-remove"});
  }
  append(words, {"install"});
  append_plan(words, plan);
  return words;
}

// What dpkg was at first, then what it had unpacked but not said so (apt takes the version for
// there), then what lacks another package. Where dpkg was killed, that is told.
CommandLine Apt::repair(const wire::UpdateRun& run) const {
  CommandLine words{
      "sh",
      "-c",
      "dpkg=$1; status=$2; shift 2\n"
      "\"$dpkg\" --configure -a \"$@\"\n"
      "end=$?\n"
      "[ $end -le 128 ] || exit $end\n"
      "for option; do\n"
      "  set -- \"$@\" -o \"Dpkg::Options::=$option\"; shift\n"
      "done\n"
      "set -- -q -y -o APT::Status-Fd=3 -o DPkg::Lock::Timeout=600 --no-remove \"$@\"\n"
      "again=$(dpkg-query \"--admindir=$status\" -W -f='${db:Status-Eflag}"
      " ${db:Status-Status} ${binary:Package}=${Version}\\n' |"
      " sed -n 's/^reinstreq unpacked //p')\n"
      "[ -z \"$again\" ] ||"
      " apt-get \"$@\" --allow-downgrades --reinstall install $again\n"
      "exec apt-get \"$@\" -f install",
      "sh",
      place_.dpkg,
      place_.root / "var/lib/dpkg"};
  append_conffile_options(words, run.conffile, "");
  return words;
}

bool Apt::lost_the_lock(const std::string& complaint) const {
  return complaint.find("Could not get lock") != std::string::npos ||
         complaint.find("Unable to lock") != std::string::npos;
}

std::optional<Progress> Apt::progress(std::string_view line) const {
  return parse_status_line(line);
}

Result<CommandLine> Apt::hold(const wire::UpdateHold& hold) const {
  CommandLine words{"apt-mark", hold.hold ? "hold" : "unhold"};
  words.insert(words.end(), hold.packages.begin(), hold.packages.end());
  return words;
}

}  // namespace steward::handlers::osupdate
