#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

namespace steward::wire {

nlohmann::json time_or_null(const std::optional<Timestamp>& time) {
  return time ? nlohmann::json(format_time(*time)) : nlohmann::json(nullptr);
}

std::optional<Timestamp> read_time(Fields& fields, std::string_view name) {
  if (!fields.has(name)) {
    return std::nullopt;
  }
  const auto time = parse_time(fields.text(name));
  if (!time) {
    fields.fail(ErrorCode::bad_payload, name, time.error().message);
    return std::nullopt;
  }
  return *time;
}

Timestamp read_required_time(Fields& fields, std::string_view name) {
  const auto time = read_time(fields, name);
  if (!time) {
    fields.fail(ErrorCode::bad_payload, name, "is missing");
  }
  return time.value_or(Timestamp{});
}

MessageId read_id(Fields& fields, std::string_view name) {
  const auto id = MessageId::parse(fields.required_text(name));
  if (!id) {
    fields.fail(ErrorCode::bad_payload, name, id.error().message);
    return MessageId::make(0, {});
  }
  return *id;
}

CommandState read_state(Fields& fields, std::string_view name) {
  const auto state = parse_command_state(fields.required_text(name));
  if (!state) {
    fields.fail(state.error().code, name, state.error().message);
    return CommandState::sent;
  }
  return *state;
}

std::string read_node(Fields& fields, std::string_view name) {
  std::string text = fields.required_text(name);
  if (const auto node = NodeName::parse(text); !node) {
    fields.fail(ErrorCode::bad_payload, name, node.error().message);
  }
  return text;
}

std::optional<MessageId> read_optional_id(Fields& fields, std::string_view name) {
  return fields.has(name) ? std::optional(read_id(fields, name)) : std::nullopt;
}

Result<void> read_object(std::string_view payload, const std::function<void(Fields&)>& read) {
  STEWARD_TRY(const auto object, parse_json(payload, kDeepestAnswer));
  Fields fields(object);
  read(fields);
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return {};
}

}  // namespace steward::wire
