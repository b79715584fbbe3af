// What the checks of the machine's owner have said last: a round runs none of them.

#include "handlers/metrics/check_results.hpp"
#include "handlers/metrics/collectors/collectors.hpp"

namespace steward::handlers::metrics {
namespace {

class ChecksCollector final : public Collector {
 public:
  explicit ChecksCollector(const CheckResults* checks) : checks_(checks) {}

  std::string_view name() const override { return "checks"; }

  Result<void> collect(Samples& out, std::string& buffer) override;

  bool tells_of_others() const override { return true; }

 private:
  const CheckResults* checks_;
};

Result<void> ChecksCollector::collect(Samples& out, std::string& /*buffer*/) {
  const auto all =
      checks_ == nullptr ? std::vector<const CheckResults::Outcome*>() : checks_->results();
  if (all.empty()) {
    return failure(ErrorCode::not_found, "no checks are configured");
  }
  for (const auto* one : all) {
    const Labels check{{"check", one->name}};
    const auto told = [one](std::int64_t number) { return one->has_run ? number : wire::kAbsent; };
    out.gauge("steward_check_status", check, told(one->status));
    out.gauge("steward_check_duration_seconds", check, told(one->took.count()), kMilli);
    out.gauge("steward_check_end_time_seconds", check, told(one->ended_ms), kMilli);
    one->series.tell(out);
  }
  return {};
}

}  // namespace

Made make_checks(const Roots& roots) { return std::make_unique<ChecksCollector>(roots.checks); }

}  // namespace steward::handlers::metrics
