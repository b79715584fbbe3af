#include "subjects/identity/message_signature.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"

#include <cstdint>

namespace steward::identity {
namespace {

void put_value(std::string& out, std::string_view value) {
  const auto length = static_cast<std::uint32_t>(value.size());
  for (const int shift : {24, 16, 8, 0}) {
    out += static_cast<char>((length >> shift) & 0xff);
  }
  out.append(value);
}

}  // namespace

std::string signed_fields(const ClusterName& cluster,
                          const wire::Envelope& envelope,
                          std::string_view payload) {
  std::string out;
  put_value(out, cluster.str());
  put_value(out, envelope.subject.str());
  put_value(out, envelope.id.view());
  put_value(out, envelope.source.str());
  put_value(out, envelope.key_id);
  put_value(out, wire::format_time(envelope.time));
  put_value(out, envelope.expires ? wire::format_time(*envelope.expires) : std::string());
  put_value(out, envelope.ref ? envelope.ref->view() : std::string_view());
  put_value(out, envelope.job ? envelope.job->view() : std::string_view());
  put_value(out, envelope.target);
  put_value(out, envelope.position ? envelope.position->epoch.view() : std::string_view());
  put_value(out, envelope.position ? std::to_string(envelope.position->seq) : std::string());
  put_value(out, envelope.content_type);
  put_value(out, envelope.content_encoding);
  put_value(out, sha256(payload));
  return out;
}

Result<void> sign_message(wire::Envelope& envelope,
                          std::string_view payload,
                          const ClusterName& cluster,
                          const PrivateKey& key) {
  envelope.key_id = key.public_key().id();
  STEWARD_TRY(const auto signature,
              key.sign(Purpose::message, signed_fields(cluster, envelope, payload)));
  envelope.signature = base64url(signature);
  return {};
}

Result<void> verify_message(const wire::Envelope& envelope,
                            std::string_view payload,
                            const ClusterName& cluster,
                            const PublicKey& key) {
  if (envelope.signature.empty()) {
    return failure(ErrorCode::bad_signature, "the message is not signed");
  }
  if (envelope.key_id != key.id()) {
    return failure(ErrorCode::bad_signature, "the message names another key");
  }
  const auto signature = parse_base64url(envelope.signature);
  if (!signature || signature->size() != ed25519::kSignatureBytes) {
    return failure(ErrorCode::bad_signature, "ce-signature is not 64 bytes in base64url");
  }
  if (!key.verifies(Purpose::message, signed_fields(cluster, envelope, payload), *signature)) {
    return failure(ErrorCode::bad_signature, "the signature does not hold for this message");
  }
  return {};
}

}  // namespace steward::identity
