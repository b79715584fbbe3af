#include "handlers/shellcommand/output_pump.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr int kReadsInOneTurn = 4;
constexpr int kReadsInOneDrain = 64;      // one who writes on does not hold the loop
constexpr std::size_t kFullPipe = 65536;  // what a pipe holds as it is made
constexpr int kLargePipe = 256 * 1024;

}  // namespace

OutputPump::OutputPump(runtime::Loop& loop,
                       runtime::Fd fd,
                       std::string& buffer,
                       std::function<void(std::string_view)> take,
                       std::function<void()> ended)
    : fd_(std::move(fd)),
      buffer_(buffer),
      take_(std::move(take)),
      ended_(std::move(ended)),
      watcher_(std::make_unique<runtime::FdWatcher>(loop, fd_.get(), [this] { readable(); })) {}

Result<void> OutputPump::start() { return watcher_->start(runtime::Ready::readable); }

void OutputPump::close() {
  watcher_.reset();
  fd_.reset();
}

OutputPump::Outcome OutputPump::read_once() {
  const ssize_t got = read(fd_.get(), buffer_.data(), buffer_.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return Outcome::nothing_now;
  }
  if (got <= 0) {  // EIO from a terminal that nobody has open any more
    close();
    return Outcome::end;
  }
  const auto count = static_cast<std::size_t>(got);
  if (count >= kFullPipe && !std::exchange(enlarged_, true)) {
    fcntl(fd_.get(), F_SETPIPE_SZ, kLargePipe);  // for one who writes much; refused: as it was
  }
  take_(std::string_view(buffer_).substr(0, count));
  return Outcome::more;
}

void OutputPump::readable() {
  Outcome outcome = Outcome::more;
  for (int i = 0; i < kReadsInOneTurn && outcome == Outcome::more && fd_; ++i) {
    outcome = read_once();
  }
  if (outcome == Outcome::end) {
    const auto ended = ended_;
    ended();
  }
}

bool OutputPump::drain() {
  Outcome outcome = fd_ ? Outcome::more : Outcome::end;
  for (int i = 0; i < kReadsInOneDrain && outcome == Outcome::more && fd_; ++i) {
    outcome = read_once();
  }
  return !fd_;
}

}  // namespace steward::handlers::shellcommand
