#include "handlers/runtime/program_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace steward::runtime {

ProgramRun::ProgramRun(Loop& loop, Request request, Done done)
    : loop_(loop),
      request_(std::move(request)),
      done_(std::move(done)),
      timeout_(loop, [this] { end(failure(ErrorCode::timed_out, "did not end in time")); }) {}

ProgramRun::~ProgramRun() = default;

Result<void> ProgramRun::start(Processes& processes) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return tl::unexpected(system_error(errno, "make a pipe"));
  }
  out_ = Fd(ends[0]);
  const Fd in(ends[1]);
  ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);  // our end only
  SpawnRequest request;
  request.argv = request_.argv;
  request.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  request.env.insert(request.env.end(), request_.env.begin(), request_.env.end());
  request.out = in.get();
  request.parent_death_signal = SIGKILL;
  STEWARD_TRY(child_, processes.spawn(loop_, request, [this](const ExitStatus& status) {
    exited(status);
  }));
  watcher_ = std::make_unique<FdWatcher>(loop_, out_.get(), [this] { readable(); });
  if (auto started = watcher_->start(Ready::readable); !started) {
    return started;
  }
  timeout_.start(request_.timeout);
  return {};
}

void ProgramRun::readable() {
  std::array<char, 4'096> buffer{};
  for (;;) {
    const auto got = ::read(out_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EAGAIN) {
      return;
    }
    if (got <= 0) {
      closed_ = true;
      watcher_->stop();
      finish();
      return;
    }
    output_.append(buffer.data(), static_cast<std::size_t>(got));
    if (output_.size() > request_.most_bytes) {
      end(failure(ErrorCode::too_large,
                  "says more than " + std::to_string(request_.most_bytes) + " bytes"));
      return;
    }
  }
}

void ProgramRun::exited(const ExitStatus& status) {
  has_ended_ = true;
  status_ = status;
  finish();
}

void ProgramRun::finish() {
  if (!closed_ || !has_ended_) {
    return;
  }
  end(End{std::move(output_), status_});
}

// `done` once nothing of its tree is left: it may destroy this, and with it the killing.
void ProgramRun::end(Result<End> result) {
  timeout_.stop();
  watcher_.reset();
  out_.reset();
  result_ = std::move(result);
  child_->kill_tree({.grace = std::chrono::milliseconds(0)}, [this](KillStep step, const auto&) {
    if (step != KillStep::gone && step != KillStep::unkillable) {
      return;
    }
    if (auto done = std::exchange(done_, nullptr)) {
      done(std::move(result_));
    }
  });
}

std::string shown(const ExitStatus& status) {
  return status.code ? "exit status " + std::to_string(*status.code)
                     : "signal " + std::to_string(status.signal);
}

}  // namespace steward::runtime
