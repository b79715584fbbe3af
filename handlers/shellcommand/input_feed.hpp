#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace steward::handlers::shellcommand {

// Writes to a command's standard input as fast as it reads. SIGPIPE is ignored by the program.
class InputFeed {
 public:
  enum class Ends { with_close, with_end_of_file_character };  // a pipe's, a terminal's

  // `fd` is non-blocking.
  InputFeed(runtime::Loop& loop, runtime::Fd fd, Ends ends);

  // Errors: overloaded (1 MiB waits for the command to read it; nothing of these bytes was taken),
  // not_found (its input has ended).
  [[nodiscard]] Result<void> add(std::string_view bytes);

  // Ends the input once all is written.
  void end();

  bool open() const { return static_cast<bool>(fd_) && !ending_; }

 private:
  void write_some();
  void close();

  runtime::Fd fd_;
  Ends ends_;
  bool ending_ = false;
  std::string waiting_;
  std::unique_ptr<runtime::FdWatcher> watcher_;  // gone before the descriptor is closed
};

}  // namespace steward::handlers::shellcommand
