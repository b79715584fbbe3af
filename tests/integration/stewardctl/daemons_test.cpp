#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <fstream>
#include <string>

namespace steward::tests::daemons_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json daemon_of(const Demo& demo, const std::string& unit) {
  const Ended ended = demo.ctl({"daemons", "ls", unit, "-o", "json"});
  REQUIRE(ended.status == 0);
  const auto rows = json::parse(ended.out);
  return rows.empty() ? json() : rows.front();
}

// The station hears of it a little later than the one who asked.
bool becomes(const Demo& demo, const std::string& unit, const std::string& state) {
  return steward::tests::eventually([&] {
    const auto row = daemon_of(demo, unit);
    return state.empty() ? row.is_null() : !row.is_null() && row["state"] == state;
  });
}

}  // namespace

TEST_CASE("stewardctl daemons: a daemon is applied, outlives its agent's death, and is removed") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  demo->start_unit("extra");
  const auto file = demo->folder() / "web.json";
  std::ofstream(file) << R"({"name":"web","argv":["sh","-c","echo up; exec sleep 1000"]})";
  const Ended applied = demo->ctl({"daemons", "apply", "extra", file.string(), "-o", "jsonl"});
  CHECK(applied.status == 0);
  REQUIRE(becomes(*demo, "extra", "ready"));
  const auto before = daemon_of(*demo, "extra");
  CHECK(before["unit"] == "extra");
  CHECK(before["name"] == "web");
  CHECK(demo->ctl({"daemons", "logs", "extra", "web"}).out == "up\n");
  CHECK(has(demo->ctl({"daemons", "ls", "extra"}).out, "ready"));
  const auto pid = before["pid"].get<pid_t>();

  demo->kill_unit("extra");
  CHECK(tests::is_there(pid));
  CHECK(has(demo->ctl({"daemons", "ls", "extra"}).out, "ready (unit down)"));
  demo->start_unit("extra");
  REQUIRE(steward::tests::eventually([&] {
    return daemon_of(*demo, "extra").value("reason", "") == "runs since before this agent";
  }));
  const auto after = daemon_of(*demo, "extra");
  CHECK(after["pid"] == before["pid"]);
  CHECK(after["restarts"] == 0);

  REQUIRE(tests::send_signal(pid, SIGKILL));
  CHECK(steward::tests::eventually([&] {
    const auto row = daemon_of(*demo, "extra");
    return row["state"] == "ready" && row["restarts"] == 1;
  }));
  CHECK(demo->ctl({"daemons", "stop", "extra", "web"}).status == 0);
  CHECK(becomes(*demo, "extra", "stopped"));
  CHECK(demo->ctl({"daemons", "rm", "extra", "web"}).status == 0);
  CHECK(becomes(*demo, "extra", ""));
  CHECK(has(demo->ctl({"events", "extra"}).out, "web is removed"));
}

TEST_CASE("stewardctl daemons: what is wrong is said, with what to do") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const Ended none = demo->ctl({"daemons", "ls", "demo1"});
  CHECK(none.status == 0);
  CHECK(has(none.err, "daemons apply"));
  const auto wrong = [&](const std::vector<std::string>& arguments, const std::string& said) {
    const Ended ended = demo->ctl(arguments, R"({"name":"web","argv":["web"],"restrat":1})");
    CAPTURE(ended.err);
    CHECK(ended.status != 0);
    CHECK(has(ended.err, said));
  };
  wrong({"daemons", "apply", "demo1", "-"}, "'restrat' is not known");
  wrong({"daemons", "apply", "demo1", "/no/such/file"}, "No such file");
  wrong({"daemons", "apply", "demo1"}, "no file");
  wrong({"daemons", "start", "demo1"}, "no daemon is named");
  wrong({"daemons", "start", "demo1", "a/b"}, "is no name of a daemon");
  wrong({"daemons", "start", "demo1", "none"}, "no daemon is named 'none' here");
  wrong({"daemons", "logs", "demo1", "web", "-n", "x"}, "-n");
}

}  // namespace steward::tests::daemons_test
