#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <string>
#include <string_view>

namespace steward::wire {

// A name for units, @fleet-a in a selector: those that its target means at the moment of asking.
struct GroupRow {
  std::string name;
  std::string target;  // a selector
  std::string by;
  Timestamp changed;  // the stream's clock

  bool operator==(const GroupRow&) const = default;
};

// As a label's: 1 to 63 of a-z 0-9 _ - . with a letter or digit first and last.
bool is_group(std::string_view name);

std::string encode(const GroupRow& row);

// Errors: bad_payload.
[[nodiscard]] Result<GroupRow> decode_group_row(std::string_view json);

// Payload of <station>.command.groups.<domain>.
struct GroupsRequest {
  enum class Op { set, remove };

  Op op = Op::set;
  std::string name;
  std::string target;  // set

  bool operator==(const GroupsRequest&) const = default;
};

inline constexpr std::size_t kMostGroups = 1'000;

std::string encode(const GroupsRequest& request);

// Errors: bad_payload (a target that cannot be read, too), unsupported.
[[nodiscard]] Result<GroupsRequest> decode_groups_request(std::string_view payload);

}  // namespace steward::wire
