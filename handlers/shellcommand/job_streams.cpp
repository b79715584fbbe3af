#include "handlers/shellcommand/job_streams.hpp"

#include "handlers/runtime/pty.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using runtime::Fd;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) {
    return tl::unexpected<Error>(system_error(errno, "make a pipe"));
  }
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

// Ours only: the child's end is another open file, and blocks as programs expect it.
void make_non_blocking(const Fd& fd) { fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

bool has_open(pid_t pid, const struct stat& file) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) {
    return false;
  }
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    struct stat other {};

    if (fstatat(dirfd(directory), entry->d_name, &other, 0) == 0 && other.st_ino == file.st_ino &&
        other.st_dev == file.st_dev) {
      found = true;
      break;
    }
  }
  closedir(directory);
  return found;
}

runtime::PtySize pty_size(const wire::TerminalSize& size) {
  return {static_cast<unsigned short>(size.columns), static_cast<unsigned short>(size.rows)};
}

}  // namespace

JobStreams::JobStreams(runtime::Context& context,
                       std::string& buffer,
                       wire::MessageId id,
                       const wire::ShellRun& run,
                       Listener listener)
    : context_(context),
      buffer_(buffer),
      run_(run),
      listener_(std::move(listener)),
      kept_(run.output.mode == wire::OutputMode::none ? 0 : run.output.max_bytes, run.output.keep) {
  if (run.output.mode == wire::OutputMode::stream || run.output.mode == wire::OutputMode::both) {
    live_ = std::make_unique<LiveStream>(context, id, run.output);
  }
  if (run.expect) {
    if (auto pattern = wire::Pattern::compile(run.expect->regex)) {
      watch_.emplace(*std::move(pattern));
    }
  }
}

Result<JobStreams::ChildEnds> JobStreams::open() {
  return run_.pty ? open_terminal() : open_pipes();
}

Result<void> JobStreams::start_reading(int number, Fd fd) {
  make_non_blocking(fd);
  auto& pump = number == 2 ? err_ : out_;
  pump = std::make_unique<OutputPump>(
      context_.loop,
      std::move(fd),
      buffer_,
      [this, number](std::string_view bytes) { take(number, bytes); },
      [this] { one_ended(); });
  return pump->start();
}

Result<JobStreams::ChildEnds> JobStreams::open_pipes() {
  ChildEnds ends;
  STEWARD_TRY(ends.in, open_input());
  STEWARD_TRY(Pipe out, make_pipe());
  ends.out = std::move(out.write);
  if (auto started = start_reading(1, std::move(out.read)); !started) {
    return tl::unexpected<Error>(std::move(started).error());
  }
  if (!run_.output.merge) {
    STEWARD_TRY(Pipe err, make_pipe());
    ends.err = std::move(err.write);
    if (auto started = start_reading(2, std::move(err.read)); !started) {
      return tl::unexpected<Error>(std::move(started).error());
    }
  }
  return ends;
}

Result<Fd> JobStreams::open_input() {
  if (!run_.stdin_bytes && !run_.stdin_open) {
    return Fd();
  }
  STEWARD_TRY(Pipe in, make_pipe());
  make_non_blocking(in.write);
  in_ =
      std::make_unique<InputFeed>(context_.loop, std::move(in.write), InputFeed::Ends::with_close);
  return std::move(in.read);
}

Result<JobStreams::ChildEnds> JobStreams::open_terminal() {
  STEWARD_TRY(runtime::Pty pty, runtime::open_pty(pty_size(*run_.pty)));
  const auto duplicate = [](const Fd& fd) { return Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); };
  ChildEnds ends;
  ends.in = duplicate(pty.slave);
  ends.out = std::move(pty.slave);
  terminal_ = duplicate(pty.master);
  Fd input = duplicate(pty.master);
  if (!ends.in || !terminal_ || !input) {
    return tl::unexpected<Error>(system_error(errno, "duplicate a terminal"));
  }
  in_ = std::make_unique<InputFeed>(
      context_.loop, std::move(input), InputFeed::Ends::with_end_of_file_character);
  if (auto started = start_reading(1, std::move(pty.master)); !started) {
    return tl::unexpected<Error>(std::move(started).error());
  }
  return ends;
}

void JobStreams::feed() {
  if (!in_) {
    return;
  }
  if (run_.stdin_bytes) {
    (void)in_->add(*run_.stdin_bytes);  // a payload is smaller than what it may hold
  }
  if (!run_.stdin_open && (run_.stdin_bytes || !run_.pty)) {
    in_->end();
  }
}

void JobStreams::take(int number, std::string_view bytes) {
  kept_.add(number, bytes);
  if (live_) {
    live_->add(number, bytes);
  }
  if (watch_ && !watch_->matched()) {
    if (const auto line = watch_->feed(number, bytes)) {
      listener_.seen(*line);
    }
  }
  listener_.came();
}

void JobStreams::take_past(int number, std::string_view bytes) {
  kept_.add(number, bytes);
  if (live_) {
    live_->skip(number, bytes.size());
  }
}

void JobStreams::skip(int number, std::uint64_t bytes) {
  kept_.skip(number, bytes);
  if (live_) {
    live_->skip(number, bytes);
  }
}

bool JobStreams::output_open() const { return (out_ && out_->open()) || (err_ && err_->open()); }

void JobStreams::one_ended() {
  if (!output_open()) {
    listener_.ended();
  }
}

bool JobStreams::drain() {
  const bool out_ended = !out_ || out_->drain();
  const bool err_ended = !err_ || err_->drain();
  return out_ended && err_ended;
}

std::vector<pid_t> JobStreams::holders(const std::vector<pid_t>& among) const {
  if (terminal_) {
    return among;  // their end is another file than ours; all of them were born with it
  }
  std::vector<pid_t> holders;
  for (const auto* pump : {out_.get(), err_.get()}) {
    struct stat file {};

    if (pump == nullptr || !pump->open() || fstat(pump->fd(), &file) != 0) {
      continue;
    }
    for (const pid_t pid : among) {
      const bool listed = std::find(holders.begin(), holders.end(), pid) != holders.end();
      if (!listed && has_open(pid, file)) {
        holders.push_back(pid);
      }
    }
  }
  return holders;
}

void JobStreams::close() {
  in_.reset();
  out_.reset();
  err_.reset();
  terminal_.reset();
}

Result<void> JobStreams::input(const wire::ShellInput& input) {
  if (!in_ || (!run_.stdin_open && !run_.pty)) {
    return failure(ErrorCode::unsupported, "the command was started without an open input");
  }
  if (auto added = in_->add(input.bytes); !added) {
    return added;
  }
  if (input.close) {
    in_->end();
  }
  return {};
}

Result<void> JobStreams::resize(const wire::TerminalSize& size) {
  if (!terminal_) {
    return failure(ErrorCode::unsupported, "the command has no terminal");
  }
  return runtime::resize_pty(terminal_.get(), pty_size(size));
}

}  // namespace steward::handlers::shellcommand
