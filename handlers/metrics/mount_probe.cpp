#include "handlers/metrics/mount_probe.hpp"

#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace steward::handlers::metrics {

namespace {

constexpr std::size_t kMostHung = 16;

}  // namespace

// A thread that asks, and what it shares with the probe. One that hangs is left behind with its own
// half of this.
class MountProbe::Asker {
 public:
  explicit Asker(Ask how) : how_(how) {}

  // The thread: asks one list after the other, until nobody wants to know any more.
  void work() {
    std::vector<std::string> todo;
    while (next_list(todo)) {
      for (const auto& mountpoint : todo) {
        MountFigures figures;
        const bool good = how_(mountpoint, figures);
        if (!take(good ? std::optional(figures) : std::nullopt, todo.size())) {
          return;
        }
      }
    }
  }

  // Asks for the mount points, and gives what has been answered before one of them has taken longer
  // than that.
  std::vector<std::optional<MountFigures>> ask(const std::vector<std::string>& mountpoints,
                                               std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    list_ = mountpoints;
    answers_.clear();
    wanted_ = true;
    changed_.notify_all();
    while (answers_.size() < mountpoints.size()) {
      const auto before = answers_.size();
      if (changed_.wait_for(lock, patience) == std::cv_status::timeout &&
          answers_.size() == before) {
        break;
      }
    }
    return answers_;
  }

  // Nobody asks it any more: it ends, as soon as it can. Then what it hung at hangs no more.
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }

  bool ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  bool next_list(std::vector<std::string>& todo) {
    std::unique_lock lock(mutex_);
    while (!wanted_ && !left_) {
      changed_.wait(lock);
    }
    wanted_ = false;
    todo = list_;
    return !left_;
  }

  // False: nobody wants to know. The probe is woken once, when all is answered.
  bool take(std::optional<MountFigures> answer, std::size_t all) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(answer);
    if (answers_.size() == all) {
      changed_.notify_all();
    }
    return !left_;
  }

  const Ask how_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by it:
  std::vector<std::string> list_;
  std::vector<std::optional<MountFigures>> answers_;
  bool wanted_ = false;
  bool left_ = false;
  bool ended_ = false;
};

MountProbe::MountProbe(std::chrono::milliseconds patience, Ask how)
    : patience_(patience), ask_(how) {}

MountProbe::~MountProbe() {
  if (asker_ != nullptr) {
    asker_->leave();
  }
}

bool MountProbe::ask_kernel(const std::string& mountpoint, MountFigures& figures) {
  struct statfs told {};

  if (::statfs(mountpoint.c_str(), &told) != 0) {
    return false;
  }
  figures = {told.f_bsize,
             static_cast<std::int64_t>(told.f_blocks),
             static_cast<std::int64_t>(told.f_bfree),
             static_cast<std::int64_t>(told.f_bavail),
             static_cast<std::int64_t>(told.f_files),
             static_cast<std::int64_t>(told.f_ffree),
             (told.f_flags & ST_RDONLY) != 0};
  return true;
}

bool MountProbe::have_asker() {
  if (asker_ != nullptr) {
    return true;
  }
  auto asker = std::make_shared<Asker>(ask_);
  // Signals are for the threads that wait for them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([asker] {
      asker->work();
      asker->end();
    }).detach();
  } catch (const std::system_error&) {
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) {
    asker_ = std::move(asker);
  }
  return started;
}

bool MountProbe::is_hung(const std::string& mountpoint) const {
  return std::any_of(hung_.begin(), hung_.end(), [&mountpoint](const Hung& hung) {
    return hung.mountpoint == mountpoint;
  });
}

std::vector<std::string> MountProbe::hung() const {
  std::vector<std::string> names;
  for (const auto& hung : hung_) {
    names.push_back(hung.mountpoint);
  }
  return names;
}

std::vector<std::optional<MountFigures>> MountProbe::ask(
    const std::vector<std::string>& mountpoints) {
  std::vector<std::optional<MountFigures>> figures(mountpoints.size());
  std::erase_if(hung_, [](const Hung& hung) { return hung.asker->ended(); });
  std::vector<std::string> open;
  for (const auto& mountpoint : mountpoints) {
    if (!is_hung(mountpoint) && std::find(open.begin(), open.end(), mountpoint) == open.end()) {
      open.push_back(mountpoint);
    }
  }
  while (!open.empty() && hung_.size() < kMostHung && have_asker()) {
    const auto answers = asker_->ask(open, patience_);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto at = std::find(mountpoints.begin(), mountpoints.end(), open[i]);
      figures[static_cast<std::size_t>(at - mountpoints.begin())] = answers[i];
    }
    open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(answers.size()));
    if (!open.empty()) {  // it hangs at the next one
      asker_->leave();
      hung_.push_back({open.front(), std::move(asker_)});
      open.erase(open.begin());
    }
  }
  return figures;
}

}  // namespace steward::handlers::metrics
