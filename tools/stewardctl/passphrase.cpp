#include "tools/stewardctl/passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstddef>

namespace steward::ctl {

namespace {

constexpr std::size_t kLongestPassphrase = 1024;

}  // namespace

Result<identity::Secret> ask_passphrase(const std::string& what) {
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  termios shown{};
  if (terminal < 0 || tcgetattr(terminal, &shown) != 0) {
    if (terminal >= 0) {
      close(terminal);
    }
    return failure(ErrorCode::denied, what + " is needed, and there is no terminal to ask on");
  }
  termios hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(terminal, TCSAFLUSH, &hidden);
  const std::string question = what + ": ";
  [[maybe_unused]] auto written = write(terminal, question.data(), question.size());
  identity::Secret typed(kLongestPassphrase);
  const ssize_t got = read(terminal, typed.data(), typed.size());
  tcsetattr(terminal, TCSAFLUSH, &shown);
  written = write(terminal, "\n", 1);
  close(terminal);
  std::size_t length = got > 0 ? static_cast<std::size_t>(got) : 0;
  length -= length > 0 && typed.data()[length - 1] == '\n' ? 1 : 0;
  typed.shorten(length);
  return typed;
}

}  // namespace steward::ctl
