#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <optional>
#include <string>
#include <string_view>

// How a unit is let into a cluster by bus. The contract is in README.md ("enroll").
namespace steward::wire {

enum class EnrollmentState {
  pending,   // a person has not decided
  conflict,  // the name has another key
  rejected,
  approved,
};

std::string_view word(EnrollmentState state);

// Payload of <node>.command.enroll.status: what has become of a request.
struct EnrollmentStatus {
  EnrollmentState state = EnrollmentState::pending;
  std::string fingerprint;  // of the request that it is about
  std::string reason;

  bool operator==(const EnrollmentStatus&) const = default;
};

std::string encode(const EnrollmentStatus& status);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<EnrollmentStatus> decode_enrollment_status(std::string_view payload);

// Payload of <station>.command.enroll.reject.
struct EnrollmentRejection {
  std::string unit;
  std::string reason;

  bool operator==(const EnrollmentRejection&) const = default;
};

inline constexpr std::size_t kLongestReason = 256;

std::string encode(const EnrollmentRejection& rejection);

// Errors: bad_payload.
[[nodiscard]] Result<EnrollmentRejection> decode_enrollment_rejection(std::string_view payload);

// One request as a station tells it.
struct EnrollmentRow {
  std::string unit;
  EnrollmentState state = EnrollmentState::pending;
  std::string fingerprint;
  std::string other;  // the fingerprint of another request for that name, with another key
  Timestamp since;    // of this state
  std::optional<Timestamp> heard;  // when the unit asked last
  std::string by;                  // who has rejected it
  std::string reason;
  std::string request;  // the document, where one unit is asked for

  bool operator==(const EnrollmentRow&) const = default;
};

std::string encode(const EnrollmentRow& row);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<EnrollmentRow> decode_enrollment_row(std::string_view json);

}  // namespace steward::wire
