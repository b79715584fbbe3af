#include "subjects/wire/enrollment.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kEnrollmentStates{
    "pending", "conflict", "rejected", "approved"};

EnrollmentState read_enrollment_state(Fields& fields) {
  fields.required_text("state");
  return static_cast<EnrollmentState>(fields.choice("state", kEnrollmentStates, 0));
}

std::string read_reason(Fields& fields) {
  auto reason = fields.text("reason");
  if (reason.size() > kLongestReason) {
    fields.fail(ErrorCode::bad_payload, "reason", "is longer than 256 bytes");
  }
  return reason;
}

// Empty texts are left out.
void put_text(json& out, const char* name, const std::string& text) {
  if (!text.empty()) {
    out[name] = text;
  }
}

}  // namespace

std::string_view word(EnrollmentState state) {
  return kEnrollmentStates[static_cast<std::size_t>(state)];
}

std::string encode(const EnrollmentStatus& status) {
  json out{{"state", word(status.state)}, {"fingerprint", status.fingerprint}};
  put_text(out, "reason", status.reason);
  return dump_json(out);
}

Result<EnrollmentStatus> decode_enrollment_status(std::string_view payload) {
  return decode_object(payload, [](Fields& fields) {
    return EnrollmentStatus{
        read_enrollment_state(fields), fields.required_text("fingerprint"), read_reason(fields)};
  });
}

std::string encode(const EnrollmentRejection& rejection) {
  json out{{"unit", rejection.unit}};
  put_text(out, "reason", rejection.reason);
  return dump_json(out);
}

Result<EnrollmentRejection> decode_enrollment_rejection(std::string_view payload) {
  return decode_object(payload, [](Fields& fields) {
    return EnrollmentRejection{read_node(fields, "unit"), read_reason(fields)};
  });
}

std::string encode(const EnrollmentRow& row) {
  json out{{"unit", row.unit},
           {"state", word(row.state)},
           {"fingerprint", row.fingerprint},
           {"since", format_time(row.since)},
           {"heard", time_or_null(row.heard)}};
  put_text(out, "other", row.other);
  put_text(out, "by", row.by);
  put_text(out, "reason", row.reason);
  put_text(out, "request", row.request);
  return dump_json(out);
}

Result<EnrollmentRow> decode_enrollment_row(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    EnrollmentRow row;
    row.unit = read_node(fields, "unit");
    row.state = read_enrollment_state(fields);
    row.fingerprint = fields.required_text("fingerprint");
    row.other = fields.text("other");
    row.since = read_required_time(fields, "since");
    row.heard = read_time(fields, "heard");
    row.by = fields.text("by");
    row.reason = read_reason(fields);
    row.request = fields.text("request");
    return row;
  });
}

}  // namespace steward::wire
