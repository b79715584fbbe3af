#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// What a unit is given so that it can ask over the bus to be let in: one word to paste,
// "steward-join-v1.<base64url of JSON>.<check>". Whoever has it can file a request under that name
// until its login expires, and nothing else; a person compares the request's fingerprint.
struct JoinString {
  // For a broker that is reached by TLS; empty where it is not. Each as PEM.
  struct Tls {
    std::string ca;     // who has signed the broker's certificate; empty: somebody the system knows
    std::string chain;  // what is shown to a broker that asks for a certificate, until it is let in
    std::string key;    // a secret
  };

  ClusterName cluster;
  wire::NodeName node;
  PublicKey root;  // whom the unit believes
  std::vector<std::string> brokers;
  std::string credentials;  // a file of credentials, of the enrolling role: a secret
  std::optional<Tls> tls;
};

std::string encode_join_string(const JoinString& join);

// Blanks and line ends around it do not count. Errors: bad_payload (none, or a part of one is
// missing or altered), unsupported (a later form).
[[nodiscard]] Result<JoinString> decode_join_string(std::string_view text);

}  // namespace steward::identity
