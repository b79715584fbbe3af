#include "tools/stewardctl/rights.hpp"

#include "subjects/identity/signed_document.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::ctl {

Result<std::optional<identity::Policy>> ask_policy(Session& session) {
  const auto answer = session.query("policy", {});
  if (!answer) {
    if (answer.error().code == ErrorCode::unsupported) {
      return std::nullopt;  // a station from before there were policies
    }
    return tl::unexpected<Error>(answer.error());
  }
  if (answer->rows.empty()) {
    return std::nullopt;
  }
  STEWARD_TRY(const auto row, wire::parse_json(answer->rows.front()));
  wire::Fields fields(row);
  const std::string document = fields.required_text("document");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  auto policy = identity::Policy::parse(identity::body_of(document));
  if (!policy) {
    return tl::unexpected<Error>(std::move(policy).error().with_context("the station's policy"));
  }
  return *std::move(policy);
}

identity::Verdict judge(const identity::Policy& policy,
                        const bus::Message& message,
                        std::string_view unit) {
  const auto now = wall_clock();
  const auto envelope = wire::decode_envelope(message.subject,
                                              message.headers,
                                              wire::Completeness::required,
                                              wire::Fresh{wire::MessageId::make(0, {}), now});
  const auto node = wire::NodeName::parse(unit);
  if (!envelope || !node) {
    return {false, "", envelope ? node.error().message : envelope.error().message};
  }
  if (envelope->signature.empty()) {
    return {false, "", "it is not signed: name a key (stewardctl context add --signing-key FILE)"};
  }
  return policy.evaluate({*envelope, message.payload, *node, now});
}

}  // namespace steward::ctl
