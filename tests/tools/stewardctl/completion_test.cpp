#include "tools/stewardctl/completion.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace steward::tests::completion_test {

using steward::ctl::all_verbs;
using steward::ctl::complete;
using steward::ctl::complete_units;
using steward::ctl::completion_script;
using steward::ctl::Wanted;
using Words = std::vector<std::string>;

namespace {

Words candidates(const Words& words) { return complete(words, all_verbs()).candidates; }

Wanted wanted(const Words& words) { return complete(words, all_verbs()).wanted; }

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

int status_of_syntax_check(const std::string& shell, const std::string& script) {
  std::FILE* pipe = popen((shell + " -n").c_str(), "w");
  REQUIRE(pipe != nullptr);
  std::fputs(script.c_str(), pipe);
  return pclose(pipe);
}

}  // namespace

TEST_CASE("completion: the bash script is bash") {
  const auto script = completion_script("bash");
  REQUIRE(script);
  CHECK(status_of_syntax_check("bash", *script) == 0);
  CHECK(script->find("__complete") != std::string::npos);
}

TEST_CASE(
    "completion: zsh and fish have scripts, checked where those shells are; others have none") {
  for (const std::string shell : {"zsh", "fish"}) {
    const auto script = completion_script(shell);
    REQUIRE(script);
    CHECK(script->find("__complete") != std::string::npos);
    if (std::system(("command -v " + shell + " > /dev/null 2>&1").c_str()) == 0) {
      CHECK(status_of_syntax_check(shell, *script) == 0);
    }
  }
  CHECK(!completion_script("cmd.exe"));
}

TEST_CASE("completion: verbs first, each once, then members of a family") {
  const Words first = candidates({""});
  CHECK(has(first, "units"));
  CHECK(has(first, "jobs"));
  CHECK(std::count(first.begin(), first.end(), "jobs") == 1);
  CHECK(!has(first, "__complete"));
  CHECK(candidates({"un"}) == Words{"units"});
  CHECK(has(candidates({"jobs", ""}), "wait"));
  CHECK(candidates({"bus", "d"}) == Words{"doctor"});
}

TEST_CASE("completion: units, jobs and contexts where they are wanted") {
  CHECK(wanted({"run", ""}) == Wanted::units);
  CHECK(wanted({"show", "sh"}) == Wanted::units);
  CHECK(wanted({"tail", "sh"}) == Wanted::units);
  CHECK(wanted({"jobs", "show", ""}) == Wanted::jobs);
  CHECK(wanted({"context", "use", ""}) == Wanted::contexts);
  CHECK(wanted({"units", "--context", ""}) == Wanted::contexts);
  CHECK(wanted({"run", "ship1", ""}) == Wanted::nothing);
  CHECK(wanted({"version", ""}) == Wanted::nothing);
}

TEST_CASE("completion: an option's value is no target, and its words are offered") {
  CHECK(wanted({"run", "--user", "nobody", ""}) == Wanted::units);
  CHECK(candidates({"units", "-o", "js"}) == Words{"json", "jsonl"});
  CHECK(candidates({"units", "--sort", "r"}) == Words{"rtt"});
  CHECK(wanted({"--server", "nats://a", "show", ""}) == Wanted::units);
}

TEST_CASE("completion: options of the verb and of every verb") {
  CHECK(candidates({"units", "--wat"}) == Words{"--watch"});
  CHECK(has(candidates({"run", "--"}), "--stdin"));
  CHECK(has(candidates({"run", "--"}), "--server"));
  CHECK(has(candidates({"run", "ship1", "--ti"}), "--timeout"));
}

TEST_CASE("completion: behind -- nothing is ours") {
  CHECK(wanted({"run", "ship1", "--", "un"}) == Wanted::nothing);
  CHECK(candidates({"run", "ship1", "--", ""}).empty());
}

TEST_CASE("completion: of a list, the last name") {
  const Words known{"ship1", "ship2", "rig7"};
  CHECK(complete_units("ship1,r", known) == Words{"ship1,rig7"});
  CHECK(complete_units("s", known) == Words{"ship1", "ship2"});
  CHECK(complete_units("x", known).empty());
}

}  // namespace steward::tests::completion_test
