#include "handlers/osupdate/osupdate.hpp"

#include "handlers/osupdate/ability.hpp"
#include "handlers/osupdate/choose.hpp"
#include "handlers/runtime/answer.hpp"
#include "handlers/runtime/boot_id.hpp"
#include "handlers/runtime/place.hpp"
#include "handlers/runtime/shim.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;
using wire::UpdateEvent;
using wire::UpdatePhase;

constexpr milliseconds kRefreshPatience{900'000};
constexpr milliseconds kHoldPatience{60'000};
constexpr milliseconds kFirstLook{120'000};
constexpr milliseconds kSpread{300'000};  // of the first looks of a fleet
constexpr milliseconds kLongestEvery{86'400'000};
constexpr milliseconds kShortestStall{1'000};
constexpr milliseconds kOwnPatience{50'000};  // so that the old agent is back within a minute
constexpr std::size_t kMostWaiting = 100;

CommandLine words_of(runtime::Options& options, std::string_view key, std::string usual) {
  auto words = options.texts(key);
  return words.empty() ? CommandLine{std::move(usual)} : words;
}

Own::Settings own_settings(runtime::Options& options) {
  return {options.text("own_package", "steward-edge"),
          options.text("own_service", "steward-edge.service"),
          options.milliseconds("own_ms", kOwnPatience, kShortestStall, kLongestEvery)};
}

bool changes(const wire::UpdateRequest& request) {
  const auto* check = std::get_if<wire::UpdateCheck>(&request);
  return std::holds_alternative<wire::UpdateRun>(request) ||
         std::holds_alternative<wire::UpdateHold>(request) || (check != nullptr && check->refresh);
}

}  // namespace

Updates::Updates(runtime::Context& context)
    : context_(context),
      driver_(choose_driver(context)),
      records_(context.state_dir),
      own_(context,
           *driver_,
           words_of(context.options, "systemctl", "systemctl"),
           context.options.text("shim", runtime::shim_program()),
           own_settings(context.options)),
      shop_{context,
            *driver_,
            records_,
            context.options.text("shim", runtime::shim_program()),
            context.state_dir / "runs",
            context.options.milliseconds(
                "stall_ms", milliseconds(600'000), kShortestStall, kLongestEvery),
            words_of(context.options, "systemctl", "systemctl"),
            context.options.text("boot_id", runtime::kBootId),
            context.options.text("proc", "/proc"),
            own_,
            [this](const UpdateEvent& event) {
              auto payload = wire::encode(event);
              if (event.type == UpdateEvent::Type::progress) {
                (void)context_.publisher.stream(std::move(payload));  // seen, or not
              } else {
                context_.publisher.record(std::move(payload));
              }
            },
            [this](const wire::UpdateOutcome& outcome) { ended(outcome); }},
      look_every_(context.options.milliseconds(
          "check_ms", milliseconds(600'000), milliseconds(0), kLongestEvery)),
      look_timer_(context.loop, [this] { look_by_itself(); }),
      next_look_(context.loop, [this] { next_look(); }),
      next_change_(context.loop, [this] { next_change(); }),
      alive_(std::make_shared<Updates*>(this)) {}

Updates::~Updates() = default;

// A run that an earlier agent has left goes on, whether its command comes again or not.
Result<void> Updates::start() {
  if (!driver_->is_there()) {
    return {};
  }
  own_.start();
  auto record = records_.load();
  if (!record) {
    context_.log.error("an update that was under way is left alone: " + record.error().message);
  } else if (*record) {
    changing_ = true;
    auto earlier = outcome_of((*record)->request.run);
    auto window = Window::parse((*record)->request.window);
    if (!window) {
      context_.log.error("an update goes on at any time: " + window.error().message);
    }
    run_ = std::make_unique<Run>(shop_, **std::move(record), std::move(window).value_or(Window()));
    run_->adopt(std::move(earlier));
  }
  if (look_every_.count() > 0) {
    look_timer_.start(kFirstLook + runtime::place_in(kSpread, context_.node.str()));
  }
  return {};
}

Result<runtime::Admission> Updates::receive(const runtime::Command& command) {
  STEWARD_TRY(auto decoded, wire::decode_update_request(command.payload));
  if (!driver_->is_there()) {
    return failure(ErrorCode::unavailable, "this unit has no package system that is known here");
  }
  if (auto able = check_abilities(*driver_, decoded.request); !able) {
    return tl::unexpected<Error>(std::move(able).error());
  }
  if (const auto* run = std::get_if<wire::UpdateRun>(&decoded.request)) {
    STEWARD_TRY([[maybe_unused]] const auto window, Window::parse(run->window));
  }
  if (changes_.size() + looks_.size() >= kMostWaiting) {
    return failure(ErrorCode::overloaded, "too many commands wait");
  }
  runtime::Admission admission;
  admission.ignored = std::move(decoded.ignored);
  // What has begun goes on without the agent, or changes nothing when it is done a second time.
  admission.repeatable = true;
  admission.begins_itself = changes(decoded.request);
  admission.start =
      [this, waiting = Waiting{command.envelope.id, std::move(decoded.request), command.begun}] {
        take(waiting);
      };
  return admission;
}

void Updates::take(Waiting waiting) {
  const auto id = waiting.id;
  if (std::holds_alternative<wire::UpdateStatus>(waiting.request)) {
    return runtime::answer(context_, id, status());
  }
  if (const auto* asked = std::get_if<wire::UpdateHistory>(&waiting.request)) {
    return runtime::answer(context_, id, history(asked->limit));
  }
  if (const auto* granted = std::get_if<wire::UpdateGrant>(&waiting.request)) {
    return runtime::answer(context_, id, grant(*granted));
  }
  if (!changes(waiting.request)) {
    looks_.push_back(std::move(waiting));
    return next_look_.start(milliseconds(0));
  }
  if (waiting.begun) {
    if (run_ && run_->id() == id.str()) {
      changes_.push_front(std::move(waiting));
      return;
    }
    if (const auto outcome = outcome_of(id.str())) {
      return answer_outcome(id, *outcome);
    }
  }
  changes_.push_back(std::move(waiting));
  const auto before = changes_.size() - 1 + (changing_ && changes_.size() == 1 ? 1 : 0);
  if (before > 0) {
    context_.publisher.reply({.ref = id,
                              .domain = context_.domain.str(),
                              .state = wire::CommandState::queued,
                              .position = static_cast<std::int64_t>(before)});
  }
  next_change_.start(milliseconds(0));
}

runtime::CancelOutcome Updates::cancel(const wire::MessageId& id) {
  const auto is_it = [&id](const Waiting& waiting) { return waiting.id == id; };
  if (run_ && run_->id() == id.str()) {
    return run_->cancel() ? runtime::CancelOutcome::cancelled : runtime::CancelOutcome::unknown;
  }
  const auto change = std::find_if(changes_.begin(), changes_.end(), is_it);
  const auto look = std::find_if(looks_.begin(), looks_.end(), is_it);
  if (change != changes_.end()) {
    const bool under_way = changing_ && change == changes_.begin() && !run_;
    if (under_way) {
      change_.reset();
      changing_ = false;
    }
    changes_.erase(change);
    next_change_.start(milliseconds(0));
  } else if (look != looks_.end()) {
    if (look == looks_.begin()) {
      plan_look_.reset();
    }
    looks_.erase(look);
    next_look_.start(milliseconds(0));
  } else {
    return runtime::CancelOutcome::unknown;
  }
  context_.publisher.reply(
      {.ref = id, .domain = context_.domain.str(), .state = wire::CommandState::cancelled});
  return runtime::CancelOutcome::cancelled;
}

std::optional<wire::UpdateOutcome> Updates::outcome_of(const std::string& run) const {
  for (auto& outcome : records_.history()) {
    if (!run.empty() && outcome.id == run) {
      return std::move(outcome);
    }
  }
  return std::nullopt;
}

// --- what changes the unit ---

void Updates::next_change() {
  if (changing_ || changes_.empty()) {
    return;
  }
  changing_ = true;
  const auto& first = changes_.front();
  if (first.begun) {
    return change(first);
  }
  context_.publisher.begin(first.id, [id = first.id, alive = std::weak_ptr<Updates*>(alive_)] {
    const auto self = alive.lock();
    if (self && !(*self)->changes_.empty() && (*self)->changes_.front().id == id) {
      (*self)->change((*self)->changes_.front());
    }
  });
}

void Updates::change(Waiting waiting) {
  if (const auto* run = std::get_if<wire::UpdateRun>(&waiting.request)) {
    begin_run(waiting.id, *run);
  } else if (const auto* asked = std::get_if<wire::UpdateHold>(&waiting.request)) {
    hold(waiting.id, *asked);
  } else {
    refresh(waiting.id);
  }
}

void Updates::end_change() {
  changing_ = false;
  changes_.pop_front();
  next_change_.start(milliseconds(0));
}

void Updates::begin_run(const wire::MessageId& id, const wire::UpdateRun& request) {
  Record record;
  record.id = id.str();
  record.request = request;
  record.started = context_.clock.now();
  std::optional<wire::UpdateOutcome> earlier;
  if (request.op == wire::UpdateRun::Op::rollback) {
    for (auto& outcome : records_.history()) {
      const bool meant = request.run.empty()
                             ? outcome.op == wire::UpdateRun::Op::apply && !outcome.packages.empty()
                             : outcome.id == request.run;
      if (meant && outcome.op == wire::UpdateRun::Op::apply) {
        earlier = std::move(outcome);
        break;
      }
    }
    if (!earlier) {
      runtime::answer(context_, id, failure(ErrorCode::not_found, "no such run is remembered"));
      return end_change();
    }
    record.request.run = earlier->id;
  }
  run_ = std::make_unique<Run>(
      shop_, std::move(record), Window::parse(request.window).value_or(Window()));
  run_->begin(std::move(earlier));
}

void Updates::refresh(const wire::MessageId& id) {
  change_ = std::make_unique<Look>(
      context_,
      *driver_,
      driver_->refresh(),
      kRefreshPatience,
      [this, id](const Result<std::string>& said) {
        if (!said) {
          runtime::answer(
              context_, id, tl::unexpected<Error>(driver_->refresh_error(said.error().message)));
        } else {
          looks_.push_back({id, wire::UpdateCheck{}, false});
          next_look_.start(milliseconds(0));
        }
        end_change();
      });
}

void Updates::hold(const wire::MessageId& id, const wire::UpdateHold& hold) {
  const auto state = driver_->state();
  std::string missing;
  for (const auto& name : hold.packages) {
    if (state && !state->packages.contains(name)) {
      missing = name;
    }
  }
  if (!state || !missing.empty()) {
    runtime::answer(context_,
                    id,
                    !state ? tl::unexpected<Error>(state.error())
                           : failure(ErrorCode::not_found, missing + " is not installed"));
    return end_change();
  }
  auto words = driver_->hold(hold);
  if (!words) {
    runtime::answer(context_, id, tl::unexpected<Error>(std::move(words).error()));
    return end_change();
  }
  change_ = std::make_unique<Look>(context_,
                                   *driver_,
                                   *std::move(words),
                                   kHoldPatience,
                                   [this, id](const Result<std::string>& said) { held(id, said); });
}

Result<std::string> Updates::grant(const wire::UpdateGrant& grant) {
  if (!run_ || run_->id() != grant.run) {
    return failure(ErrorCode::not_found, "no run " + grant.run + " is under way");
  }
  if (auto granted = run_->grant(); !granted) {
    return tl::unexpected<Error>(std::move(granted).error());
  }
  return std::string("{}");
}

void Updates::ended(const wire::UpdateOutcome& outcome) {
  const auto run = std::move(run_);
  if (auto added = records_.add(outcome); !added) {
    context_.log.error("the history of updates is not kept: " + added.error().message);
  }
  records_.remove();
  own_.release(outcome.id);
  std::error_code error;
  std::filesystem::remove_all(shop_.folder, error);
  UpdateEvent event;
  event.type = UpdateEvent::Type::end;
  event.id = outcome.id;
  event.phase = outcome.state;
  event.outcome = outcome;
  context_.publisher.record(wire::encode(event));
  changing_ = false;
  if (!changes_.empty() && changes_.front().id.str() == outcome.id) {
    answer_outcome(changes_.front().id, outcome);
    changes_.pop_front();
  }
  look_by_itself();
  next_change_.start(milliseconds(0));
}

void Updates::answer_outcome(const wire::MessageId& id, const wire::UpdateOutcome& outcome) {
  auto cut = outcome;
  cut.packages.resize(std::min(cut.packages.size(), wire::kMostUpdatePackages));
  wire::Ack ack{.ref = id, .domain = context_.domain.str(), .state = wire::CommandState::done};
  ack.state = outcome.state == UpdatePhase::done        ? wire::CommandState::done
              : outcome.state == UpdatePhase::cancelled ? wire::CommandState::cancelled
                                                        : wire::CommandState::failed;
  ack.code = outcome.code;
  ack.message = outcome.message;
  ack.result = wire::encode(cut);
  context_.publisher.reply(std::move(ack));
}

}  // namespace steward::handlers::osupdate
