#include "tools/bench/process_figures.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

namespace steward::tests::process_figures_test {

using steward::ErrorCode;
using steward::bench::parse_field;
using steward::bench::parse_memory;

TEST_CASE("process figures: smaps_rollup gives bytes") {
  const auto memory = parse_memory(
      "55d0c0000000-7ffe00000000 ---p 00000000 00:00 0    [rollup]\n"
      "Rss:               10240 kB\n"
      "Pss:                4096 kB\n"
      "Pss_Anon:            900 kB\n"
      "Anonymous:          1024 kB\n");
  REQUIRE(memory);
  CHECK(memory->resident == 10240 * 1024);
  CHECK(memory->proportional == 4096 * 1024);
  CHECK(memory->anonymous == 1024 * 1024);
}

TEST_CASE("process figures: a line that is missing is named") {
  const auto memory = parse_memory("Rss: 1 kB\nPss: 1 kB\n");
  REQUIRE_FALSE(memory);
  CHECK(memory.error().code == ErrorCode::bad_payload);
  CHECK(memory.error().message.find("Anonymous") != std::string::npos);
}

TEST_CASE("process figures: a field is found by its whole name and needs a number") {
  CHECK(parse_field("Threads:\t7\n", "Threads").value() == 7);
  CHECK(parse_field("VmHWM: 5 kB\nVmRSS: 4 kB", "VmRSS").value() == 4);
  CHECK_FALSE(parse_field("Threads: many\n", "Threads"));
  CHECK_FALSE(parse_field("Threads:", "Threads"));
  CHECK_FALSE(parse_field("Threads: 7\n", "Thread"));
  CHECK_FALSE(parse_field("", "Threads"));
}

TEST_CASE("process figures: this process has some") {
  const auto memory = steward::bench::memory_of(::getpid());
  REQUIRE(memory);
  CHECK(memory->resident >= memory->anonymous);
  CHECK(steward::bench::threads_of(::getpid()).value() >= 1);
  CHECK(steward::bench::cpu_time_of(::getpid()).value() > std::chrono::nanoseconds(0));
}

TEST_CASE("process figures: a process that is not there is an error") {
  CHECK_FALSE(steward::bench::memory_of(0));
  CHECK_FALSE(steward::bench::cpu_time_of(0));
}

}  // namespace steward::tests::process_figures_test
