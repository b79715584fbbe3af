#pragma once

#include "steward/groups_table.hpp"
#include "steward/metrics/metrics_table.hpp"
#include "steward/store.hpp"
#include "steward/unit_table.hpp"
#include "subjects/wire/selector.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Which of the known units a selector means: by their rows, their facts and their metrics as they
// are known now. A key is, the first that there is: `state` or `unit`; a label; a fact; a metric of
// the last round, by its whole name or without "node_" before it: of all its series, or of those
// that have the labels behind it in braces. One question's; the fold's
// thread.
class Selection {
 public:
  Selection(const UnitTable& units,
            Store& store,
            const MetricsTable& metrics,
            const GroupsTable& groups,
            std::chrono::steady_clock::time_point now)
      : units_(units), store_(store), metrics_(metrics), groups_(groups), now_(now) {}

  // Their names, sorted. Errors: Store's; not_found (no such group), bad_payload (groups of groups
  // without an end).
  [[nodiscard]] Result<std::vector<std::string>> pick(const wire::Selector& selector);

 private:
  using ByUnit = std::map<std::string, std::string>;

  Result<void> prepare(const wire::Selector& selector, int depth);
  bool is_meant(const wire::Selector& selector, const wire::UnitRow& row) const;
  std::vector<std::string> values_of(const wire::UnitRow& row, std::string_view key) const;

  const UnitTable& units_;
  Store& store_;
  const MetricsTable& metrics_;
  const GroupsTable& groups_;
  const std::chrono::steady_clock::time_point now_;
  std::map<std::string, ByUnit, std::less<>> labels_;  // by key, as JSON texts
  std::map<std::string, ByUnit, std::less<>> facts_;
  std::map<std::string, wire::Selector, std::less<>> selectors_;  // of the groups asked for
  std::map<std::string, int, std::less<>> prepared_;  // those, by how deep at most they were met
};

}  // namespace steward::station
