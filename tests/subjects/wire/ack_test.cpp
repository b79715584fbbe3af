#include "subjects/wire/ack.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::ack_test {
namespace {

const std::string kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

Ack ack_of(CommandState state) {
  return {*MessageId::parse(kId), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
}

// A payload of the required fields and what is added to them.
std::string payload(const std::string& added) {
  return R"({"ref":")" + kId + R"(","domain":"d","state":"done")" + added + "}";
}

}  // namespace

TEST_CASE("ack: each state has a word that leads back to it") {
  for (int i = 0; i <= static_cast<int>(CommandState::interrupted); ++i) {
    const auto state = static_cast<CommandState>(i);
    CHECK(parse_command_state(word(state)).value() == state);
    CHECK(decode_ack(encode(ack_of(state))).value() == ack_of(state));
  }
  CHECK(word(CommandState::timed_out) == "timed_out");
  CHECK(parse_command_state("finished").error().code == ErrorCode::unsupported);
  CHECK(parse_command_state("").error().code == ErrorCode::unsupported);
}

TEST_CASE("ack: seven states end a command") {
  for (auto state :
       {CommandState::sent, CommandState::accepted, CommandState::queued, CommandState::running}) {
    CHECK_FALSE(is_terminal(state));
  }
  for (auto state : {CommandState::done,
                     CommandState::failed,
                     CommandState::timed_out,
                     CommandState::cancelled,
                     CommandState::refused,
                     CommandState::expired,
                     CommandState::interrupted}) {
    CHECK(is_terminal(state));
  }
}

TEST_CASE("ack: every field comes back, the result as the JSON that was put in") {
  Ack ack = ack_of(CommandState::failed);
  ack.code = "exec_failed";
  ack.message = "no such file \"x\"\n";
  ack.result = R"({"exit_code":1,"nested":{"a":[1,2]}})";
  ack.ignored = {"colour", "limits.x"};
  ack.pid = 4711;
  ack.position = 0;
  CHECK(decode_ack(encode(ack)).value() == ack);
}

TEST_CASE("ack: bytes that are not UTF-8 in a message do not make the ack unreadable") {
  Ack ack = ack_of(CommandState::failed);
  ack.message = "bad \xff byte";
  CHECK(decode_ack(encode(ack)).value().message == "bad \xef\xbf\xbd byte");
}

TEST_CASE("ack: unknown fields are let pass") {
  CHECK(decode_ack(payload(R"(,"later":1)")).has_value());
}

TEST_CASE("ack: every field that is missing or of a wrong shape refuses it") {
  CHECK(decode_ack(payload("")).has_value());
  for (const char* bad :
       {R"(,"ref":"x")",   R"(,"ref":null)",       R"(,"ref":1)",       R"(,"domain":"a.b")",
        R"(,"domain":"")", R"(,"domain":null)",    R"(,"state":null)",  R"(,"state":7)",
        R"(,"code":1)",    R"(,"message":[])",     R"(,"result":1)",    R"(,"result":"x")",
        R"(,"result":[])", R"(,"ignored":"x")",    R"(,"ignored":[1])", R"(,"pid":0)",
        R"(,"pid":"1")",   R"(,"pid":2147483648)", R"(,"position":-1)", R"(,"position":0.5)"}) {
    CAPTURE(bad);
    CHECK(decode_ack(payload(bad)).error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_ack(payload(R"(,"state":"lost")")).error().code == ErrorCode::unsupported);
  for (const char* bad : {"", "{}", "[]", "null", "not JSON"}) {
    CAPTURE(bad);
    CHECK(decode_ack(bad).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::wire::ack_test
