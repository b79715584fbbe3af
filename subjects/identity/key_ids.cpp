#include "subjects/identity/key_ids.hpp"

#include "subjects/identity/encoding.hpp"

namespace steward::identity {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kReadable = 100;
constexpr std::string_view kPacked = "packed:";

int value_of(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

void append_bytes(std::string& bytes, std::string_view id) {
  for (std::size_t at = 0; at + 1 < id.size(); at += 2) {
    bytes += static_cast<char>(value_of(id[at]) * 16 + value_of(id[at + 1]));
  }
}

bool is_key_id(std::string_view text) {
  return text.size() == 2 * kIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::vector<std::string> key_id_items(const std::set<std::string>& ids) {
  if (ids.size() <= kReadable) {
    return {ids.begin(), ids.end()};
  }
  std::string bytes;
  bytes.reserve(ids.size() * kIdBytes);
  for (const auto& id : ids) {
    append_bytes(bytes, id);
  }
  return {std::string(kPacked) + base64url(bytes)};
}

Result<void> add_key_ids(std::string_view item, std::set<std::string>& ids) {
  if (is_key_id(item)) {
    ids.emplace(item);
    return {};
  }
  if (!item.starts_with(kPacked)) {
    return failure(ErrorCode::bad_payload, "each item is a key's id: 32 digits");
  }
  const auto bytes = parse_base64url(item.substr(kPacked.size()));
  if (!bytes || bytes->empty() || bytes->size() % kIdBytes != 0) {
    return failure(ErrorCode::bad_payload, "a packed item is 16 bytes for each key, in base64url");
  }
  for (std::size_t at = 0; at < bytes->size(); at += kIdBytes) {
    ids.insert(hex(std::string_view(*bytes).substr(at, kIdBytes)));
  }
  return {};
}

}  // namespace steward::identity
