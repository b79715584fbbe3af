#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/group.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// The groups that operators have named. A state machine. One thread.
class GroupsTable {
 public:
  void restore(wire::GroupRow row) { groups_.insert_or_assign(row.name, std::move(row)); }

  // False where there is no room for another one.
  bool take(const wire::GroupsRequest& request, const std::string& by, Moment now, Batch& batch);

  // Null where there is none of that name.
  const wire::GroupRow* find(std::string_view name) const {
    const auto at = groups_.find(name);
    return at == groups_.end() ? nullptr : &at->second;
  }

  std::vector<wire::GroupRow> rows() const;

 private:
  std::map<std::string, wire::GroupRow, std::less<>> groups_;
};

}  // namespace steward::station
