#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/host.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace steward::edge {

enum class End {
  clean,   // every handler has ended
  forced,  // the thread of one is stuck: the process must go without joining it
};

// Ends the handlers, stage by stage: each is asked to stop, and ended after the stage's deadline.
// On the main loop.
class Shutdown {
 public:
  struct Stage {
    std::string name;  // for the log
    std::vector<runtime::HandlerHost*> hosts;
    std::chrono::milliseconds deadline;
  };

  // The hosts outlive it. `ended` is called once, when the last stage is over.
  Shutdown(runtime::Loop& loop,
           const runtime::Clock& clock,
           runtime::Logger log,
           std::vector<Stage> stages,
           std::function<void(End)> ended);

  void begin();

 private:
  void next_stage();
  void one_ended(runtime::HandlerHost* host);
  void deadline_passed();
  void stage_over();

  runtime::Loop& loop_;
  const runtime::Clock& clock_;
  const runtime::Logger log_;
  const std::vector<Stage> stages_;
  const std::function<void(End)> ended_;
  runtime::Timer deadline_;
  std::size_t stage_ = 0;
  std::chrono::steady_clock::time_point since_;
  std::set<runtime::HandlerHost*> left_;  // of this stage
  bool forcing_ = false;                  // the stage's deadline has passed
  End end_ = End::clean;
};

}  // namespace steward::edge
