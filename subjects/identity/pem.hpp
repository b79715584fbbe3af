#pragma once

#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// One block of PEM (RFC 7468): its name ("CERTIFICATE") and bytes.
struct PemBlock {
  std::string name;
  Secret der;
};

// "-----BEGIN name-----", lines of 64 characters, "-----END name-----". Errors: internal.
[[nodiscard]] Result<Secret> encode_pem(std::string_view name, std::string_view der);

// One to `most` blocks and nothing else but line ends around them; no headers inside.
// Errors: bad_payload.
[[nodiscard]] Result<std::vector<PemBlock>> decode_pem(std::string_view text, std::size_t most);

// Takes the first line off, without its end. For the sources of this room.
std::string_view next_line(std::string_view& text);

}  // namespace steward::identity
