#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace steward::tests::rollout_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;
using steward::tests::eventually;

namespace {

json rollout_of(const Demo& demo, const std::string& job = {}) {
  std::vector<std::string> words{"rollout", "show", "-o", "json"};
  if (!job.empty()) {
    words.push_back(job);
  }
  const Ended told = demo.ctl(words);
  return told.status == 0 ? json::parse(told.out) : json::object();
}

bool becomes(const Demo& demo, const std::string& job, const std::string& state) {
  return eventually([&] { return rollout_of(demo, job).value("state", "") == state; },
                    std::chrono::seconds(20));
}

// Its job's id.
std::string begin(const Demo& demo, std::vector<std::string> words) {
  words.insert(words.end(), {"--no-wait", "-o", "name"});
  std::vector<std::string> all{"run"};
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--", "true"});
  const Ended begun = demo.ctl(all);
  CHECK_MESSAGE(begun.status == 0, begun.err);
  return begun.out.substr(0, begun.out.find('\n'));
}

// How many units of a job are in each state.
json states_of(const Demo& demo, const std::string& job) {
  json states = json::object();
  const Ended shown = demo.ctl({"jobs", "show", job, "-o", "json"});
  REQUIRE_MESSAGE(shown.status == 0, shown.err);
  const json job_detail = json::parse(shown.out);
  for (const auto& unit : job_detail.at("units")) {
    auto& count = states[unit.at("state").get<std::string>()];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  return states;
}

// Whether the process has a handler for Ctrl-C by now.
bool minds_interrupts(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1U) & 1U) != 0;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("stewardctl rollout: a canary that fails halts it, a person goes on or ends it") {
  const auto demo = Demo::start({.units = 4, .is_signed = true});
  if (!demo) {
    return;
  }
  const Ended good = demo->ctl({"run", "--all", "--batch", "50%", "--canary", "1", "--", "true"});
  CHECK_MESSAGE(good.status == 0, good.err);
  CHECK(good.out.find("done 4") != std::string::npos);
  const Ended bad = demo->ctl({"run", "--all", "--batch", "2", "--canary", "1", "--", "false"});
  CHECK(bad.status == 1);
  CHECK(bad.out.find("the canary demo1 has not ended well") != std::string::npos);
  CHECK(bad.out.find("exit 1") != std::string::npos);
  const std::string job = rollout_of(*demo).at("rollout");
  CHECK(states_of(*demo, job) == json{{"failed", 1}, {"held", 3}});
  // Two more fail, with what was accepted no more than was seen.
  CHECK(demo->ctl({"rollout", "resume"}).status == 0);
  REQUIRE(becomes(*demo, job, "halted"));
  REQUIRE(eventually([&] { return states_of(*demo, job) == json{{"failed", 3}, {"held", 1}}; }));
  CHECK(demo->ctl({"rollout", "abort", job, "--note", "wrong version"}).status == 0);
  CHECK(states_of(*demo, job) == json{{"failed", 3}, {"cancelled", 1}});
  CHECK(rollout_of(*demo, job).at("reason").get<std::string>().find("wrong version") !=
        std::string::npos);
  CHECK(demo->ctl({"rollout", "resume", job}).status == 2);
  CHECK(demo->ctl({"jobs", "wait", job}).status == 1);
}

TEST_CASE("stewardctl rollout: it pauses, resumes, waits for approval, and a shell may leave it") {
  const auto demo = Demo::start({.units = 3});
  if (!demo) {
    return;
  }
  const std::string job = begin(*demo, {"--all", "--batch", "1", "--approve"});
  REQUIRE(becomes(*demo, job, "waiting"));
  CHECK(states_of(*demo, job) == json{{"done", 1}, {"held", 2}});
  CHECK(demo->ctl({"rollout", "pause"}).status == 0);
  CHECK(rollout_of(*demo, job).at("state") == "paused");
  CHECK(demo->ctl({"rollout", "resume"}).status == 0);
  REQUIRE(becomes(*demo, job, "waiting"));
  CHECK(demo->ctl({"update", "resume"}).status == 3);  // it is none of updates
  CHECK(demo->ctl({"rollout", "resume"}).status == 0);
  REQUIRE(eventually([&] { return states_of(*demo, job) == json{{"done", 2}, {"held", 1}}; }));
  const Ended left = demo->ctl_while({"rollout", "wait", job}, [&demo](pid_t pid) {
    CHECK(eventually([&] { return demo->noted_so_far().find("waiting") != std::string::npos; }));
    CHECK(minds_interrupts(pid));
    tests::send_signal(pid, SIGINT);
  });
  CHECK(left.status == 130);
  CHECK(left.err.find("the rollout goes on") != std::string::npos);
  const Ended listed = demo->ctl({"rollout", "ls", "--open", "-o", "name"});
  CHECK(listed.out == job + "\n");
  CHECK(demo->ctl({"jobs", "cancel", job}).status == 0);
  REQUIRE(becomes(*demo, job, "done"));
  CHECK(states_of(*demo, job) == json{{"done", 2}, {"cancelled", 1}});
}

TEST_CASE("stewardctl rollout: who is away is deferred, and taken up when it is back") {
  const auto demo = Demo::start({.units = 2});
  if (!demo) {
    return;
  }
  demo->start_unit("ship9");
  demo->kill_unit("ship9");
  const Ended ended = demo->ctl({"call",
                                 "--all",
                                 "shellcommand/operatingsystem",
                                 "--batch",
                                 "1",
                                 "--data",
                                 R"({"argv":["true"]})",
                                 "-o",
                                 "json"});
  CHECK_MESSAGE(ended.status == 4, ended.err);
  const json row = json::parse(ended.out);
  CHECK(row.at("state") == "deferred");
  CHECK(row.at("deferred") == json{"ship9"});
  const std::string job = row.at("rollout");
  CHECK(states_of(*demo, job) == json{{"done", 2}, {"held", 1}});
  demo->start_unit("ship9");
  REQUIRE(becomes(*demo, job, "done"));
  CHECK(states_of(*demo, job) == json{{"done", 3}});
  CHECK(demo->ctl({"rollout", "wait", job}).status == 0);
}

TEST_CASE("stewardctl rollout: what cannot be is said before anything is sent") {
  const auto demo = Demo::start({.units = 1});
  if (!demo) {
    return;
  }
  for (const auto& words : std::vector<std::vector<std::string>>{{"--batch", "0"},
                                                                 {"--batch", "1.5"},
                                                                 {"--canary", "10%"},
                                                                 {"--canary", "0"},
                                                                 {"--max-fail", "half"},
                                                                 {"--unit-timeout", "1ms"},
                                                                 {"--pause", "soon"}}) {
    CAPTURE(words.front());
    CAPTURE(words.back());
    CHECK(demo->ctl({"run", "--all", words[0], words[1], "--", "true"}).status == 2);
  }
  const Ended dry = demo->ctl({"run", "--all", "--batch", "1", "--dry-run", "--", "true"});
  CHECK(dry.status == 0);
  CHECK(demo->ctl({"rollout", "ls", "-o", "name"}).out.empty());
  CHECK(demo->ctl({"rollout", "show"}).status == 3);
  CHECK(demo->ctl({"rollout", "show", "nonsense"}).status == 2);
}

}  // namespace steward::tests::rollout_test
