// Programs of the user's before and behind what a run changes.

#include "handlers/osupdate/run.hpp"

#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kHookPatience{10};

}  // namespace

bool Run::is_prepared() const { return record_.prepared || record_.request.pre.empty(); }

// Again where the agent was gone in the middle of it.
void Run::prepare(std::function<void()> then) {
  if (is_prepared()) {
    return then();
  }
  record_.hooked = true;
  if (!save()) {
    return;
  }
  waits_for_ = "its pre_argv";
  tell(wire::UpdateEvent::Type::phase, "runs pre_argv");
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      record_.request.pre,
      kHookPatience,
      [this, go_on = std::move(then)](const Result<std::string>& said) {
        waits_for_.clear();
        if (!said) {
          return fail({ErrorCode::exec_failed,
                       "nothing was changed, for pre_argv failed: " + said.error().message});
        }
        record_.prepared = true;
        if (save()) {
          next_ = go_on;
          later_.start(milliseconds(0));
        }
      });
}

// However it ends: what has begun is over.
bool Run::tells_post() const {
  const bool begun = record_.hooked || record_.installs > 0 || record_.repairs > 0;
  return begun && !record_.request.post.empty();
}

// What was changed stays; that it has failed is said.
void Run::tell_post(wire::UpdateOutcome outcome) {
  waits_for_ = "its post_argv";
  CommandLine words{"env",
                    "STEWARD_UPDATE_STATE=" + std::string(wire::word(outcome.state)),
                    "STEWARD_UPDATE_CODE=" + outcome.code};
  const auto& post = record_.request.post;
  words.insert(words.end(), post.begin(), post.end());
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      std::move(words),
      kHookPatience,
      [this, ended = std::move(outcome)](const Result<std::string>& said) mutable {
        if (!said) {
          ended.message +=
              (ended.message.empty() ? "" : "; ") + ("post_argv failed: " + said.error().message);
          if (ended.state == Phase::done) {
            ended.state = Phase::failed;
            ended.code = std::string(steward::word(ErrorCode::exec_failed));
          }
        }
        ended.ended = shop_.context.clock.now();
        next_ = [this, last = std::move(ended)] { shop_.ended(last); };
        later_.start(milliseconds(0));
      });
}

}  // namespace steward::handlers::osupdate
