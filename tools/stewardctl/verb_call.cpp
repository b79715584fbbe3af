#include "subjects/wire/envelope.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

struct CallArguments {
  TargetArguments target;
  Sending sending;
  std::string method;
  std::string payload = "{}";
};

Result<std::string> read_payload(const std::string& argument) {
  std::string text = argument;
  if (argument == "-") {
    STEWARD_TRY(text, read_input("-"));
  } else if (!argument.empty() && argument[0] == '@') {
    STEWARD_TRY(text, read_input(argument.substr(1)));
  }
  const auto parsed = wire::parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("--data: {}", parsed ? "must be a JSON object" : parsed.error().message));
  }
  if (text.size() > wire::kMaxPayloadBytes) {
    return failure(ErrorCode::too_large, "--data: at most 512 KiB");
  }
  return text;
}

// With --all there is no TARGET, so that the only positional is the method.
void settle_call_positionals(CallArguments& arguments) {
  if (arguments.target.all && arguments.method.empty()) {
    std::swap(arguments.method, arguments.target.target);
  }
}

Result<Exit> call(Invocation& invocation, CallArguments arguments) {
  settle_call_positionals(arguments);
  const std::size_t slash = arguments.method.find('/');
  if (slash == std::string::npos) {
    return failure(ErrorCode::bad_config,
                   fmt::format("'{}': write METHOD/DOMAIN, as shellcommand/operatingsystem",
                               arguments.method));
  }
  STEWARD_TRY(const auto method, wire::Token::parse(arguments.method.substr(0, slash)));
  STEWARD_TRY(const auto domain, wire::Token::parse(arguments.method.substr(slash + 1)));
  Order order;
  order.method = method.str();
  order.domain = domain.str();
  STEWARD_TRY(order.payload, read_payload(arguments.payload));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(order.units, resolve_units(*session, invocation.console, arguments.target));
  return send_order(invocation, *session, std::move(order), arguments.sending, std::nullopt);
}

}  // namespace

Verb call_verb() {
  return {"call",
          "send any command and show what units answer",
          "The payload is a JSON object, as the method's contract has it.",
          "stewardctl call ship1 shellcommand/operatingsystem --data '{\"argv\":[\"id\"]}'\n"
          "stewardctl call ship1 shellcommand/operatingsystem --data '{\"op\":\"list\"}'\n"
          "stewardctl call --all shellcommand/operatingsystem --data @command.json",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<CallArguments>();
            declare_acting_target(syntax, arguments->target);
            syntax.positional("METHOD/DOMAIN", arguments->method, Syntax::Presence::optional);
            syntax.option(
                "--data", arguments->payload, "JSON|@FILE|-", "the payload ({}); - reads stdin");
            declare_sending(syntax, arguments->sending);
            declare_rollout(syntax, arguments->sending.rollout);
            return [arguments](Invocation& invocation) { return call(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
