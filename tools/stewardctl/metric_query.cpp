#include "tools/stewardctl/metric_query.hpp"

#include <algorithm>
#include <utility>

namespace steward::ctl {

Result<MetricQuery> MetricQuery::prepare(Session& session,
                                         const TargetArguments& target,
                                         std::vector<std::string> keys) {
  auto request = all_rows();
  request.keys = std::move(keys);
  bool nobody = false;
  if (!target.target.empty()) {
    STEWARD_TRY(request.units, looked_at(session, target));
    nobody = request.units.empty();
  }
  return MetricQuery(std::move(request), nobody);
}

Result<std::vector<wire::MetricsRow>> MetricQuery::ask(Session& session) const {
  std::vector<wire::MetricsRow> rows;
  if (nobody_) {
    return rows;
  }
  STEWARD_TRY(const auto answer, session.query("metrics", request_));
  for (const auto& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_metrics_row(text));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<bool> MetricQuery::look(Session& session, MetricLooks& looks, int rounds) const {
  constexpr std::chrono::milliseconds kPause{100};
  constexpr std::chrono::milliseconds kSlack{1'000};
  const auto began = Clock::now();
  for (;;) {
    STEWARD_TRY(const auto rows, ask(session));
    looks.take(rows);
    std::chrono::milliseconds longest{0};
    for (const auto& row : rows) {
      longest = std::max(longest, row.interval);
    }
    if (rounds < 2 || looks.has_rates() || Clock::now() - began > 2 * longest + kSlack) {
      return true;
    }
    session.take();
    if (session.wait(Clock::now() + kPause) == Session::Woken::interrupted) {
      return false;
    }
  }
}

}  // namespace steward::ctl
