#pragma once

#include "tools/stewardctl/console.hpp"

#include <memory>
#include <string>

namespace steward::ctl {

// The terminal's other screen while something is shown again and again, with no cursor; what was
// there before comes back at the end.
class Screen {
 public:
  explicit Screen(Console& console);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // In the place of the last text; lines beyond the screen's height are left out.
  void show(const std::string& text);

 private:
  Console& console_;
};

// Keys of the terminal on stdin as they are pressed, not shown. Nothing where stdin is no terminal.
class Keys {
 public:
  Keys();
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  // What was pressed since the last call; waits for nothing.
  std::string take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace steward::ctl
