#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace steward::ctl {

enum class Paint { plain, strong, faint, good, warning, bad };
enum class Mark { good, partial, absent, bad };
enum class ColourChoice { automatic, always, never };
enum class Letters { unicode, ascii };
enum class Verbosity { quiet, normal, verbose };

// How text for one stream looks.
struct Style {
  bool colour = false;
  Letters letters = Letters::unicode;

  std::string paint(Paint paint, std::string_view text) const;

  // "●", "◐", "○", "✗"; in ASCII "*", "~", "-", "x".
  std::string_view mark(Mark mark) const;

  std::string_view ellipsis() const { return letters == Letters::ascii ? "..." : "…"; }
};

// The environment's variable of that name, none when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

// Whether a stream gets colours: by choice, else where it is a terminal, NO_COLOR is not set and
// TERM is neither "dumb" nor empty.
enum class Stream { terminal, other };
bool wants_colour(ColourChoice choice, Stream stream, const Environment& environment);

// Data goes to stdout, everything else to stderr. A status line, on a terminal's stderr only, stays
// below what is written. One thread.
class Console {
 public:
  struct Look {
    Style out;
    Style err;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool in_is_terminal = false;
    Verbosity verbosity = Verbosity::normal;
  };

  explicit Console(Look look) : look_(look) {}

  ~Console() { clear_status(); }

  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // What the process's own streams are.
  static Look look(ColourChoice colour,
                   Letters letters,
                   Verbosity verbosity,
                   const Environment& environment);

  const Look& look() const { return look_; }

  // Bytes as they are.
  void out(std::string_view bytes);
  void err(std::string_view bytes);

  // A line for people on stderr; not with --quiet.
  void note(std::string_view line);

  // "warning: ..." on stderr, also with --quiet.
  void warn(std::string_view line);

  // "error: ..." on stderr; lines after the first are indented below it.
  void error(std::string_view text);

  // Only with --verbose.
  void detail(std::string_view line);

  // Shows a status line in the place of the last one; empty takes it away.
  void status(const std::string& line);

  // Lines and columns of the terminal on stdout, none where it is none: nothing is cut then.
  std::optional<std::size_t> width() const;
  std::size_t height() const;

  // Whether the reader of stdout has gone away.
  bool broken() const;

  // Puts a question and reads a line from the terminal; true for y or yes.
  bool confirmed(std::string_view question);

 private:
  void clear_status();

  Look look_;
  bool status_shown_ = false;
};

}  // namespace steward::ctl
