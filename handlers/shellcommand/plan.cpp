#include "handlers/shellcommand/plan.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr std::size_t kLongestSummary = 120;

bool exists(const std::string& path) {
  struct stat found {};

  return lstat(path.c_str(), &found) == 0;
}

std::vector<std::string> command_line(const wire::ShellRun& run) {
  return run.shell.empty() ? run.argv : std::vector<std::string>{run.interpreter, "-c", run.shell};
}

std::map<std::string, std::string> variables_of(const std::vector<std::string>& environment) {
  std::map<std::string, std::string> variables;
  for (const std::string& entry : environment) {
    const auto equals = entry.find('=');
    variables[entry.substr(0, equals)] =
        equals == std::string::npos ? "" : entry.substr(equals + 1);
  }
  return variables;
}

}  // namespace

bool needs_surroundings(const wire::ShellRun& run) {
  return !run.user.empty() || !run.group.empty() || run.cwd != "/" || !run.creates.empty() ||
         !run.removes.empty();
}

Result<Surroundings> explore(const wire::ShellRun& run) {
  STEWARD_TRY(auto account, runtime::find_account(run.user, run.group));
  Surroundings found{std::move(account), ""};
  if (!run.creates.empty() && exists(run.creates)) {
    found.skip = "creates: " + run.creates + " is there";
  } else if (!run.removes.empty() && !exists(run.removes)) {
    found.skip = "removes: " + run.removes + " is not there";
  }

  // The child's own chdir, as its own user, is what counts: this one is for a mount that hangs.
  struct stat directory {};

  (void)stat(run.cwd.c_str(), &directory);
  return found;
}

std::vector<std::string> make_environment(const wire::ShellRun& run,
                                          const runtime::Account& account,
                                          const std::string& job,
                                          const std::vector<std::string>& inherited) {
  const bool clean = run.env_mode == wire::EnvironmentMode::clean;
  auto variables = clean ? runtime::clean_environment(account) : variables_of(inherited);
  if (!clean && !run.user.empty()) {
    variables["HOME"] = account.home;
    variables["USER"] = account.name;
    variables["LOGNAME"] = account.name;
  }
  if (run.pty) {
    variables["TERM"] = "xterm";
  }
  for (const auto& [name, value] : run.env) {
    variables[name] = value;
  }
  variables["STEWARD_JOB"] = job;
  return runtime::environment_lines(variables);
}

runtime::SpawnRequest make_request(const wire::ShellRun& run,
                                   const runtime::Account& account,
                                   const std::string& job,
                                   const std::vector<std::string>& inherited) {
  runtime::SpawnRequest request;
  request.argv = command_line(run);
  request.env = make_environment(run, account, job, inherited);
  request.cwd = run.cwd;
  if (!run.user.empty() || !run.group.empty()) {
    request.identity = account.identity;
  }
  if (run.umask) {
    request.umask = static_cast<mode_t>(*run.umask);
  }
  request.job = job;
  return request;
}

std::string summary(const wire::ShellRun& run) {
  std::string text = run.shell;
  for (const std::string& word : run.argv) {
    text += (text.empty() ? "" : " ") + word;
  }
  for (const std::string& name : run.secret_env) {
    const auto secret = run.env.find(name);
    if (secret == run.env.end() || secret->second.empty()) {
      continue;
    }
    for (auto at = text.find(secret->second); at != std::string::npos;
         at = text.find(secret->second, at + 3)) {
      text.replace(at, secret->second.size(), "***");
    }
  }
  if (text.size() > kLongestSummary) {
    text.resize(kLongestSummary);
    text += "...";
  }
  return text;
}

}  // namespace steward::handlers::shellcommand
