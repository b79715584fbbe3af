#pragma once

#include <sys/types.h>

namespace steward::shim {

// The connection to the agent: one at a time, the latest. What is said while there is none is lost;
// whoever comes is told how things stand.
class Line {
 public:
  explicit Line(int listening) : listening_(listening) {}

  int listening() const { return listening_; }

  int fd() const { return fd_; }

  // Somebody connects.
  void accept();

  // Says a line; false where nobody hears it.
  bool say(const char* text);

  // The number of the next "signal N" that was asked for; 0: nothing more. Closes itself at the
  // end of the connection.
  int next_signal();

 private:
  void hang_up();

  int listening_;
  int fd_ = -1;
};

}  // namespace steward::shim
