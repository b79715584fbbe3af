#include "edge/shutdown.hpp"

#include <utility>

namespace steward::edge {

namespace {

// How long a handler's thread may take to come to its loop once it is to end without being asked.
constexpr std::chrono::milliseconds kForce{1'000};

std::string name_of(const runtime::HandlerHost& host) {
  const auto state = host.state();
  return state.method + "." + state.domain;
}

}  // namespace

Shutdown::Shutdown(runtime::Loop& loop,
                   const runtime::Clock& clock,
                   runtime::Logger log,
                   std::vector<Stage> stages,
                   std::function<void(End)> ended)
    : loop_(loop),
      clock_(clock),
      log_(std::move(log)),
      stages_(std::move(stages)),
      ended_(std::move(ended)),
      deadline_(loop, [this] { deadline_passed(); }) {}

void Shutdown::begin() { next_stage(); }

void Shutdown::next_stage() {
  if (stage_ == stages_.size()) {
    ended_(end_);
    return;
  }
  const Stage& stage = stages_[stage_];
  since_ = clock_.steady();
  forcing_ = false;
  left_ = {stage.hosts.begin(), stage.hosts.end()};
  deadline_.start(stage.deadline);
  for (auto* host : stage.hosts) {
    host->stop([this, host] { loop_.post([this, host] { one_ended(host); }); });
  }
  if (left_.empty()) {
    stage_over();
  }
}

void Shutdown::one_ended(runtime::HandlerHost* host) {
  if (left_.erase(host) > 0 && left_.empty()) {
    stage_over();
  }
}

void Shutdown::deadline_passed() {
  for (auto* host : left_) {
    log_.warning(name_of(*host) + (forcing_ ? ": its thread is stuck: left behind"
                                            : ": has not stopped in time: ended"));
    host->end();
  }
  if (forcing_) {
    end_ = End::forced;
    left_.clear();
    stage_over();
    return;
  }
  forcing_ = true;
  deadline_.start(kForce);
}

void Shutdown::stage_over() {
  deadline_.stop();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - since_);
  log_.info(stages_[stage_].name + " stopped in " + std::to_string(took.count()) + " ms");
  ++stage_;
  next_stage();
}

}  // namespace steward::edge
