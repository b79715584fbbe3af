#include "handlers/shellcommand/input_feed.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr std::size_t kMostWaitingBytes = 1024 * 1024;
constexpr char kEndOfFileCharacter = '\x04';

}  // namespace

InputFeed::InputFeed(runtime::Loop& loop, runtime::Fd fd, Ends ends)
    : fd_(std::move(fd)),
      ends_(ends),
      watcher_(std::make_unique<runtime::FdWatcher>(loop, fd_.get(), [this] { write_some(); })) {}

Result<void> InputFeed::add(std::string_view bytes) {
  if (!open()) {
    return failure(ErrorCode::not_found, "the command's input has ended");
  }
  if (waiting_.size() + bytes.size() > kMostWaitingBytes) {
    return failure(ErrorCode::overloaded, "the command does not read its input");
  }
  waiting_.append(bytes);
  write_some();
  return {};
}

void InputFeed::end() {
  if (!open()) {
    return;
  }
  if (ends_ == Ends::with_end_of_file_character) {
    waiting_.push_back(kEndOfFileCharacter);
  }
  ending_ = true;
  write_some();
}

void InputFeed::write_some() {
  while (fd_ && !waiting_.empty()) {
    const ssize_t written = write(fd_.get(), waiting_.data(), waiting_.size());
    if (written > 0) {
      waiting_.erase(0, static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EINTR) {
      if (const auto watched = watcher_->start(runtime::Ready::writable); !watched) {
        close();
      }
      return;
    } else {
      close();  // nobody reads any more
    }
  }
  if (watcher_) {
    watcher_->stop();
  }
  if (ending_) {
    close();
  }
}

void InputFeed::close() {
  watcher_.reset();
  waiting_.clear();
  fd_.reset();
}

}  // namespace steward::handlers::shellcommand
