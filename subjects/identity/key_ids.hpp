#pragma once

#include "subjects/wire/error.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

// Ids of keys as a list in a document: 32 hexadecimal digits each while they are few, so that a
// person can read them; many as one item, "packed:" and the base64url of their bytes.
namespace steward::identity {

// The items for them, in their order.
std::vector<std::string> key_id_items(const std::set<std::string>& ids);

// Adds what an item holds. Errors: bad_payload (it is neither form).
[[nodiscard]] Result<void> add_key_ids(std::string_view item, std::set<std::string>& ids);

}  // namespace steward::identity
