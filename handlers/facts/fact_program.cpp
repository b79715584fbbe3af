#include "handlers/facts/fact_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace steward::handlers::facts {

FactProgram::FactProgram(runtime::Loop& loop, std::size_t most_bytes, Done done)
    : loop_(loop),
      most_(most_bytes),
      done_(std::move(done)),
      timeout_(loop, [this] { end(failure(ErrorCode::timed_out, "did not end in time")); }) {}

FactProgram::~FactProgram() = default;

Result<void> FactProgram::start(runtime::Processes& processes,
                                const std::string& program,
                                std::chrono::milliseconds timeout) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return tl::unexpected(system_error(errno, "make a pipe"));
  }
  out_ = runtime::Fd(ends[0]);
  const runtime::Fd in(ends[1]);
  ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);  // our end only
  runtime::SpawnRequest request;
  request.argv = {program};
  request.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  request.out = in.get();
  request.parent_death_signal = SIGKILL;
  STEWARD_TRY(child_, processes.spawn(loop_, request, [this](const runtime::ExitStatus& status) {
    exited(status);
  }));
  watcher_ = std::make_unique<runtime::FdWatcher>(loop_, out_.get(), [this] { readable(); });
  if (auto started = watcher_->start(runtime::Ready::readable); !started) {
    return started;
  }
  timeout_.start(timeout);
  return {};
}

void FactProgram::readable() {
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
    if (output_.size() > most_) {
      end(failure(ErrorCode::too_large, "says more than " + std::to_string(most_) + " bytes"));
      return;
    }
  }
}

void FactProgram::exited(const runtime::ExitStatus& status) {
  has_ended_ = true;
  status_ = status;
  finish();
}

void FactProgram::finish() {
  if (!closed_ || !has_ended_) {
    return;
  }
  if (status_.code != 0) {
    end(failure(ErrorCode::bad_payload,
                status_.code ? "ended with exit status " + std::to_string(*status_.code)
                             : "was ended by signal " + std::to_string(status_.signal)));
    return;
  }
  end(std::move(output_));
}

// `done` last: it may destroy this later on.
void FactProgram::end(Result<std::string> result) {
  timeout_.stop();
  watcher_.reset();
  out_.reset();
  child_->kill_tree({.grace = std::chrono::milliseconds(0)}, [](auto, const auto&) {});
  if (auto done = std::exchange(done_, nullptr)) {
    done(std::move(result));
  }
}

}  // namespace steward::handlers::facts
