// A job whose process does not end with the agent.

#include "handlers/shellcommand/job.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSegments = 16;
constexpr std::int64_t kSmallestSegment = 64 * 1024;

}  // namespace

void Job::launch_detached(runtime::SpawnRequest request) {
  runtime::ShimRequest order;
  order.process = std::move(request);
  order.merge = run_.output.merge;
  order.keep_bytes =
      std::max(static_cast<std::int64_t>(run_.output.spool_bytes), kSegments * kSmallestSegment);
  order.segment_bytes = order.keep_bytes / kSegments;
  if (group_) {
    order.process.cgroup = -1;
    order.cgroup = group_->path();
  }
  detached_ = std::make_unique<DetachedRun>(
      shop_.context, shop_.buffer, streams_, shop_.detached() / id_.str(), detached_listener());
  const std::string* input = run_.stdin_bytes ? &*run_.stdin_bytes : nullptr;
  if (auto started = detached_->start(shop_.shim, std::move(order), input); !started) {
    detached_.reset();
    fail(started.error());
  }
}

// What the limits were is known by making them again: a group that is there is only opened.
void Job::adopt() {
  state_ = State::preparing;
  auto limits = runtime::plan_limits(
      run_.limits, shop_.cgroups ? &*shop_.cgroups : nullptr, id_.str(), account_.identity.uid);
  result_.limits_applied = std::move(limits.applied);
  if (limits.group) {
    group_.emplace(*std::move(limits.group));
  }
  const auto folder = shop_.detached() / id_.str();
  detached_ = std::make_unique<DetachedRun>(
      shop_.context, shop_.buffer, streams_, folder, detached_listener());
  taken_up_ = runtime::shim_started(folder).value_or(shop_.context.clock.now());
  detached_->adopt(id_.str());
}

DetachedRun::Listener Job::detached_listener() {
  return {[this] {
            taken_up_ ? taken_up() : launched();
            if (reason_ != EndReason::none) {  // that came while it was being started
              kill_for_reason();
            }
          },
          [this](const Error& error) { fail(error); },
          [this](const runtime::ShimEnd& end) { detached_exited(end); },
          [this] {
            output_over_ = true;
            finish_if_over();
          },
          [this] { lost(); }};
}

// It runs since before this agent: its time goes on.
void Job::taken_up() {
  state_ = State::running;
  const auto ran = std::max(shop_.context.clock.now() - *taken_up_, std::chrono::microseconds(0));
  executed_at_ = shop_.context.clock.steady() - ran;
  accepted_at_ = executed_at_;
  result_.started = wire::format_time(*taken_up_);
  if (run_.timeout > milliseconds(0)) {
    deadline_.emplace(shop_.context.loop,
                      [this] { end(EndReason::timed_out, "ran longer than timeout_ms"); });
    deadline_->start(
        std::max(run_.timeout - std::chrono::duration_cast<milliseconds>(ran), milliseconds(0)));
  }
}

void Job::detached_exited(const runtime::ShimEnd& end) {
  if (state_ == State::finished) {
    return;
  }
  if (state_ == State::preparing) {  // ended without an agent, or before its shim was heard
    taken_up_ ? taken_up() : launched();
  }
  exited(end.status);
  if (taken_up_) {
    const auto ran = std::max(end.at - *taken_up_, std::chrono::microseconds(0));
    exited_at_ = executed_at_ + ran;
  }
}

// Its shim was killed, or has never been: nobody knows what it did. What is left of it must not go
// on unseen.
void Job::lost() {
  if (state_ == State::finished) {
    return;
  }
  lost_ = true;
  output_over_ = true;
  if (killing_) {
    return finish_if_over();
  }
  killing_ = true;
  state_ = State::running;
  detached_->shim().kill_tree(
      {.grace = milliseconds(0)},
      [this](runtime::KillStep step, const runtime::TreeReport& report) {
        if (step == runtime::KillStep::gone || step == runtime::KillStep::unkillable) {
          killed_ = report;
          finish(wire::CommandState::interrupted,
                 word(ErrorCode::agent_stopped),
                 "its shim went down while it ran; what was left of it is ended");
        }
      });
}

}  // namespace steward::handlers::shellcommand
