#pragma once

#include "handlers/metrics/alarms.hpp"
#include "handlers/metrics/checks.hpp"
#include "handlers/metrics/late_rounds.hpp"
#include "handlers/metrics/measurement.hpp"
#include "handlers/metrics/settings.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/wire/metrics.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// How fast a unit that is back says what it has measured meanwhile: a fleet does not say all at
// once.
struct FillPace {
  std::chrono::milliseconds between{50};
  std::chrono::milliseconds spread{5'000};  // until the first, by the unit's own place
};

// Measures the machine in every interval, at this unit's own place in it, and says what it found.
class MetricsHandler final : public runtime::Handler {
 public:
  explicit MetricsHandler(runtime::Context& context, Roots roots = {}, FillPace pace = {});

  Result<void> start() override;
  Result<runtime::Admission> receive(const runtime::Command& command) override;
  void link_up() override;

 private:
  void round();
  bool say_round();
  void keep_round();
  void fill_in();
  void filled(const Result<void>& said);
  bool say_schema();
  bool say_numbers();
  void use(Settings settings);

  Result<std::string> act(const wire::MetricsRequest& request);
  Result<std::string> set(const wire::MetricsRequest& request);
  Result<std::string> collect(bool values);
  std::string status() const;

  runtime::Context& context_;
  Checks checks_;
  const Roots roots_;
  const FillPace pace_;
  Settings settings_;
  std::unique_ptr<Measurement> measurement_;
  Alarms alarms_;
  runtime::Complaint complaint_;

  std::uint64_t said_schema_ = 0;  // that the bus has taken; 0: none since the link came up
  std::uint64_t number_ = 0;       // of the last round
  std::uint64_t base_number_ = 0;
  std::vector<std::int64_t> base_;
  std::uint64_t lost_ = 0;  // rounds that did not go out and were not kept
  std::size_t last_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;  // of the rounds that went out

  LateRounds late_;
  std::optional<wire::MessageId>
      filling_;  // the event that is on its way; the same when said again
  bool is_filling_ = false;
  std::chrono::milliseconds fill_patience_{0};
  std::uint64_t filled_ = 0;

  runtime::Timer fill_;   // until the next late round is said
  runtime::Timer beat_;   // every interval
  runtime::Timer phase_;  // from the start to this unit's own place in the interval
};

}  // namespace steward::handlers::metrics
