#include "handlers/runtime/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace steward::runtime {
namespace {

constexpr std::size_t kMostHeld = 256;
constexpr std::size_t kMostEnvironment = 256 * 1024;

std::string read_all(const std::string& path, std::size_t most) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer{};
  while (file && text.size() < most) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<pid_t> parse_pids(const std::string& text) {
  std::vector<pid_t> pids;
  const char* at = text.c_str();
  char* end = nullptr;
  for (long pid = strtol(at, &end, 10); end != at; pid = strtol(at, &end, 10)) {
    pids.push_back(static_cast<pid_t>(pid));
    at = end;
  }
  return pids;
}

std::string proc_path(pid_t pid, std::string_view rest) {
  return "/proc/" + std::to_string(pid) + std::string(rest);
}

struct ProcStat {
  char state = 0;
  pid_t parent = 0;
  pid_t session = 0;
};

std::optional<ProcStat> read_stat(pid_t pid) {
  const std::string text = read_all(proc_path(pid, "/stat"), 4096);
  const auto name_end = text.rfind(')');  // the name may hold anything, ')' included
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  ProcStat stat;
  int parent = 0;
  int group = 0;
  int session = 0;
  if (sscanf(text.c_str() + name_end + 1, " %c %d %d %d", &stat.state, &parent, &group, &session) !=
      4) {
    return std::nullopt;
  }
  stat.parent = parent;
  stat.session = session;
  return stat;
}

bool has_mark(pid_t pid, std::uint64_t mark) {
  rlimit64 limit{};
  return mark != 0 && syscall(SYS_prlimit64, pid, RLIMIT_RTTIME, nullptr, &limit) == 0 &&
         limit.rlim_cur == mark;
}

bool has_job_in_environment(pid_t pid, const std::string& job) {
  if (job.empty()) {
    return false;
  }
  const std::string wanted = std::string(1, '\0') + "STEWARD_JOB=" + job + std::string(1, '\0');
  const std::string environment =
      std::string(1, '\0') + read_all(proc_path(pid, "/environ"), kMostEnvironment);
  return environment.find(wanted) != std::string::npos;
}

// An orphan that we have adopted: is it of this tree? Its session may be one of its own and its
// environment empty; the mark, a limit that binds nobody, is inherited by every descendant.
bool carries(pid_t pid, const TreeRoot& root) {
  if (has_mark(pid, root.mark) || has_job_in_environment(pid, root.job)) {
    return true;
  }
  const auto stat = read_stat(pid);
  return root.main > 0 && stat && stat->session == root.main;
}

int send(const Fd& pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0));
}

bool has_ended(const Fd& pidfd) {
  pollfd polled{pidfd.get(), POLLIN, 0};
  return poll(&polled, 1, 0) == 1;
}

std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) {
    return numbers;
  }
  while (const dirent* entry = readdir(directory)) {
    const auto number = static_cast<pid_t>(strtol(entry->d_name, nullptr, 10));
    if (number > 0) {
      numbers.push_back(number);
    }
  }
  closedir(directory);
  return numbers;
}

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
  const std::string tasks = proc_path(pid, "/task");
  std::vector<pid_t> children;
  for (const pid_t task : numbers_in(tasks)) {
    const auto some =
        parse_pids(read_all(tasks + "/" + std::to_string(task) + "/children", SIZE_MAX));
    children.insert(children.end(), some.begin(), some.end());
  }
  return children;
}

std::vector<pid_t> children_of_first_thread() {
  const std::string self = std::to_string(getpid());
  return parse_pids(read_all("/proc/self/task/" + self + "/children", SIZE_MAX));
}

void ProcessTree::drop_ended() {
  for (auto at = members_.begin(); at != members_.end();) {
    if (has_ended(at->second.pidfd)) {
      ++ended_;
      at = members_.erase(at);
    } else {
      ++at;
    }
  }
}

// A pid from a list may be a stranger's by the time it is opened. What is read about the number
// after the opening holds for the opened process if that one is still there after the reading.
bool ProcessTree::admit(pid_t pid,
                        const std::function<bool(pid_t parent)>& belongs,
                        int overflow_signal) {
  if (members_.contains(pid)) {
    return false;
  }
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const auto stat = read_stat(pid);
  if (!pidfd || !stat || stat->state == 'Z' || stat->state == 'X' || !belongs(stat->parent) ||
      has_ended(pidfd)) {
    return false;
  }
  if (members_.size() < kMostHeld) {
    members_.emplace(pid, Member{std::move(pidfd), 0});
    return true;
  }
  if (overflow_signal != 0 && send(pidfd, overflow_signal) == 0) {
    ++ended_;
  }
  return false;
}

// Adds all below `parent`, who is a member (or the child itself).
int ProcessTree::walk(pid_t parent, const TreeRoot& root, int overflow_signal) {
  int found = 0;
  std::vector<pid_t> open{parent};
  while (!open.empty()) {
    const pid_t at = open.back();
    open.pop_back();
    const auto belongs = [this, at, &root](pid_t now_parent) {
      if (now_parent != at) {
        return false;  // an orphan by now: found among ours
      }
      const auto member = members_.find(at);
      return member != members_.end() ? !has_ended(member->second.pidfd)
                                      : at == root.main && root.main_lives;
    };
    for (const pid_t child : children_of(at)) {
      if (members_.contains(child)) {
        continue;  // walked for itself
      }
      if (admit(child, belongs, overflow_signal)) {
        ++found;
        open.push_back(child);
      }
    }
  }
  return found;
}

int ProcessTree::refresh(const TreeRoot& root, int overflow_signal) {
  drop_ended();
  int found = 0;
  if (root.where == TreeRoot::Where::below_main && scope_ == Scope::child_only) {
    found += admit(
        root.child, [&root](pid_t parent) { return parent == root.main; }, overflow_signal);
  } else if (root.where == TreeRoot::Where::below_main) {
    found += walk(root.main, root, overflow_signal);
  } else if (root.main_lives && root.where == TreeRoot::Where::ours) {
    found += admit(
        root.main, [](pid_t parent) { return parent == getpid(); }, overflow_signal);
  }
  if (scope_ == Scope::child_only) {
    return found;
  }
  const auto add_orphan = [&](pid_t pid) {
    const bool started_here = root.is_child_of_ours && root.is_child_of_ours(pid);
    if (!members_.contains(pid) && !started_here && carries(pid, root)) {
      // Looked at again after the opening: the number may have changed hands.
      found += admit(
          pid, [&](pid_t) { return carries(pid, root); }, overflow_signal);
    }
  };
  if (root.where != TreeRoot::Where::below_main) {
    const bool all = root.where == TreeRoot::Where::everywhere;
    for (const pid_t pid : all ? numbers_in("/proc") : children_of_first_thread()) {
      add_orphan(pid);
    }
  }
  if (root.cgroup >= 0) {
    const std::string procs = "/proc/self/fd/" + std::to_string(root.cgroup) + "/cgroup.procs";
    for (const pid_t pid : parse_pids(read_all(procs, SIZE_MAX))) {
      add_orphan(pid);
    }
  }
  for (const pid_t pid : pids()) {
    found += walk(pid, root, overflow_signal);
  }
  return found;
}

void ProcessTree::signal_new(int signal) {
  for (auto& [pid, member] : members_) {
    if (std::exchange(member.last_signal, signal) != signal) {
      send(member.pidfd, signal);
      if (signal != SIGSTOP) {
        send(member.pidfd, SIGCONT);  // a stopped one takes it only then
      }
    }
  }
}

void ProcessTree::signal_all(int signal) {
  for (auto& [pid, member] : members_) {
    member.last_signal = signal;
    send(member.pidfd, signal);
  }
}

std::vector<pid_t> ProcessTree::pids() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, member] : members_) {
    pids.push_back(pid);
  }
  return pids;
}

}  // namespace steward::runtime
