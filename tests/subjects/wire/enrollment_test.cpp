#include "subjects/wire/enrollment.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::enrollment_test {
namespace {

const Timestamp kNow = parse_time("2026-11-21T12:00:00Z").value();

EnrollmentRow row() {
  return {.unit = "ship7",
          .state = EnrollmentState::rejected,
          .fingerprint = "9f86-d081",
          .other = "60b7-25f1",
          .since = kNow,
          .heard = kNow + std::chrono::seconds(3),
          .by = "/operator/anna",
          .reason = "not ours",
          .request = "steward-signed-v1 ...\n{}\n"};
}

}  // namespace

TEST_CASE("enrollment: every field of status, rejection and row comes back") {
  for (const auto state : {EnrollmentState::pending,
                           EnrollmentState::conflict,
                           EnrollmentState::rejected,
                           EnrollmentState::approved}) {
    const EnrollmentStatus status{state, "9f86-d081", "why"};
    CHECK(decode_enrollment_status(encode(status)).value() == status);
  }
  const EnrollmentRejection rejection{"ship7", "not ours"};
  CHECK(decode_enrollment_rejection(encode(rejection)).value() == rejection);
  CHECK(decode_enrollment_row(encode(row())).value() == row());
  const EnrollmentRow least{.unit = "ship7", .fingerprint = "9f86-d081", .since = kNow};
  CHECK(decode_enrollment_row(encode(least)).value() == least);
}

TEST_CASE("enrollment: what is missing, too long or unknown refuses it") {
  CHECK(decode_enrollment_status("{}").error().code == ErrorCode::bad_payload);
  CHECK(decode_enrollment_status(R"({"state":"maybe","fingerprint":"x"})").error().code ==
        ErrorCode::unsupported);
  CHECK(decode_enrollment_status(R"({"state":"pending"})").error().code == ErrorCode::bad_payload);
  CHECK(decode_enrollment_rejection(R"({"unit":"*"})").error().code == ErrorCode::bad_payload);
  CHECK(decode_enrollment_rejection(encode(EnrollmentRejection{"ship7", std::string(257, 'x')}))
            .error()
            .code == ErrorCode::bad_payload);
  auto unnamed = row();
  unnamed.unit = "Ship7";
  CHECK_FALSE(decode_enrollment_row(encode(unnamed)));
}

}  // namespace steward::wire::enrollment_test
