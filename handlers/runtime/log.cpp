#include "handlers/runtime/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdio>
#include <utility>

namespace steward::runtime {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// The priorities of syslog(3), as sd-daemon(3) takes them at the head of a line.
std::string_view journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warning:
      return "<4>";
    case LogLevel::error:
      return "<3>";
  }
  return "<6>";
}

// Texts quote what came from the network: a line feed would forge a line, an escape sequence would
// reach the terminal.
void append_printable(std::string& line, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte != 0x7f) {
      line += letter;
    } else if (letter == '\n') {
      line += "\\n";
    } else {
      line += "\\x";
      line += kDigits[byte >> 4U];
      line += kDigits[byte & 0xfU];
    }
  }
}

spdlog::sink_ptr make_sink(LogSink::Form form) {
  if (form == LogSink::Form::journal) {
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();  // colours on a terminal only
}

}  // namespace

struct LogSink::State {
  State(LogLevel least, Form shape) : form(shape), logger("steward", make_sink(shape)) {
    logger.set_level(spdlog_level(least));
    logger.set_pattern(form == Form::journal ? "%v" : "%H:%M:%S.%e %^%-7l%$ %v");
    logger.flush_on(spdlog::level::debug);
    logger.set_error_handler([](const std::string&) {});  // a closed stderr is no reason to stop
  }

  const Form form;
  spdlog::logger logger;
};

LogSink::LogSink(LogLevel least, Form form) : state_(std::make_shared<State>(least, form)) {}

LogSink::~LogSink() = default;

Logger::Logger(const LogSink& sink, std::string tag) : Logger(sink.state_, std::move(tag)) {}

Logger::Logger(std::shared_ptr<LogSink::State> state, std::string tag)
    : state_(std::move(state)), tag_(std::move(tag)) {}

Logger Logger::tagged(std::string tag) const { return Logger(state_, std::move(tag)); }

bool Logger::writes(LogLevel level) const { return state_->logger.should_log(spdlog_level(level)); }

void Logger::write(LogLevel level, std::string_view text) const {
  if (!writes(level)) {
    return;
  }
  std::string line;
  line.reserve(tag_.size() + text.size() + 8);
  if (state_->form == LogSink::Form::journal) {
    line += journal_prefix(level);
  }
  line += tag_;
  line += ": ";
  append_printable(line, text);
  // As a string_view spdlog takes it as it is: no format string out of the network.
  state_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

Result<LogLevel> parse_log_level(std::string_view text) {
  for (const auto& [name, level] : {std::pair{std::string_view("debug"), LogLevel::debug},
                                    {"info", LogLevel::info},
                                    {"warning", LogLevel::warning},
                                    {"error", LogLevel::error}}) {
    if (name == text) {
      return level;
    }
  }
  return failure(ErrorCode::bad_config,
                 "log level '" + std::string(text) + "': take debug, info, warning or error");
}

}  // namespace steward::runtime
