#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace steward::handlers::shellcommand {

// Reads one end of a command's output until it ends or is closed. `buffer` is the handler's, one
// for all its pumps: nothing is kept here.
class OutputPump {
 public:
  // `take` gets what came. `ended` is called once, at the end of the output, last: it may destroy
  // this.
  OutputPump(runtime::Loop& loop,
             runtime::Fd fd,
             std::string& buffer,
             std::function<void(std::string_view)> take,
             std::function<void()> ended);

  // Errors: io.
  [[nodiscard]] Result<void> start();

  // Takes what is there now; true at the end of the output (then `ended` is not called).
  bool drain();

  void close();

  bool open() const { return static_cast<bool>(fd_); }

  int fd() const { return fd_.get(); }

 private:
  enum class Outcome { more, nothing_now, end };

  Outcome read_once();
  void readable();

  runtime::Fd fd_;
  std::string& buffer_;
  std::function<void(std::string_view)> take_;
  std::function<void()> ended_;
  bool enlarged_ = false;
  std::unique_ptr<runtime::FdWatcher> watcher_;  // gone before the descriptor is closed
};

}  // namespace steward::handlers::shellcommand
