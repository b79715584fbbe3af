#include "subjects/wire/query.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::wire {

std::string encode(const FailureRow& row) {
  nlohmann::json out = {{"job", row.job.view()},
                        {"command", row.command.view()},
                        {"unit", row.unit},
                        {"state", word(row.state)},
                        {"at", time_or_null(row.at)},
                        {"code", row.code},
                        {"message", row.message},
                        {"subject", row.subject},
                        {"summary", row.summary},
                        {"by", row.by},
                        {"created", format_time(row.created)},
                        {"expires", time_or_null(row.expires)}};
  if (auto result = parse_json(row.result.empty() ? "{}" : row.result);
      result && !result->empty()) {
    out["result"] = *std::move(result);
  }
  return dump_json(out);
}

Result<FailureRow> decode_failure_row(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    return FailureRow{read_id(fields, "job"),
                      read_id(fields, "command"),
                      read_node(fields, "unit"),
                      read_state(fields, "state"),
                      read_time(fields, "at"),
                      fields.text("code"),
                      fields.text("message"),
                      fields.raw("result"),
                      fields.text("subject"),
                      fields.text("summary"),
                      fields.text("by"),
                      read_required_time(fields, "created"),
                      read_time(fields, "expires")};
  });
}

}  // namespace steward::wire
