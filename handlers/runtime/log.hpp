#pragma once

#include "subjects/wire/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace steward::runtime {

enum class LogLevel { debug, info, warning, error };

// "debug", "info", "warning" or "error". Errors: bad_config.
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text);

// Where the log of a program goes, and how much of it. One for a program; made by main.
class LogSink {
 public:
  enum class Form {
    terminal,  // time and colours, for a person
    journal,   // "<6>text": systemd-journald takes the priority from it
  };

  LogSink(LogLevel least, Form form);  // to stderr
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  struct State;

 private:
  friend class Logger;
  std::shared_ptr<State> state_;
};

// Writes lines tagged with who speaks, control characters spelled out. A value: copies write to the
// same sink. Any thread.
class Logger {
 public:
  Logger(const LogSink& sink, std::string tag);

  // Another speaker on the same sink.
  Logger tagged(std::string tag) const;

  // Whether lines of that level are written: for texts that cost something to make.
  bool writes(LogLevel level) const;

  void debug(std::string_view text) const { write(LogLevel::debug, text); }

  void info(std::string_view text) const { write(LogLevel::info, text); }

  void warning(std::string_view text) const { write(LogLevel::warning, text); }

  void error(std::string_view text) const { write(LogLevel::error, text); }

 private:
  Logger(std::shared_ptr<LogSink::State> state, std::string tag);
  void write(LogLevel level, std::string_view text) const;

  std::shared_ptr<LogSink::State> state_;
  std::string tag_;
};

}  // namespace steward::runtime
