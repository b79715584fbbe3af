#include "tools/stewardctl/console.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace steward::ctl {

namespace {

std::string_view escape(Paint paint) {
  switch (paint) {
    case Paint::strong:
      return "\x1b[1m";
    case Paint::faint:
      return "\x1b[2m";
    case Paint::good:
      return "\x1b[32m";
    case Paint::warning:
      return "\x1b[33m";
    case Paint::bad:
      return "\x1b[31m";
    case Paint::plain:
      break;
  }
  return "";
}

void put_bytes(std::FILE* stream, std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stream);
  std::fflush(stream);
}

winsize terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
    size = {};
  }
  return size;
}

}  // namespace

std::string Style::paint(Paint paint, std::string_view text) const {
  if (!colour || paint == Paint::plain || text.empty()) {
    return std::string(text);
  }
  return fmt::format("{}{}\x1b[0m", escape(paint), text);
}

std::string_view Style::mark(Mark mark) const {
  const bool ascii = letters == Letters::ascii;
  switch (mark) {
    case Mark::good:
      return ascii ? "*" : "●";
    case Mark::partial:
      return ascii ? "~" : "◐";
    case Mark::absent:
      return ascii ? "-" : "○";
    case Mark::bad:
      break;
  }
  return ascii ? "x" : "✗";
}

bool wants_colour(ColourChoice choice, Stream stream, const Environment& environment) {
  if (choice != ColourChoice::automatic) {
    return choice == ColourChoice::always;
  }
  const auto term = environment("TERM").value_or("");
  return stream == Stream::terminal && !environment("NO_COLOR") && !term.empty() && term != "dumb";
}

Console::Look Console::look(ColourChoice colour,
                            Letters letters,
                            Verbosity verbosity,
                            const Environment& environment) {
  Look look;
  look.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  look.err_is_terminal = isatty(STDERR_FILENO) == 1;
  look.in_is_terminal = isatty(STDIN_FILENO) == 1;
  const auto stream = [](bool terminal) { return terminal ? Stream::terminal : Stream::other; };
  look.out = {wants_colour(colour, stream(look.out_is_terminal), environment), letters};
  look.err = {wants_colour(colour, stream(look.err_is_terminal), environment), letters};
  look.verbosity = verbosity;
  return look;
}

void Console::out(std::string_view bytes) {
  clear_status();
  put_bytes(stdout, bytes);
}

void Console::err(std::string_view bytes) {
  clear_status();
  put_bytes(stderr, bytes);
}

void Console::note(std::string_view line) {
  if (look_.verbosity != Verbosity::quiet) {
    err(fmt::format("{}\n", line));
  }
}

void Console::warn(std::string_view line) {
  err(fmt::format("{} {}\n", look_.err.paint(Paint::warning, "warning:"), line));
}

void Console::error(std::string_view text) {
  std::string indented;
  for (const char c : text) {
    indented += c == '\n' ? std::string("\n  ") : std::string(1, c);
  }
  err(fmt::format("{} {}\n", look_.err.paint(Paint::bad, "error:"), indented));
}

void Console::detail(std::string_view line) {
  if (look_.verbosity == Verbosity::verbose) {
    err(look_.err.paint(Paint::faint, line) + "\n");
  }
}

void Console::status(const std::string& line) {
  if (!look_.err_is_terminal || look_.verbosity == Verbosity::quiet) {
    return;
  }
  if (line.empty()) {
    clear_status();
    return;
  }
  put_bytes(stderr, "\r\x1b[K" + line);
  status_shown_ = true;
}

void Console::clear_status() {
  if (status_shown_) {
    put_bytes(stderr, "\r\x1b[K");
    status_shown_ = false;
  }
}

std::optional<std::size_t> Console::width() const {
  if (!look_.out_is_terminal) {
    return std::nullopt;
  }
  const std::size_t known = terminal_size().ws_col;
  return known == 0 ? 80 : known;
}

std::size_t Console::height() const {
  const std::size_t known = terminal_size().ws_row;
  return known == 0 ? 24 : known;
}

bool Console::broken() const { return std::ferror(stdout) != 0; }

bool Console::confirmed(std::string_view question) {
  err(fmt::format("{} [y/N] ", question));
  std::array<char, 64> answer{};
  if (std::fgets(answer.data(), answer.size(), stdin) == nullptr) {
    return false;
  }
  const std::string_view text(answer.data());
  return text == "y\n" || text == "Y\n" || text == "yes\n" || text == "Yes\n";
}

}  // namespace steward::ctl
