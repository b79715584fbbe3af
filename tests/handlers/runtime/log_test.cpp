#include "handlers/runtime/log.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <functional>
#include <string>

namespace steward::tests::log_test {
namespace {

using runtime::Logger;
using runtime::LogLevel;
using runtime::LogSink;

// What is written to standard error meanwhile.
std::string captured(const std::function<void()>& write) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  write();
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
  ::close(ends[0]);
  return std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
}

}  // namespace

TEST_CASE("log: the journal gets the priority at the head of each line") {
  const auto text = captured([] {
    const LogSink sink(LogLevel::debug, LogSink::Form::journal);
    const Logger log(sink, "agent");
    log.debug("a");
    log.info("b");
    log.warning("c");
    log.tagged("hello").error("d {} %s");
  });
  CHECK(text == "<7>agent: a\n<6>agent: b\n<4>agent: c\n<3>hello: d {} %s\n");
}

TEST_CASE("log: a terminal gets the time and the level") {
  const auto text = captured([] {
    const LogSink sink(LogLevel::info, LogSink::Form::terminal);
    Logger(sink, "agent").warning("low");
  });
  REQUIRE(text.size() > 12);
  CHECK(text.substr(12) == " warning agent: low\n");
}

TEST_CASE("log: what is less than asked for is not written") {
  const auto text = captured([] {
    const LogSink sink(LogLevel::warning, LogSink::Form::journal);
    const Logger log(sink, "agent");
    CHECK_FALSE(log.writes(LogLevel::info));
    log.info("no");
    log.error("yes");
  });
  CHECK(text == "<3>agent: yes\n");
}

TEST_CASE("log: text out of the network forges no line and reaches no terminal") {
  const auto text = captured([] {
    const LogSink sink(LogLevel::info, LogSink::Form::journal);
    Logger(sink, "agent").info("a\n<0>root: b\x1b[31m\tc");
  });
  CHECK(text == "<6>agent: a\\n<0>root: b\\x1b[31m\\x09c\n");
}

TEST_CASE("log: levels are read by their words") {
  CHECK(*runtime::parse_log_level("warning") == LogLevel::warning);
  CHECK_FALSE(runtime::parse_log_level("loud"));
}

}  // namespace steward::tests::log_test
