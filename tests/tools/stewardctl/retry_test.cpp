#include "tools/stewardctl/retry.hpp"

#include "tools/stewardctl/failures.hpp"

#include <doctest/doctest.h>

namespace steward::tests::retry_test {

using steward::ErrorCode;
using steward::ctl::check_payload;
using steward::ctl::reason_text;
using steward::wire::CommandState;
using steward::wire::FailureRow;
using steward::wire::MessageId;

TEST_CASE("retry: a payload is usable unless nothing, or not all of it, was kept") {
  CHECK(check_payload(R"({"argv":["true"],"env":{"A":"b"}})"));
  CHECK(check_payload("not JSON"));
  CHECK(check_payload(R"({"secret_env":["T"],"env":{"A":"b"}})"));
  CHECK(check_payload("").error().code == ErrorCode::not_found);
  for (const char* hidden : {R"json({"secret_env":["T"],"env":{"A":"b","T":"(secret)"}})json",
                             R"json({"secret_env":"T","env":"(secret)"})json"}) {
    CAPTURE(hidden);
    const auto refused = check_payload(hidden);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::bad_config);
    CHECK(refused.error().message.find("secrets") != std::string::npos);
  }
}

TEST_CASE("failures: the reason is the code and its message, else how the program ended") {
  FailureRow row{MessageId::make(1, {}), MessageId::make(2, {}), "ship1", CommandState::failed};
  CHECK(reason_text(row) == "-");
  row.result = R"({"exit_code":3})";
  CHECK(reason_text(row) == "exit 3");
  row.result = R"({"signal":"KILL"})";
  CHECK(reason_text(row) == "killed by KILL");
  row.code = "expired";
  CHECK(reason_text(row) == "expired");
  row.message = "its time passed\x1b[2J";
  CHECK(reason_text(row) == "expired: its time passed [2J");
  row.code.clear();
  row.result.clear();
  CHECK(reason_text(row) == "its time passed [2J");
}

}  // namespace steward::tests::retry_test
