#pragma once

#include "handlers/runtime/options.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/metrics.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// The rules of a unit: those of the configuration ([[metrics.rules]]), and over them what commands
// have set or taken away, which is kept in `rules.json`.
class RuleBook {
 public:
  // What is wrong is rejected with its place.
  explicit RuleBook(runtime::Options options);

  // What commands have changed, of that folder. Errors: io, permission, bad_payload: it is as if
  // there were nothing.
  [[nodiscard]] Result<void> load(const std::filesystem::path& folder);

  // In the order of their names.
  std::vector<wire::AlertRule> rules() const;

  // This with a request put over it. Errors: bad_payload (more than 64), not_found (one that is to
  // go is not there).
  [[nodiscard]] Result<RuleBook> changed_by(const wire::MetricsRequest& request) const;

  // On disk when it returns. Errors: io, no_space, permission.
  [[nodiscard]] Result<void> save(const std::filesystem::path& folder) const;

 private:
  std::map<std::string, wire::AlertRule> configured_;
  std::map<std::string, std::optional<wire::AlertRule>> changes_;  // none: taken away
};

}  // namespace steward::handlers::metrics
