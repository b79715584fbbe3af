#include "subjects/wire/group.hpp"

#include "subjects/wire/facts.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/query_fields.hpp"
#include "subjects/wire/selector.hpp"

#include <nlohmann/json.hpp>

namespace steward::wire {
namespace {

using nlohmann::json;

std::string read_group_name(Fields& fields) {
  auto name = fields.required_text("name");
  if (!is_group(name)) {
    fields.fail(ErrorCode::bad_payload,
                "name",
                "must be 1 to 63 of a-z 0-9 _ - . with a letter or digit first and last");
  }
  return name;
}

std::string read_group_target(Fields& fields) {
  auto target = fields.required_text("target");
  if (auto selector = Selector::parse(target); !selector) {
    fields.fail(ErrorCode::bad_payload, "target", selector.error().message);
  }
  return target;
}

}  // namespace

bool is_group(std::string_view name) { return is_label(name); }

std::string encode(const GroupRow& row) {
  return dump_json({{"name", row.name},
                    {"target", row.target},
                    {"by", row.by},
                    {"changed", format_time(row.changed)}});
}

Result<GroupRow> decode_group_row(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    return GroupRow{read_group_name(fields),
                    read_group_target(fields),
                    fields.text("by"),
                    read_required_time(fields, "changed")};
  });
}

std::string encode(const GroupsRequest& request) {
  json out{{"op", request.op == GroupsRequest::Op::set ? "set" : "remove"}, {"name", request.name}};
  if (request.op == GroupsRequest::Op::set) {
    out["target"] = request.target;
  }
  return dump_json(out);
}

Result<GroupsRequest> decode_groups_request(std::string_view payload) {
  return decode_object(payload, [](Fields& fields) {
    GroupsRequest request;
    fields.required_text("op");
    request.op = static_cast<GroupsRequest::Op>(fields.choice("op", {"set", "remove"}, 0));
    request.name = read_group_name(fields);
    if (request.op == GroupsRequest::Op::set) {
      request.target = read_group_target(fields);
    }
    return request;
  });
}

}  // namespace steward::wire
