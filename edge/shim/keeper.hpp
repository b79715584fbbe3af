#pragma once

#include "edge/shim/launch.hpp"
#include "edge/shim/line.hpp"
#include "edge/shim/notifications.hpp"
#include "edge/shim/order.hpp"
#include "edge/shim/spool.hpp"

#include <sys/resource.h>
#include <sys/types.h>

namespace steward::shim {

// The life of one child: starts it, keeps what it says, writes its end down, and stays until all of
// its tree is gone.
class Keeper {
 public:
  Keeper(const Order& order, int listening) : order_(order), line_(listening) {}

  void run();

 private:
  struct Stream {
    int fd = -1;
    Spool spool;
    long long told = 0;
  };

  void prepare();
  void start();
  int wait();
  void turn();

  void tell_all();
  void tell_output();
  void read_stream(int number);
  void read_notifications();
  void take_line(const char* line);
  void read_ready();
  void become_ready();
  void read_signals();
  void reap();
  void ended(int status, const rusage& usage);
  void write_exit();
  bool over();

  const Order& order_;
  Line line_;
  Notifications notifications_;
  Stream streams_[2];
  int signals_ = -1;
  int ready_pipe_ = -1;
  pid_t child_ = 0;
  bool child_lives_ = false;
  bool alone_ = false;  // no child, and no grandchild that came to us
  bool ready_ = false;
  bool written_ = false;       // the end, on disk
  bool told_ = false;          // the end, to an agent
  long long output_told_ = 0;  // when, ms
  char status_[160] = "";
  char end_[160] = "";  // how it ended, as it is said and written
};

}  // namespace steward::shim
