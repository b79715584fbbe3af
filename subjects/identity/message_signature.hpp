#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::identity {

// What the signature of a message covers, behind the prefix of Purpose::message: each as a
// big-endian 32-bit length and bytes: cluster, ce-subject (of events: the subject), ce-id,
// ce-source, ce-keyid, ce-time, ce-expires, ce-ref, ce-job, ce-target, ce-epoch, ce-seq,
// Content-Type, Content-Encoding, SHA-256 of the payload. An absent one has length 0. Values are
// spelled as encode_envelope() spells them: a sender that writes times, ids or defaults in another
// way signs other bytes than these.
std::string signed_fields(const ClusterName& cluster,
                          const wire::Envelope& envelope,
                          std::string_view payload);

// Puts ce-keyid and ce-signature (base64url, 86 characters) into the envelope; nothing of it or of
// the payload may change after that. Errors: internal.
[[nodiscard]] Result<void> sign_message(wire::Envelope& envelope,
                                        std::string_view payload,
                                        const ClusterName& cluster,
                                        const PrivateKey& key);

// Whether that key has signed this message for this cluster. It says nothing about who may sign
// what: that is the policy's. Errors: bad_signature.
[[nodiscard]] Result<void> verify_message(const wire::Envelope& envelope,
                                          std::string_view payload,
                                          const ClusterName& cluster,
                                          const PublicKey& key);

}  // namespace steward::identity
