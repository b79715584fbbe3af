#include "tools/stewardctl/screen.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace steward::ctl {

Screen::Screen(Console& console) : console_(console) { console_.out("\x1b[?1049h\x1b[?25l"); }

Screen::~Screen() { console_.out("\x1b[?25h\x1b[?1049l"); }

void Screen::show(const std::string& text) {
  std::string frame = "\x1b[H";
  std::size_t lines = 0;
  std::size_t begin = 0;
  while (begin < text.size() && lines + 1 < console_.height()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    frame += text.substr(begin, end - begin) + "\x1b[K\n";
    begin = end + 1;
    ++lines;
  }
  console_.out(frame + "\x1b[J");
}

struct Keys::State {
  termios before{};
};

// Ctrl-C stays a signal.
Keys::Keys() {
  termios now{};
  if (::isatty(STDIN_FILENO) != 1 || ::tcgetattr(STDIN_FILENO, &now) != 0) {
    return;
  }
  state_ = std::make_unique<State>(State{now});
  now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

Keys::~Keys() {
  if (state_) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &state_->before);
  }
}

std::string Keys::take() {
  std::string keys;
  pollfd in{STDIN_FILENO, POLLIN, 0};
  if (state_ && ::poll(&in, 1, 0) == 1 && (in.revents & POLLIN) != 0) {
    std::array<char, 64> buffer{};
    const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    keys.assign(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  return keys;
}

}  // namespace steward::ctl
