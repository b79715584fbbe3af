#include "tools/stewardctl/job_view.hpp"

#include <doctest/doctest.h>

namespace steward::tests::job_view_test {

using namespace std::chrono_literals;
using steward::ctl::ending_text;
using steward::ctl::Letters;
using steward::ctl::progress_line;
using steward::ctl::UnitProgress;
using steward::wire::CommandState;
using steward::wire::MessageId;

namespace {

UnitProgress ended(CommandState state, std::string code, std::string message, std::string result) {
  UnitProgress unit{"ship1", MessageId::make(1, {}), {}, {}, {}, {}, {}, {}, {}};
  unit.state = state;
  unit.code = std::move(code);
  unit.message = std::move(message);
  unit.result = std::move(result);
  return unit;
}

}  // namespace

TEST_CASE("ending: exit code, signal, time and refusal are said in words") {
  CHECK(ending_text(ended(CommandState::done, "", "", R"({"exit_code":0,"stdout":{}})")) ==
        "exit 0");
  CHECK(ending_text(ended(CommandState::failed, "", "", R"({"exit_code":3,"stdout":{}})")) ==
        "exit 3");
  CHECK(ending_text(ended(
            CommandState::failed, "", "", R"({"signal":"SEGV","core_dumped":true,"stdout":{}})")) ==
        "killed by SEGV, core dumped");
  CHECK(ending_text(ended(CommandState::timed_out, "", "", R"({"signal":"KILL","stdout":{}})")) ==
        "timed out, killed by KILL");
  CHECK(ending_text(ended(
            CommandState::done, "", "", R"({"skipped":true,"reason":"/x exists","stdout":{}})")) ==
        "skipped: /x exists");
  CHECK(ending_text(ended(CommandState::refused, "no_handler", "none for nginx", "")) ==
        "refused: no_handler: none for nginx");
  CHECK(ending_text(ended(CommandState::failed, "exec_failed", "nope: no such file", "")) ==
        "failed: exec_failed: nope: no such file");
  CHECK(ending_text(ended(CommandState::done, "", "", "")) == "done");
  CHECK(ending_text(ended(CommandState::cancelled, "", "cancelled", "")) == "cancelled");
  CHECK(ending_text(ended(CommandState::done, "", "", R"({"commands":[]})")) == "done");
}

TEST_CASE("ending: a message of a unit cannot steer the terminal") {
  CHECK(ending_text(ended(CommandState::refused, "denied", "\x1b[2Jx", "")) ==
        "refused: denied:  [2Jx");
}

TEST_CASE("progress: two bars, counts and the time") {
  CHECK(progress_line({2, 1, 0, 1}, 2, 3s, Letters::ascii) ==
        " acked [####################] 2/2   done [##########----------] 1/2  0:03");
  CHECK(progress_line({0, 0, 0, 0}, 0, 61s, Letters::ascii).find("0/0  1:01") != std::string::npos);
}

}  // namespace steward::tests::job_view_test
