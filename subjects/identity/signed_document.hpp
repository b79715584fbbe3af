#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// A text with a signature above it: "steward-signed-v1 <key id> <signature>\n" and the body as it
// is, so that people can read it. The signature covers the body, under the prefix of its purpose.
// Errors: internal.
[[nodiscard]] Result<std::string> sign_document(Purpose purpose,
                                                std::string_view body,
                                                const PrivateKey& key);

// The body of a document that one of these keys has signed for this purpose; it points into `text`.
// Nothing of the body is read before. Errors: bad_payload (not such a document), bad_signature.
[[nodiscard]] Result<std::string_view> open_document(Purpose purpose,
                                                     std::string_view text,
                                                     const std::vector<PublicKey>& trusted);

// Whose signature a document says it has, as a key id; empty where there is none. Says nothing
// until it was opened.
std::string_view signer_of(std::string_view document);

// The body of a text with or without the line of a signature, which is not looked at.
std::string_view body_of(std::string_view text);

}  // namespace steward::identity
