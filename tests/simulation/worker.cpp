#include "subjects/wire/fields.hpp"
#include "tests/simulation/unit_life.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::simulation {

using std::chrono::milliseconds;
using wire::CommandState;

Result<runtime::Admission> Unit::Life::Worker::receive(const runtime::Command& command) {
  const auto object = wire::parse_json(command.payload);
  if (!object) {
    return tl::unexpected(object.error());
  }
  wire::Fields fields(*object);
  Job job{command.envelope.id,
          milliseconds(fields.integer("ms", 100, 0, 1'000'000)),
          fields.boolean("repeatable", false)};
  runtime::Admission admission;
  admission.repeatable = job.repeatable;
  admission.begins_itself = true;
  admission.start = [this, job = std::move(job)] {
    queue_.push_back(job);
    next();
  };
  return admission;
}

void Unit::Life::Worker::next() {
  if (busy_ || queue_.empty()) {
    return;
  }
  busy_ = true;
  life_.intake_.begin(queue_.front().id, [this] { run(); });
}

void Unit::Life::Worker::run() {
  auto& job = queue_.front();
  job.begun = true;
  auto& world = life_.world_;
  const auto* row = life_.disk_.row(job.id);
  world.judge.effect({life_.name_,
                      job.id,
                      job.repeatable,
                      row != nullptr && row->stage == bus::CommandStage::started});
  if (!world.calm && world.random.happens(world.rules.crash_in_effect)) {
    world.judge.happened("unit crashed in an effect");
    life_.dying_ = true;
    life_.die_();
    return;
  }
  life_.intake_.step({.ref = job.id, .domain = kDomain, .state = CommandState::running});
  life_.after(job.takes, [this, id = job.id] {
    if (!queue_.empty() && queue_.front().id == id) {
      end(CommandState::done);
    }
  });
}

void Unit::Life::Worker::end(CommandState state) {
  const auto id = queue_.front().id;
  queue_.pop_front();
  busy_ = false;
  life_.intake_.step({.ref = id, .domain = kDomain, .state = state});
  next();
}

runtime::CancelOutcome Unit::Life::Worker::cancel(const wire::MessageId& id) {
  const auto at =
      std::find_if(queue_.begin(), queue_.end(), [&id](const Job& job) { return job.id == id; });
  if (at == queue_.end()) {
    return runtime::CancelOutcome::unknown;
  }
  if (at == queue_.begin()) {
    end(CommandState::cancelled);
  } else {
    queue_.erase(at);
    life_.intake_.step({.ref = id, .domain = kDomain, .state = CommandState::cancelled});
  }
  return runtime::CancelOutcome::cancelled;
}

}  // namespace steward::simulation
