#include "subjects/identity/join_string.hpp"

#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kFamily = "steward-join-v";
constexpr std::string_view kJoinHead = "steward-join-v1.";
constexpr std::size_t kLongest = 64 * 1024;
constexpr std::size_t kCheckDigits = 8;

std::string check_of(std::string_view body) { return hex(sha256(body)).substr(0, kCheckDigits); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The JSON between head and check.
Result<nlohmann::json> body_of_join(std::string_view text) {
  if (!text.starts_with(kJoinHead)) {
    return text.starts_with(kFamily) && text.find('.') != std::string_view::npos
               ? failure(ErrorCode::unsupported, "the join string is of a later form")
               : failure(ErrorCode::bad_payload, "not a join string (steward-join-v1....)");
  }
  text.remove_prefix(kJoinHead.size());
  const auto dot = text.find('.');
  const auto body = text.substr(0, dot);
  if (dot == std::string_view::npos || text.substr(dot + 1) != check_of(body) ||
      text.size() > kLongest) {
    return failure(ErrorCode::bad_payload, "the join string is not whole: copy it again");
  }
  STEWARD_TRY(const auto text_of_body, parse_base64url(body));
  return wire::parse_json(text_of_body);
}

std::optional<JoinString::Tls> tls_of(wire::Fields& fields) {
  std::optional<JoinString::Tls> tls;
  fields.object("tls", [&tls](wire::Fields& given) {
    tls = JoinString::Tls{given.text("ca"), given.text("chain"), given.text("key")};
  });
  return tls;
}

}  // namespace

std::string encode_join_string(const JoinString& join) {
  nlohmann::json body = {{"cluster", join.cluster.str()},
                         {"node", join.node.str()},
                         {"root", join.root.text()},
                         {"brokers", join.brokers},
                         {"credentials", join.credentials}};
  if (join.tls) {
    body["tls"] = {{"ca", join.tls->ca}, {"chain", join.tls->chain}, {"key", join.tls->key}};
  }
  const auto text = base64url(wire::dump_json(body));
  return std::string(kJoinHead) + text + "." + check_of(text);
}

Result<JoinString> decode_join_string(std::string_view text) {
  STEWARD_TRY(const auto body, body_of_join(trimmed(text)));
  wire::Fields fields(body);
  const auto cluster = fields.required_text("cluster");
  const auto node = fields.required_text("node");
  const auto root = fields.required_text("root");
  auto brokers = fields.texts("brokers");
  auto credentials = fields.required_text("credentials");
  auto tls = tls_of(fields);
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  STEWARD_TRY(auto cluster_name, ClusterName::parse(cluster));
  STEWARD_TRY(auto node_name, wire::NodeName::parse(node));
  STEWARD_TRY(auto root_key, PublicKey::parse(root));
  STEWARD_TRY([[maybe_unused]] const auto login, decode_credentials(credentials));
  if (brokers.empty()) {
    return failure(ErrorCode::bad_payload, "the join string names no broker");
  }
  return JoinString{std::move(cluster_name),
                    std::move(node_name),
                    std::move(root_key),
                    std::move(brokers),
                    std::move(credentials),
                    std::move(tls)};
}

}  // namespace steward::identity
