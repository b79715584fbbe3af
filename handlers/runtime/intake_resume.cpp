// What a handler or an agent has left behind: run, or said to be interrupted.

#include "handlers/runtime/intake.hpp"

#include <algorithm>
#include <utility>

namespace steward::runtime {

namespace {

// Runs begun of a repeatable command that never came to an end.
constexpr int kMostAttempts = 3;

// Commands whose bytes are in memory at once.
constexpr std::size_t kLoaded = 32;

}  // namespace

void Intake::left(std::vector<bus::CommandRow> rows) {
  for (auto& row : rows) {
    left_cancelled_.emplace(row.id, false);
    left_.push_back(std::move(row));
  }
}

void Intake::handler_failed(const std::string& why) {
  for (auto& [id, pending] : pending_) {
    pending.orphaned = true;
  }
  std::vector<Open> ended;
  for (auto& [id, open] : open_) {
    ended.push_back(std::move(open));
  }
  std::sort(ended.begin(), ended.end(), [](const Open& one, const Open& other) {
    return one.arrival < other.arrival;
  });
  // Those that wait still came later than any of these.
  auto place = left_.begin();
  for (auto& open : ended) {
    const auto id = open.row.id;
    const bool begun = open.row.stage == bus::CommandStage::started;
    if (begun && !open.repeatable) {
      end(id,
          wire::CommandState::interrupted,
          {ErrorCode::handler_crashed, "the handler failed: " + why});
      continue;
    }
    left_cancelled_.emplace(id, false);
    place = std::next(left_.insert(place, std::move(open.row)));
  }
  open_.clear();
}

void Intake::agent_stops() {
  std::vector<wire::MessageId> begun;
  for (const auto& [id, open] : open_) {
    if (open.row.stage == bus::CommandStage::started && !open.repeatable) {
      begun.push_back(id);
    }
  }
  for (const auto& id : begun) {
    end(id,
        wire::CommandState::interrupted,
        {ErrorCode::agent_stopped, "the agent stopped before this command finished"});
  }
  open_.clear();
}

void Intake::resume(std::function<void()> then) {
  resumed_ = std::move(then);
  resume_more();
}

void Intake::resume_more() {
  while (handler_ != nullptr && !loaded_.empty()) {
    auto unfinished = std::move(loaded_.front());
    loaded_.pop_front();
    resume_one(std::move(unfinished));
  }
  if (loading_ || handler_ == nullptr) {
    return;
  }
  if (!left_.empty()) {
    load();
  } else if (resumed_) {
    std::exchange(resumed_, nullptr)();
  }
}

void Intake::load() {
  std::vector<bus::CommandRow> rows;
  while (rows.size() < kLoaded && !left_.empty()) {
    rows.push_back(std::move(left_.front()));
    left_.pop_front();
  }
  loading_ = true;
  house_.ledger.messages(std::move(rows),
                         on_my_thread<std::vector<bus::Unfinished>>(
                             [](Intake& self, std::vector<bus::Unfinished> found) {
                               self.loading_ = false;
                               for (auto& one : found) {
                                 self.loaded_.push_back(std::move(one));
                               }
                               self.resume_more();
                             }));
}

void Intake::resume_one(bus::Unfinished&& unfinished) {
  const auto row = unfinished.row;
  const auto& id = row.id;
  const bool cancelled = left_cancelled_.extract(id).mapped();
  const bool begun = row.stage == bus::CommandStage::started;
  const auto now = house_.clock.now();
  auto opened = house_.channel.open(std::move(unfinished.message), now);
  const Job job = opened ? opened->envelope.job : std::nullopt;
  open_.emplace(id, Open{job, row, false, ++arrivals_, nullptr, std::nullopt});
  if (!opened) {
    end(id, wire::CommandState::failed, opened.error().error);
  } else if (cancelled && !begun) {
    step(ack(id, wire::CommandState::cancelled));
  } else if (!begun && row.expires < now) {
    end(id, wire::CommandState::expired, {ErrorCode::expired, "its time passed before it started"});
  } else if (row.attempts >= kMostAttempts) {
    end(id,
        wire::CommandState::failed,
        {ErrorCode::handler_crashed,
         "this command has taken the handler or the agent down three times"});
  } else if (const auto allowed = house_.channel.allows(house_.node, *opened, now); !allowed) {
    begun ? resume_with(id, tl::unexpected(allowed.error()))
          : end(id, wire::CommandState::refused, allowed.error());
  } else if (auto cancels = cancel_admission(*opened)) {
    resume_with(id, *std::move(cancels));
  } else {
    resume_with(id,
                hand_over(Command{std::move(opened->envelope), std::move(opened->payload), begun}));
  }
}

void Intake::resume_with(const wire::MessageId& id, Result<Admission> admission) {
  auto& open = open_.at(id);
  const bool begun = open.row.stage == bus::CommandStage::started;
  if (begun && (!admission || !admission->repeatable)) {
    end(id,
        wire::CommandState::interrupted,
        {ErrorCode::agent_stopped,
         "the agent or the machine went down while it ran; it is not run a second time"});
    return;
  }
  if (!admission) {
    end(id, wire::CommandState::failed, admission.error());
    return;
  }
  open.repeatable = admission->repeatable;
  open.row.stage = bus::CommandStage::accepted;  // this run has not begun
  ++tally_.accepted;
  if (admission->begins_itself) {
    start(id, admission->start);
  } else {
    begin(id, std::move(admission->start));
  }
}

}  // namespace steward::runtime
