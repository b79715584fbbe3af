// What is done where messages are signed: nothing is believed of what the channel has refused, and
// a command that has waited is asked about again before it starts.

#include "handlers/runtime/intake.hpp"

#include <utility>

namespace steward::runtime {

// What a guarded channel refuses may carry anybody's id: nothing may be remembered under it, or a
// forger could have the true command refused that comes behind. It is said once, unrecorded, and
// not of a command that is known here.
void Intake::turn_away(const bus::Refusal& refused) {
  const auto& id = refused.id;
  if (!house_.channel.guarded() || !kind_.acked || !id) {
    refuse(id, refused.job, refused.error);
    return;
  }
  ++tally_.refused;
  complaint_.say("command " + id->str() + " was refused: " + refused.error.text());
  if (!pending_.contains(*id) && !open_.contains(*id) && !left_cancelled_.contains(*id)) {
    acks_->say_plainly(*id, wire::encode(refusal(*id, domain_.str(), refused.error)), refused.job);
  }
}

// The policy may have changed, or its signer's time ended, while a command waited for its turn.
void Intake::ask_again(const wire::MessageId& ref) {
  house_.ledger.messages({open_.at(ref).row},
                         on_my_thread<std::vector<bus::Unfinished>>(
                             [ref](Intake& self, std::vector<bus::Unfinished> found) {
                               self.asked_again(ref, std::move(found));
                             }));
}

void Intake::asked_again(const wire::MessageId& ref, std::vector<bus::Unfinished> found) {
  const auto open = open_.find(ref);
  if (open == open_.end()) {
    return;  // it has ended meanwhile
  }
  Result<void> allowed = failure(ErrorCode::io, "its message is not on disk any more");
  if (!found.empty()) {
    const auto now = house_.clock.now();
    const auto opened = house_.channel.open(std::move(found.front().message), now);
    allowed = opened ? house_.channel.allows(house_.node, *opened, now)
                     : tl::unexpected(opened.error().error);
  }
  if (allowed) {
    begin_now(ref);
    return;
  }
  open->second.denied = allowed.error();
  if (handler_ == nullptr || handler_->cancel(ref) != CancelOutcome::cancelled) {
    end(ref, wire::CommandState::refused, allowed.error());
  }
}

}  // namespace steward::runtime
