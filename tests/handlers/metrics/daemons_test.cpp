#include "handlers/metrics/collectors/collectors.hpp"
#include "tests/handlers/metrics/reading.hpp"
#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace steward::handlers::metrics::daemons_test {
namespace {

std::map<std::string, double> measured(const Folder& folder, int rounds = 1) {
  Roots roots;
  roots.daemons = folder.path;
  const auto collector = make_daemons(roots);
  Samples samples;
  std::string buffer;
  for (int round = 0; round < rounds; ++round) {
    samples.begin();
    REQUIRE(collector->collect(samples, buffer));
    samples.finish();
  }
  return values_of(samples);
}

}  // namespace

TEST_CASE("metrics: a daemon is told with all that runs below it, one that is down as such") {
  const Folder folder;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char byte = 0;
    ::_exit(static_cast<int>(::read(pipe[0], &byte, 1)));
  }
  folder.write("system/table",
               "web " + std::to_string(::getpid()) + " 3 unit\ndown 0 7 own\nbroken\n");
  const auto values = measured(folder);
  CHECK(values.at(R"(steward_daemon_processes{daemon="web"})") >= 2);
  CHECK(values.at(R"(steward_daemon_resident_memory_bytes{daemon="web"})") > 1'000'000);
  CHECK(values.at(R"(steward_daemon_cpu_seconds_total{daemon="web"})") >= 0);
  CHECK(values.at(R"(steward_daemon_restarts_total{daemon="web"})") == 3);
  CHECK(values.at(R"(steward_daemon_processes{daemon="down"})") == 0);
  CHECK(values.at(R"(steward_daemon_restarts_total{daemon="down"})") == 7);
  CHECK(values.size() == 8);
  REQUIRE(::write(pipe[1], "x", 1) == 1);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("metrics: a unit without daemons says nothing of them") {
  const Folder folder;
  Roots roots;
  roots.daemons = folder.path / "none";
  Samples samples;
  std::string buffer;
  samples.begin();
  CHECK(make_daemons(roots)->collect(samples, buffer).error().code == ErrorCode::not_found);
}

TEST_CASE("metrics: what the kernel says of a process is read, whatever its name") {
  const auto stat = parse_process(
      "4711 (a) b (c) S 12 4711 4711 0 -1 4194560 100 200 0 0 5 6 7 8 20 0 1 0 300 40000 99 "
      "18446744073709551615 1 1 0\n");
  REQUIRE(stat);
  CHECK(stat->name == "a) b (c");
  CHECK(stat->parent == 12);
  CHECK(stat->ticks == 26);
  CHECK(stat->pages == 99);
  CHECK(!parse_process("4711 (a) S 12"));
  CHECK(!parse_process(""));
}

}  // namespace steward::handlers::metrics::daemons_test
