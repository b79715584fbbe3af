#include "subjects/wire/ack.hpp"

#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::wire {
namespace {

constexpr std::array<std::string_view, 12> kCommandStates{"held",
                                                          "sent",
                                                          "accepted",
                                                          "queued",
                                                          "running",
                                                          "done",
                                                          "failed",
                                                          "timed_out",
                                                          "cancelled",
                                                          "refused",
                                                          "expired",
                                                          "interrupted"};

}  // namespace

std::string_view word(CommandState state) {
  return kCommandStates[static_cast<std::size_t>(state)];
}

Result<CommandState> parse_command_state(std::string_view text) {
  const auto at = std::find(kCommandStates.begin(), kCommandStates.end(), text);
  if (at == kCommandStates.end()) {
    return failure(ErrorCode::unsupported, "state: not a state of a command");
  }
  return static_cast<CommandState>(at - kCommandStates.begin());
}

bool is_terminal(CommandState state) { return state >= CommandState::done; }

std::string encode(const Ack& ack) {
  nlohmann::json head = {
      {"ref", ack.ref.view()}, {"domain", ack.domain}, {"state", word(ack.state)}};
  if (!ack.code.empty()) {
    head["code"] = ack.code;
  }
  if (!ack.message.empty()) {
    head["message"] = ack.message;
  }
  if (!ack.ignored.empty()) {
    head["ignored"] = ack.ignored;
  }
  if (ack.pid) {
    head["pid"] = *ack.pid;
  }
  if (ack.position) {
    head["position"] = *ack.position;
  }
  std::string text = dump_json(head);
  if (!ack.result.empty()) {
    // A result can be large and is JSON already: put in as it is, not parsed and written again.
    text.pop_back();
    text.append(",\"result\":").append(ack.result).append("}");
  }
  return text;
}

Result<Ack> decode_ack(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  auto ref = MessageId::parse(fields.required_text("ref"));
  auto state = parse_command_state(fields.required_text("state"));
  const auto domain = Token::parse(fields.required_text("domain"));
  std::string code = fields.text("code");
  std::string message = fields.text("message");
  std::string result = fields.raw("result");
  if (!result.empty() && result.front() != '{') {
    fields.fail(ErrorCode::bad_payload, "result", "must be an object");
  }
  auto ignored = fields.texts("ignored");
  const auto pid = fields.optional_integer("pid", 1, INT32_MAX);
  const auto position = fields.optional_integer("position", 0, INT32_MAX);
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  if (!ref) {
    return failure(ErrorCode::bad_payload, "ref: " + ref.error().message);
  }
  if (!domain) {
    return failure(ErrorCode::bad_payload, "domain: " + domain.error().message);
  }
  STEWARD_TRY(const auto known_state, std::move(state));
  return Ack{*ref,
             domain->str(),
             known_state,
             std::move(code),
             std::move(message),
             std::move(result),
             std::move(ignored),
             pid,
             position};
}

}  // namespace steward::wire
