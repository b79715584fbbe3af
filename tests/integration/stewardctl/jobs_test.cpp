#include "tests/support/demo.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

namespace steward::tests::jobs_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string start_job(const Demo& demo, const std::string& target, const std::string& script) {
  const Ended ended = demo.ctl({"run", target, "--no-wait", "-o", "name", "--shell", script});
  REQUIRE(ended.status == 0);
  REQUIRE(ended.out.size() == 27);
  return ended.out.substr(0, 26);
}

json job_of(const Demo& demo, const std::string& job) {
  const Ended ended = demo.ctl({"jobs", "show", job, "-o", "json"});
  REQUIRE(ended.status == 0);
  return json::parse(ended.out);
}

}  // namespace

TEST_CASE("stewardctl jobs: a job that was left is waited for, shown and cancelled later") {
  const auto demo = Demo::start({2, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  SUBCASE("wait prints and exits as run does") {
    const std::string job = start_job(*demo, "demo1", "echo slow; sleep 1; exit 5");
    const Ended waited = demo->ctl({"jobs", "wait", job});
    CHECK(waited.status == 1);
    CHECK(waited.out == "slow\n");
    CHECK(has(waited.err, "exit 5"));
    const Ended again = demo->ctl({"jobs", "wait", job, "-o", "jsonl"});
    CHECK(again.status == 1);
    CHECK(has(again.out, R"("exit_code":5)"));
  }
  SUBCASE("show has each state with its time, and the result") {
    const std::string job = start_job(*demo, "demo1,demo2", "echo seen");
    REQUIRE(demo->ctl({"jobs", "wait", job}).status == 0);
    const json shown = job_of(*demo, job);
    CHECK(shown.at("job") == job);
    CHECK(shown.at("command").at("subject") == "@all.command.shellcommand.operatingsystem");
    REQUIRE(shown.at("units").size() == 2);
    for (const json& unit : shown.at("units")) {
      CHECK(unit.at("state") == "done");
      CHECK(unit.at("result").at("stdout").at("head") == "seen\n");
      CHECK(unit.at("history").size() >= 2);
      CHECK(unit.at("history").back().at("state") == "done");
      CHECK(unit.at("history").back().contains("at"));
    }
    const Ended table = demo->ctl({"jobs", "show", job});
    CHECK(has(table.out, "job " + job));
    CHECK(has(table.out, "out │ seen"));
    const Ended list = demo->ctl({"jobs", "ls", "-o", "name"});
    CHECK(has(list.out, job + "\n"));
    CHECK(!has(demo->ctl({"jobs", "ls", "--open", "-o", "name"}).out, job));
  }
  SUBCASE("cancel ends it on every unit, and wait tells so") {
    const std::string job = start_job(*demo, "demo1,demo2", "sleep 300");
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(has(demo->ctl({"jobs", "ls", "--open", "-o", "name"}).out, job));
    const Ended cancelled = demo->ctl({"jobs", "cancel", job});
    CAPTURE(cancelled.out);
    CAPTURE(cancelled.err);
    CHECK(cancelled.status == 0);
    CHECK(has(cancelled.out, "demo1  cancelled"));
    CHECK(demo->ctl({"jobs", "wait", job}).status == 1);
    const json shown = job_of(*demo, job);
    for (const json& unit : shown.at("units")) {
      CHECK(unit.at("state") == "cancelled");
    }
    CHECK(has(demo->ctl({"jobs", "cancel", job}).err, "Nothing to cancel"));
  }
  SUBCASE("an unknown job, and what is no job id") {
    CHECK(demo->ctl({"jobs", "show", "01JD3X5T8E6Q4M2B7R9KZ1VWYA"}).status == 3);
    CHECK(demo->ctl({"jobs", "show", "last"}).status == 2);
  }
}

}  // namespace steward::tests::jobs_test
