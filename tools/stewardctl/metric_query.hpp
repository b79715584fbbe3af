#pragma once

#include "tools/stewardctl/metric_looks.hpp"
#include "tools/stewardctl/session.hpp"
#include "tools/stewardctl/targets.hpp"

#include <string>
#include <vector>

namespace steward::ctl {

// A question for metrics of the units that were meant when it was made, to be put again and again.
class MetricQuery {
 public:
  // Errors: looked_at()'s.
  [[nodiscard]] static Result<MetricQuery> prepare(Session& session,
                                                   const TargetArguments& target,
                                                   std::vector<std::string> keys);

  // Those of them that are there. Errors: Session::query()'s, bad_payload.
  [[nodiscard]] Result<std::vector<wire::MetricsRow>> ask(Session& session) const;

  // Asks until each unit was seen in one round or in two, or has had its time for it; false at
  // Ctrl-C. Errors: as ask().
  [[nodiscard]] Result<bool> look(Session& session, MetricLooks& looks, int rounds) const;

 private:
  explicit MetricQuery(wire::QueryRequest request, bool nobody)
      : request_(std::move(request)), nobody_(nobody) {}

  wire::QueryRequest request_;
  bool nobody_;  // no unit is meant
};

}  // namespace steward::ctl
