#include "tools/stewardctl/exit_code.hpp"

#include <doctest/doctest.h>

namespace steward::tests::exit_code_test {

using steward::Error;
using steward::ErrorCode;
using steward::ctl::Exit;
using steward::ctl::exit_of;
using steward::ctl::Outcome;
using steward::ctl::outcome_of;
using steward::wire::CommandState;

TEST_CASE("exit status: all units ok is 0, one failed is 1") {
  CHECK(exit_of({Outcome::ok, Outcome::ok}) == Exit::ok);
  CHECK(exit_of({Outcome::ok, Outcome::failed}) == Exit::failed);
}

TEST_CASE("exit status: a unit that did not answer wins over denied and failed ones") {
  CHECK(exit_of({Outcome::failed, Outcome::pending, Outcome::denied}) == Exit::no_answer);
  CHECK(exit_of({Outcome::failed, Outcome::denied, Outcome::ok}) == Exit::denied);
}

TEST_CASE("exit status: the numbers are those of the manual") {
  CHECK(static_cast<int>(Exit::ok) == 0);
  CHECK(static_cast<int>(Exit::failed) == 1);
  CHECK(static_cast<int>(Exit::usage) == 2);
  CHECK(static_cast<int>(Exit::no_match) == 3);
  CHECK(static_cast<int>(Exit::no_answer) == 4);
  CHECK(static_cast<int>(Exit::no_bus) == 5);
  CHECK(static_cast<int>(Exit::denied) == 6);
  CHECK(static_cast<int>(Exit::interrupted) == 130);
}

TEST_CASE("exit status: an error's code decides") {
  CHECK(exit_of(Error{ErrorCode::unavailable, ""}) == Exit::no_bus);
  CHECK(exit_of(Error{ErrorCode::timed_out, ""}) == Exit::no_answer);
  CHECK(exit_of(Error{ErrorCode::not_found, ""}) == Exit::no_match);
  CHECK(exit_of(Error{ErrorCode::denied, ""}) == Exit::denied);
  CHECK(exit_of(Error{ErrorCode::bad_config, ""}) == Exit::usage);
  CHECK(exit_of(Error{ErrorCode::bad_payload, ""}) == Exit::usage);
}

TEST_CASE("outcome: only done is ok, only a refusal by policy is denied") {
  CHECK(outcome_of(CommandState::done, "") == Outcome::ok);
  CHECK(outcome_of(CommandState::running, "") == Outcome::pending);
  CHECK(outcome_of(CommandState::queued, "") == Outcome::pending);
  CHECK(outcome_of(CommandState::failed, "") == Outcome::failed);
  CHECK(outcome_of(CommandState::timed_out, "") == Outcome::failed);
  CHECK(outcome_of(CommandState::expired, "expired") == Outcome::failed);
  CHECK(outcome_of(CommandState::refused, "no_handler") == Outcome::failed);
  CHECK(outcome_of(CommandState::refused, "denied") == Outcome::denied);
  CHECK(outcome_of(CommandState::refused, "bad_signature") == Outcome::denied);
}

}  // namespace steward::tests::exit_code_test
