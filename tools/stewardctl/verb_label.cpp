#include "subjects/wire/facts.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

struct LabelArguments {
  TargetArguments target;
  Sending sending;
  std::vector<std::string> changes;
};

// With --all there is no TARGET: the first positional is a change like the others.
void settle_label_positionals(LabelArguments& arguments) {
  if (arguments.target.all && !arguments.target.target.empty()) {
    arguments.changes.insert(arguments.changes.begin(), std::move(arguments.target.target));
    arguments.target.target.clear();
  }
}

// site=oslo sets, site- takes away.
Result<std::string> payload_of_labels(const std::vector<std::string>& changes) {
  nlohmann::json labels = nlohmann::json::object();
  for (const auto& change : changes) {
    const auto equals = change.find('=');
    const bool leaves = equals == std::string::npos && change.ends_with('-');
    const auto name = leaves ? change.substr(0, change.size() - 1) : change.substr(0, equals);
    if ((equals == std::string::npos && !leaves) || !wire::is_label(name)) {
      return failure(
          ErrorCode::bad_config,
          fmt::format("'{}': write NAME=VALUE, or NAME- to take a label away; a name has "
                      "a-z 0-9 _ - .",
                      change));
    }
    labels[name] = leaves ? nlohmann::json(nullptr) : nlohmann::json(change.substr(equals + 1));
  }
  if (labels.empty()) {
    return failure(ErrorCode::bad_config, "no label. Write NAME=VALUE, or NAME- to take one away");
  }
  auto payload = wire::dump_json({{"op", "set"}, {"labels", std::move(labels)}});
  if (auto good = wire::decode_facts_request(payload); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  return payload;
}

Result<Exit> label(Invocation& invocation, LabelArguments arguments) {
  settle_label_positionals(arguments);
  Order order;
  order.method = "facts";
  order.domain = "system";
  STEWARD_TRY(order.payload, payload_of_labels(arguments.changes));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(order.units, resolve_units(*session, invocation.console, arguments.target));
  return send_order(invocation, *session, std::move(order), arguments.sending, std::nullopt);
}

}  // namespace

Verb label_verb() {
  return {"label",
          "give units labels to be targeted by",
          "Kept by the unit. A label of its configuration comes back with NAME=VALUE only.",
          "stewardctl label ship1,ship2 site=oslo tier=2\n"
          "stewardctl label 'site=oslo' tier-\n"
          "stewardctl units 'site=oslo and tier!=2'",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<LabelArguments>();
            declare_acting_target(syntax, arguments->target);
            syntax.positional("NAME=VALUE|NAME-", arguments->changes);
            declare_sending(syntax, arguments->sending);
            return [arguments](Invocation& invocation) { return label(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
