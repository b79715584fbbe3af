#include "subjects/identity/signed_document.hpp"

#include "subjects/identity/encoding.hpp"

#include <algorithm>

namespace steward::identity {
namespace {

constexpr std::string_view kFirstWord = "steward-signed-v1 ";
constexpr std::size_t kIdLength = 32;
constexpr std::size_t kSignatureLength = 86;
constexpr std::size_t kLineLength = kFirstWord.size() + kIdLength + 1 + kSignatureLength;

}  // namespace

Result<std::string> sign_document(Purpose purpose, std::string_view body, const PrivateKey& key) {
  STEWARD_TRY(const auto signature, key.sign(purpose, body));
  return std::string(kFirstWord)
      .append(key.public_key().id())
      .append(" ")
      .append(base64url(signature))
      .append("\n")
      .append(body);
}

Result<std::string_view> open_document(Purpose purpose,
                                       std::string_view text,
                                       const std::vector<PublicKey>& trusted) {
  if (!text.starts_with(kFirstWord) || text.size() <= kLineLength || text[kLineLength] != '\n' ||
      text[kFirstWord.size() + kIdLength] != ' ') {
    return failure(ErrorCode::bad_payload, "this is no signed document of steward");
  }
  const auto id = text.substr(kFirstWord.size(), kIdLength);
  const auto signature =
      parse_base64url(text.substr(kFirstWord.size() + kIdLength + 1, kSignatureLength));
  const auto body = text.substr(kLineLength + 1);
  const auto key = std::find_if(
      trusted.begin(), trusted.end(), [id](const PublicKey& known) { return known.id() == id; });
  if (key == trusted.end()) {
    return failure(ErrorCode::bad_signature, "the document is signed by a key that is not trusted");
  }
  if (!signature || !key->verifies(purpose, body, *signature)) {
    return failure(ErrorCode::bad_signature, "the document's signature does not hold");
  }
  return body;
}

std::string_view signer_of(std::string_view document) {
  return document.starts_with(kFirstWord) ? document.substr(kFirstWord.size(), kIdLength)
                                          : std::string_view();
}

std::string_view body_of(std::string_view text) {
  if (!text.starts_with(kFirstWord)) {
    return text;
  }
  const auto line_end = text.find('\n');
  return line_end == std::string_view::npos ? std::string_view() : text.substr(line_end + 1);
}

}  // namespace steward::identity
