#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>

namespace steward::tests::run_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    out.push_back(json::parse(line));
  }
  return out;
}

std::vector<json> of_kind(const std::vector<json>& lines, const std::string& kind) {
  std::vector<json> out;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(out), [&kind](const json& line) {
    return line.at("kind") == kind;
  });
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::vector<std::string> kBothStreams{"sh", "-c", "echo out; echo err >&2; exit 3"};

std::vector<std::string> run(std::vector<std::string> arguments,
                             const std::vector<std::string>& command) {
  arguments.insert(arguments.begin(), "run");
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), command.begin(), command.end());
  return arguments;
}

}  // namespace

TEST_CASE("stewardctl run: shows each unit's two streams and its exit status, and exits 1") {
  const auto demo = Demo::start();
  if (!demo) {
    return;
  }
  const Ended ended = demo->ctl(run({"--all", "--ascii"}, kBothStreams));
  CAPTURE(ended.out);
  CAPTURE(ended.err);
  CHECK(ended.status == 1);
  for (const std::string unit : {"demo1", "demo2", "demo3"}) {
    CHECK(has(ended.out, unit + " | out\n"));
    CHECK(has(ended.err, unit + " | err\n"));
    CHECK(has(ended.out, "x " + unit + "  exit 3"));
  }
  CHECK(has(ended.err, "0 ok, 3 failed, 0 pending"));

  SUBCASE("one unit's output goes through as it is, to be piped on") {
    const Ended one = demo->ctl(run({"demo1"}, {"printf", "a\\nb"}));
    CHECK(one.status == 0);
    CHECK(one.out == "a\nb");
    CHECK(one.err.empty());
  }
  SUBCASE(
      "input, environment, directory and user reach the program; no shell reads its arguments") {
    const Ended input = demo->ctl(run({"demo1", "--stdin"}, {"cat"}), "line\n");
    CHECK(input.out == "line\n");
    const Ended folder = demo->ctl(run({"demo1", "--stdin=/tmp"}, {"cat"}));
    CHECK(folder.status == 2);
    CHECK(has(folder.err, "Is a directory"));
    const Ended given = demo->ctl(
        run({"demo1", "--env", "A=b c", "--cwd", "/tmp"}, {"sh", "-c", "echo \"$A\" $(pwd)"}));
    CHECK(given.out == "b c /tmp\n");
    CHECK(demo->ctl(run({"demo1"}, {"echo", "$HOME", "a;b"})).out == "$HOME a;b\n");
    CHECK(demo->ctl({"run", "demo1", "--shell", "echo $((1+2))"}).out == "3\n");
  }
  SUBCASE("a program that is not there, and one that runs too long") {
    const Ended missing = demo->ctl(run({"demo1"}, {"/no/such/program"}));
    CHECK(missing.status == 1);
    CHECK(has(missing.err, "exec_failed"));
    const Ended slow = demo->ctl(run({"demo1", "--timeout", "300ms"}, {"sleep", "30"}));
    CHECK(slow.status == 1);
    CHECK(has(slow.err, "timed out"));
  }
  SUBCASE("a dry run shows subject and payload and sends nothing") {
    const Ended dry =
        demo->ctl(run({"demo1", "--dry-run"}, {"touch", (demo->folder() / "touched").string()}));
    CHECK(dry.status == 0);
    CHECK(has(dry.out, "demo1.command.shellcommand.operatingsystem\n"));
    CHECK(has(dry.out, "touched"));
    CHECK(!std::filesystem::exists(demo->folder() / "touched"));
  }
}

TEST_CASE(
    "stewardctl run -o jsonl: discovery, acks, output, result and summary, as programs read them") {
  const auto demo = Demo::start();
  if (!demo) {
    return;
  }
  const Ended ended = demo->ctl(run({"demo1,demo2", "-o", "jsonl"}, kBothStreams));
  CAPTURE(ended.out);
  CHECK(ended.status == 1);
  CHECK(ended.err.empty());
  const auto lines = lines_of(ended.out);
  REQUIRE(lines.size() > 5);
  CHECK(lines.front().at("kind") == "discovery");
  CHECK(lines.front().at("units") == json({"demo1", "demo2"}));
  CHECK(lines.front().at("job").get<std::string>().size() == 26);
  CHECK(lines.back() == json{{"kind", "summary"}, {"done", 0}, {"failed", 2}, {"pending", 0}});
  const auto acks = of_kind(lines, "ack");
  CHECK(std::count_if(acks.begin(), acks.end(), [](const json& ack) {
          return ack.at("state") == "accepted" && ack.at("ms").is_number_integer();
        }) == 2);
  const auto output = of_kind(lines, "output");
  CHECK(std::any_of(output.begin(), output.end(), [](const json& line) {
    return line.at("unit") == "demo1" && line.at("fd") == 2 && line.at("data") == "err\n";
  }));
  const auto results = of_kind(lines, "result");
  REQUIRE(results.size() == 2);
  for (const json& result : results) {
    CHECK(result.at("state") == "failed");
    CHECK(result.at("exit_code") == 3);
    CHECK(result.at("signal").is_null());
    CHECK(result.at("stdout") == "out\n");
    CHECK(result.at("stderr") == "err\n");
    CHECK(result.at("duration_ms").is_number_integer());
    CHECK(result.contains("code"));
  }

  SUBCASE("bytes that are no text travel as base64") {
    const auto binary =
        lines_of(demo->ctl(run({"demo1", "-o", "jsonl"}, {"printf", "\\377\\001"})).out);
    const auto chunks = of_kind(binary, "output");
    REQUIRE(!chunks.empty());
    CHECK(chunks[0].at("b64") == "/wE=");
    CHECK(!chunks[0].contains("data"));
  }
  SUBCASE("large output comes whole") {
    const auto large = lines_of(
        demo->ctl(run({"demo1", "-o", "jsonl"}, {"sh", "-c", "yes 0123456789 | head -20000"})).out);
    const auto result = of_kind(large, "result");
    REQUIRE(result.size() == 1);
    CHECK(result[0].at("stdout").get<std::string>().size() == 220'000);
  }
}

TEST_CASE("stewardctl: exit status says what went wrong, and the message what to do") {
  const auto demo = Demo::start();
  if (!demo) {
    return;
  }
  SUBCASE("2: usage") {
    CHECK(demo->ctl({"run", "demo1"}).status == 2);
    CHECK(demo->ctl(run({}, {"true"})).status == 2);
    CHECK(demo->ctl(run({"demo1", "--timeout", "soon"}, {"true"})).status == 2);
    const Ended verb = demo->ctl({"unist"});
    CHECK(verb.status == 2);
    CHECK(has(verb.err, "Did you mean 'units'?"));
    const Ended option = demo->ctl({"units", "--sotr", "name"});
    CHECK(option.status == 2);
    CHECK(has(option.err, "Did you mean '--sort'?"));
    const Ended many =
        demo->ctl({"context", "add", "careful", "--server", demo->broker(), "--confirm-over", "2"});
    CHECK(many.status == 0);
    const Ended unasked = demo->ctl(run({"--all", "--context", "careful"}, {"true"}));
    CHECK(unasked.status == 2);
    CHECK(has(unasked.err, "--yes"));
    CHECK(demo->ctl(run({"--all", "--context", "careful", "--yes"}, {"true"})).status == 0);
  }
  SUBCASE("3: no such unit") {
    const Ended ended = demo->ctl(run({"dmo1"}, {"true"}));
    CHECK(ended.status == 3);
    CHECK(has(ended.err, "error: no unit matches 'dmo1' (3 known). Did you mean 'demo1'?"));
  }
  SUBCASE("4: a unit that is gone does not answer, the others do") {
    tests::send_signal(demo->unit("demo2"), SIGKILL);
    const Ended ended = demo->ctl(run({"--all", "--wait", "1s"}, {"sh", "-c", "exit 1"}));
    CAPTURE(ended.out);
    CHECK(ended.status == 4);
    CHECK(has(ended.out, "demo2  queued until "));
    CHECK(has(ended.err, "0 ok, 2 failed, 1 pending"));
    CHECK(has(ended.err, "stewardctl jobs wait "));
    const Ended ping = demo->ctl({"ping", "--all", "--timeout", "1s"});
    CHECK(ping.status == 4);
    CHECK(has(ping.out, "missing: demo2"));
  }
  SUBCASE("5: no broker, told apart from no station") {
    const Ended broker = demo->ctl({"units", "--server", "nats://127.0.0.1:1"});
    CHECK(broker.status == 5);
    CHECK(has(broker.err, "cannot reach the broker at nats://127.0.0.1:1 (--server)"));
    const Ended station = demo->ctl({"units", "--station", "nobody", "--timeout", "1s"});
    CHECK(station.status == 4);
    CHECK(has(station.err, "station 'nobody'"));
    const Ended named = demo->ctl(run({"demo1", "--station", "nobody"}, {"echo", "still"}));
    CHECK(named.status == 0);
    CHECK(named.out == "still\n");
    CHECK(has(named.err, "warning: station 'nobody' does not answer"));
  }
}

TEST_CASE("stewardctl run: Ctrl-C leaves the job running and says how to see it") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const auto mark = demo->folder() / "mark";
  const Ended ended = demo->ctl_while(
      run({"demo1"},
          {"sh",
           "-c",
           "echo begun > " + mark.string() + "; sleep 2; echo ended > " + mark.string() + ".2"}),
      [&mark](pid_t pid) {
        while (!std::filesystem::exists(mark)) {
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        tests::send_signal(pid, SIGINT);
      });
  CHECK(ended.status == 130);
  CHECK(has(ended.err, "stewardctl jobs show "));
  const std::string job = ended.err.substr(ended.err.find("jobs show ") + 10, 26);
  CHECK(demo->ctl({"jobs", "wait", job}).status == 0);
  CHECK(std::filesystem::exists(mark.string() + ".2"));
}

}  // namespace steward::tests::run_test
