#include "steward/groups_table.hpp"

#include <utility>

namespace steward::station {

bool GroupsTable::take(const wire::GroupsRequest& request,
                       const std::string& by,
                       Moment now,
                       Batch& batch) {
  if (request.op == wire::GroupsRequest::Op::remove) {
    if (groups_.erase(request.name) > 0) {
      batch.groups.insert_or_assign(request.name, std::nullopt);
      batch.history.push_back({0, now.wall, "", "group", "@" + request.name + " removed by " + by});
    }
    return true;
  }
  if (groups_.size() >= wire::kMostGroups && find(request.name) == nullptr) {
    return false;
  }
  wire::GroupRow row{request.name, request.target, by, now.wall};
  batch.groups.insert_or_assign(request.name, row);
  batch.history.push_back(
      {0, now.wall, "", "group", "@" + request.name + " = " + request.target + " by " + by});
  groups_.insert_or_assign(request.name, std::move(row));
  return true;
}

std::vector<wire::GroupRow> GroupsTable::rows() const {
  std::vector<wire::GroupRow> rows;
  for (const auto& [name, row] : groups_) {
    rows.push_back(row);
  }
  return rows;
}

}  // namespace steward::station
