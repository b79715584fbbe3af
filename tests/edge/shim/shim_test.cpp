// The real steward-shim, by the agent's side of it.

#include "handlers/runtime/shim.hpp"

#include "handlers/runtime/shim_output.hpp"
#include "tests/handlers/run_until.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::runtime::shim_test {
namespace {

using namespace std::chrono_literals;

const std::string kShim = std::string(STEWARD_BIN_DIR) + "/steward-shim";

// An agent's life: what is made in it is gone with it, but for the shims.
struct Life {
  Loop loop;
  Processes processes{loop};
};

// What a shim has said.
struct Heard {
  pid_t started = 0;
  std::optional<Error> failed;
  bool ready = false;
  std::vector<std::string> notified;
  std::uint64_t total[3] = {0, 0, 0};
  std::optional<ShimEnd> end;
  int ends = 0;
  bool gone = false;
  bool lost = false;

  Shim::Listener listener() {
    return {[this](pid_t pid) { started = pid; },
            [this](const Error& error) { failed = error; },
            [this] { ready = true; },
            [this](std::string_view line) { notified.emplace_back(line); },
            [this](int stream, std::uint64_t bytes) { total[stream] = bytes; },
            [this](const ShimEnd& how) {
              end = how;
              ++ends;
            },
            [this] { gone = true; },
            [this] { lost = true; }};
  }
};

ShimRequest shell(const tests::TemporaryFolder& folder, const std::string& script) {
  ShimRequest request;
  request.process.argv = {"sh", "-c", script};
  request.process.env = {"PATH=/usr/bin:/bin", "STEWARD_JOB=job-" + folder.path().string()};
  request.process.job = "job-" + folder.path().string();
  request.folder = folder.path() / "run";
  return request;
}

std::unique_ptr<Shim> start(Life& life, const ShimRequest& request, Heard& heard) {
  auto shim = Shim::start(life.loop, life.processes, kShim, request, heard.listener());
  REQUIRE_MESSAGE(shim, shim.error().message);
  return *std::move(shim);
}

std::string output(const ShimRequest& request, int stream) {
  return read_shim_output(request.folder, stream, 0, 1 << 20)->bytes;
}

}  // namespace

TEST_CASE("shim: both streams, the exit code and the usage of a program come to the agent") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  const auto request = shell(folder, "echo out; echo err >&2; exit 7");
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  REQUIRE(heard.end);
  CHECK(heard.end->status.code == 7);
  CHECK(heard.end->status.max_rss_bytes > 0);
  CHECK(heard.started > 0);
  CHECK(output(request, 1) == "out\n");
  CHECK(output(request, 2) == "err\n");
  CHECK(heard.total[1] == 4);
  CHECK(shim->signal(SIGTERM).error().code == ErrorCode::not_found);
}

TEST_CASE("shim: a program that cannot be executed is said with the reason") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  auto request = shell(folder, "");
  request.process.argv = {"/no/such/program"};
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  REQUIRE(heard.failed);
  CHECK(heard.failed->code == ErrorCode::exec_failed);
  CHECK(heard.failed->message == "execute /no/such/program: No such file or directory (ENOENT)");
  CHECK(!heard.end);
  CHECK(
      Shim::start(life.loop, life.processes, "/no/shim", request, heard.listener()).error().code ==
      ErrorCode::exec_failed);
}

TEST_CASE("shim: a process runs on without the agent, and the next one hears how it ends") {
  const tests::TemporaryFolder folder;
  const auto request = shell(folder, "echo one; sleep 0.7; echo two; exit 5");
  pid_t pid = 0;
  {
    Life life;
    Heard heard;
    const auto shim = start(life, request, heard);
    REQUIRE(until(life.loop, [&] { return heard.total[1] == 4; }));
    pid = heard.started;
  }
  CHECK(tests::is_there(pid));
  SUBCASE("that is there before") {
    Life life;
    Heard heard;
    const auto shim = Shim::adopt(life.loop, request.folder, request.process.job, heard.listener());
    REQUIRE(until(life.loop, [&] { return heard.started != 0; }));
    CHECK(heard.started == pid);
    REQUIRE(until(life.loop, [&] { return heard.gone; }));
    CHECK(heard.end->status.code == 5);
    CHECK(heard.ends == 1);
  }
  SUBCASE("that comes behind") {
    REQUIRE(tests::eventually([&] { return !tests::is_there(pid); }));
    std::this_thread::sleep_for(300ms);  // for the shim to end, too
    Life life;
    Heard heard;
    const auto shim = Shim::adopt(life.loop, request.folder, request.process.job, heard.listener());
    REQUIRE(until(life.loop, [&] { return heard.gone; }));
    CHECK(heard.end->status.code == 5);
    CHECK(!heard.lost);
  }
  CHECK(output(request, 1) == "one\ntwo\n");
}

TEST_CASE("shim: whose folder was removed does not outlive its process") {
  const tests::TemporaryFolder folder;
  Heard heard;
  const auto request = shell(folder, "sleep 0.3");
  std::int64_t keeper = 0;
  {
    Life life;
    const auto shim = start(life, request, heard);
    REQUIRE(until(life.loop, [&] { return heard.started > 0; }));
    keeper = tests::parent_of(heard.started);
    REQUIRE(keeper > 1);
    std::filesystem::remove_all(request.folder);
  }
  CHECK(tests::eventually([&] { return !tests::is_there(keeper); }));
}

TEST_CASE("shim: with nothing in its folder a run is lost") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  const auto shim = Shim::adopt(life.loop, folder.path() / "none", "nobody", heard.listener());
  REQUIRE(until(life.loop, [&] { return heard.lost; }));
  CHECK(!heard.gone);
}

TEST_CASE("shim: when it is killed that is heard, and what it kept can still be ended") {
  const tests::TemporaryFolder folder;
  const auto request = shell(folder, "setsid sleep 100 & sleep 100");
  std::int64_t keeper = 0;
  std::optional<Life> life(std::in_place);
  Heard heard;
  auto shim = start(*life, request, heard);
  REQUIRE(until(life->loop, [&] { return heard.started > 0 && shim->tree().size() == 3; }));
  const auto tree = shim->tree();
  keeper = tests::parent_of(heard.started);
  SUBCASE("by the agent that started it") { REQUIRE(tests::send_signal(keeper, SIGKILL)); }
  SUBCASE("by the next one") {
    shim.reset();
    life.reset();
    life.emplace();
    heard = {};
    REQUIRE(tests::send_signal(keeper, SIGKILL));
    REQUIRE(tests::eventually([&] { return !tests::is_there(keeper); }));
    shim = Shim::adopt(life->loop, request.folder, request.process.job, heard.listener());
  }
  REQUIRE(until(life->loop, [&] { return heard.lost; }));
  CHECK(!heard.end);
  bool gone = false;
  shim->kill_tree({.grace = 1s},
                  [&](KillStep step, const TreeReport&) { gone = gone || step == KillStep::gone; });
  REQUIRE(until(life->loop, [&] { return gone; }));
  for (const pid_t pid : tree) {
    CHECK(!tests::is_there(pid));
  }
}

TEST_CASE("shim: the end of a tree takes those who left the session, and the shim goes last") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  const auto request =
      shell(folder, "trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 100') & sleep 100");
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return shim->tree().size() >= 4; }));
  const auto tree = shim->tree();
  int killed = 0;
  shim->kill_tree({.grace = 100ms}, [&](KillStep step, const TreeReport& report) {
    killed = step == KillStep::gone ? report.killed : killed;
  });
  REQUIRE(until(life.loop, [&] { return heard.gone && killed > 0; }));
  CHECK(killed >= static_cast<int>(tree.size()));
  CHECK(heard.end->status.signal == SIGKILL);
  for (const pid_t pid : tree) {
    CHECK(!tests::is_there(pid));
  }
}

TEST_CASE("shim: a signal reaches the process, and SIGTERM for the shim is its process's") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  const auto request = shell(folder,
                             "trap 'echo usr1' USR1; trap 'echo term; exit 3' TERM; echo up; "
                             "while :; do sleep 0.05; done");
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.total[1] == 3; }));
  REQUIRE(shim->signal(SIGUSR1));
  REQUIRE(until(life.loop, [&] { return heard.total[1] == 8; }));
  REQUIRE(tests::send_signal(tests::parent_of(heard.started), SIGTERM));
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  CHECK(output(request, 1) == "up\nusr1\nterm\n");
  CHECK(heard.end->status.code == 3);
}

TEST_CASE(
    "shim: a daemon says by sd_notify that it is ready and how it is, also to a later agent") {
  const tests::TemporaryFolder folder;
  auto request =
      shell(folder,
            "exec perl -MSocket -e 'my $n = $ENV{NOTIFY_SOCKET}; $n =~ s/^@/\\0/; "
            "socket(S, AF_UNIX, SOCK_DGRAM, 0); "
            "send(S, \"STATUS=warm\\nREADY=1\\nWATCHDOG=1\", 0, pack_sockaddr_un($n)); sleep 100'");
  request.notify = true;
  Life life;
  Heard heard;
  auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.ready && heard.notified.size() == 2; }));
  CHECK(heard.notified == std::vector<std::string>{"STATUS=warm", "WATCHDOG=1"});
  heard = {};
  shim = Shim::adopt(life.loop, request.folder, request.process.job, heard.listener());
  REQUIRE(until(life.loop, [&] { return heard.ready && !heard.notified.empty(); }));
  CHECK(heard.notified.front() == "STATUS=warm");
  shim->kill_tree({.grace = 0ms}, nullptr);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
}

TEST_CASE("shim: a daemon says by a line on a descriptor that it is ready") {
  const tests::TemporaryFolder folder;
  auto request = shell(folder, "ls /proc/self/fd; echo >&5; exec 5>&-; sleep 100");
  request.ready_fd = 5;
  request.merge = true;
  Life life;
  Heard heard;
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.ready && heard.total[1] > 0; }));
  CHECK(output(request, 1) == "0\n1\n2\n3\n5\n");  // 3 is the folder that ls reads
  shim->kill_tree({.grace = 0ms}, nullptr);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
}

TEST_CASE("shim: of endless output the latest whole lines stay within the bound") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  auto request = shell(folder, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done");
  request.segment_bytes = 16 << 10;
  request.keep_bytes = 64 << 10;
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  CHECK(heard.total[1] == 208'894);  // 20,000 times "line ", the digits and the end of the line
  const auto kept = read_shim_output(request.folder, 1, 0, 1 << 20);
  REQUIRE(kept);
  CHECK(kept->total == 208'894);
  CHECK(kept->bytes.size() <= (64 << 10) + 16);
  CHECK(kept->bytes.size() > (32 << 10));
  CHECK(kept->offset + kept->bytes.size() == kept->total);
  CHECK(kept->bytes.starts_with("line "));
  CHECK(last_shim_lines(request.folder, 1, 2, 4096) == "line 19999\nline 20000\n");
  CHECK(last_shim_lines(request.folder, 1, 2, 15) == "line 20000\n");
}

TEST_CASE("shim: a second run in a folder goes on behind the first one's output") {
  const tests::TemporaryFolder folder;
  Life life;
  const auto request = shell(folder, "echo run");
  for (int run = 0; run < 2; ++run) {
    Heard heard;
    const auto shim = start(life, request, heard);
    REQUIRE(until(life.loop, [&] { return heard.gone; }));
  }
  CHECK(output(request, 1) == "run\nrun\n");
  CHECK(read_shim_output(request.folder, 1, 4, 100)->bytes == "run\n");
}

TEST_CASE("shim: user, umask, limits and input are the process's own") {
  if (getuid() != 0) {
    MESSAGE("needs root to become another user");
    return;
  }
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  auto request = shell(folder, "id -u; id -G; umask; ulimit -n; pwd; cat");
  request.process.identity = Identity{65534, 65534, {65534, 7}};
  request.process.umask = 027;
  request.process.cwd = "/usr";
  request.process.limits = {{RLIMIT_NOFILE, 77}};
  request.input_file = folder.path() / "input";
  std::ofstream(request.input_file) << "typed\n";
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  CHECK(output(request, 1) == "65534\n65534 7\n0027\n77\n/usr\ntyped\n");
}

TEST_CASE("shim: its folder may be deeper than a socket's address is long") {
  const tests::TemporaryFolder folder;
  Life life;
  Heard heard;
  auto request = shell(folder, "exit 0");
  request.folder = folder.path() / std::string(120, 'x') / "run";
  const auto shim = start(life, request, heard);
  REQUIRE(until(life.loop, [&] { return heard.gone; }));
  CHECK(heard.end->status.code == 0);
}

}  // namespace steward::runtime::shim_test
