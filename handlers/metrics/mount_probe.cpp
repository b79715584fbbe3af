#include "handlers/metrics/mount_probe.hpp"

#include "handlers/runtime/fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

namespace steward::handlers::metrics {

namespace {

constexpr std::size_t kMostHung = 16;

}  // namespace

// A thread's answer about its next mount point. Below PIPE_BUF: written whole or not at all.
struct MountProbe::Answer {
  bool good = false;
  MountFigures figures;
};

// A thread that asks, and the ends of the pipes that its questions go into and its answers come out
// of. It has all it needs of its own: its list and the other ends, closed when it is through.
struct MountProbe::Asker {
  Asker(int into, int from) : questions(into), answers(from) {}

  enum class Next { answer, nothing, end };

  // Gives it a list to ask. Errors: io.
  [[nodiscard]] Result<void> give(const std::vector<std::string>& list) {
    mountpoints = list;
    answered = 0;
    auto its = std::make_unique<std::vector<std::string>>(list);
    const auto* const question = its.get();
    if (::write(questions.get(), &question, sizeof question) < 0) {
      return tl::unexpected(system_error(errno, "write to a thread"));
    }
    static_cast<void>(its.release());  // the thread's now
    return {};
  }

  // Waits for at most that long.
  Next next(std::chrono::milliseconds patience, Answer& answer) const {
    pollfd ready{answers.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) {
      return Next::nothing;
    }
    static_assert(std::is_trivially_copyable_v<Answer>);
    const auto got = ::read(answers.get(), &answer, sizeof answer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return Next::nothing;
    }
    return got == static_cast<ssize_t>(sizeof answer) ? Next::answer : Next::end;
  }

  // The thread: asks one list after the other, until nobody wants to know any more.
  static void work(int from, int to, Ask ask) {
    const runtime::Fd questions(from);
    const runtime::Fd answers(to);
    std::vector<std::string>* question = nullptr;
    while (::read(from, &question, sizeof question) == static_cast<ssize_t>(sizeof question)) {
      const std::unique_ptr<const std::vector<std::string>> list(question);
      for (const auto& mountpoint : *list) {
        Answer answer;
        answer.good = ask(mountpoint, answer.figures);
        if (::write(to, &answer, sizeof answer) < 0) {
          return;  // the probe is gone
        }
      }
    }
  }

  runtime::Fd questions;
  runtime::Fd answers;
  std::vector<std::string> mountpoints;
  std::size_t answered = 0;
};

MountProbe::MountProbe(std::chrono::milliseconds patience, Ask how)
    : patience_(patience), ask_(how) {}

MountProbe::~MountProbe() = default;

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
             static_cast<std::int64_t>(told.f_ffree)};
  return true;
}

Result<void> MountProbe::make_asker() {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) {
    return tl::unexpected(system_error(errno, "pipe"));
  }
  auto asker = std::make_unique<Asker>(in[1], -1);
  if (::pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0) {
    ::close(in[0]);
    return tl::unexpected(system_error(errno, "pipe"));
  }
  asker->answers = runtime::Fd(out[0]);
  // Signals are for the threads that wait for them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([from = in[0], to = out[1], ask = ask_] { Asker::work(from, to, ask); }).detach();
  } catch (const std::system_error&) {
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started) {
    ::close(in[0]);
    ::close(out[1]);
    return failure(ErrorCode::unavailable, "no thread to ask the mounts");
  }
  asker_ = std::move(asker);
  return {};
}

Result<void> MountProbe::send_asker(const std::vector<std::string>& mountpoints) {
  if (asker_ == nullptr) {
    if (auto made = make_asker(); !made) {
      return made;
    }
  }
  return asker_->give(mountpoints);
}

bool MountProbe::is_hung(const std::string& mountpoint) const {
  return std::any_of(hung_.begin(), hung_.end(), [&mountpoint](const auto& asker) {
    return asker->mountpoints.front() == mountpoint;
  });
}

std::vector<std::string> MountProbe::hung() const {
  std::vector<std::string> names;
  for (const auto& asker : hung_) {
    names.push_back(asker->mountpoints.front());
  }
  return names;
}

void MountProbe::take_answers(const std::vector<std::string>& mountpoints,
                              std::vector<std::optional<MountFigures>>& figures) {
  Answer answer;
  Asker& asker = *asker_;
  while (asker.answered < asker.mountpoints.size()) {
    if (asker.next(patience_, answer) != Asker::Next::answer) {
      return;
    }
    const auto& about = asker.mountpoints[asker.answered++];
    const auto at = std::find(mountpoints.begin(), mountpoints.end(), about);
    if (at != mountpoints.end() && answer.good) {
      figures[static_cast<std::size_t>(at - mountpoints.begin())] = answer.figures;
    }
  }
}

std::vector<std::optional<MountFigures>> MountProbe::ask(
    const std::vector<std::string>& mountpoints) {
  std::vector<std::optional<MountFigures>> figures(mountpoints.size());
  // An answer, or the end of its thread: it hangs no more.
  std::erase_if(hung_, [](const auto& asker) {
    Answer late;
    return asker->next(std::chrono::milliseconds(0), late) != Asker::Next::nothing;
  });
  std::vector<std::string> open;
  for (const auto& mountpoint : mountpoints) {
    if (!is_hung(mountpoint) && std::find(open.begin(), open.end(), mountpoint) == open.end()) {
      open.push_back(mountpoint);
    }
  }
  while (!open.empty() && hung_.size() < kMostHung && send_asker(open)) {
    take_answers(mountpoints, figures);
    open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(asker_->answered));
    if (!open.empty()) {
      // It hangs at the next one. When it gets through, writing to the closed pipe ends it.
      asker_->mountpoints = {open.front()};
      open.erase(open.begin());
      hung_.push_back(std::move(asker_));
    }
  }
  return figures;
}

}  // namespace steward::handlers::metrics
