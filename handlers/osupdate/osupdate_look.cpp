// What of the handler only looks, and what it tells.

#include "handlers/osupdate/consequences.hpp"
#include "handlers/osupdate/osupdate.hpp"
#include "handlers/runtime/answer.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kMostAnswer = 400 * 1024;

// What an answer has room for.
std::string shown(wire::UpdatePlan plan) {
  if (plan.packages.size() > wire::kMostUpdatePackages) {
    plan.left_out = plan.packages.size() - wire::kMostUpdatePackages;
    plan.packages.resize(wire::kMostUpdatePackages);
  }
  return wire::encode(plan);
}

}  // namespace

bool Updates::is_fresh() const { return pending_ && driver_->fingerprint() == pending_of_; }

wire::UpdateSummary Updates::summary() const {
  wire::UpdateSummary summary;
  if (pending_) {
    summary.updates = static_cast<std::int64_t>(pending_->packages.size());
    summary.security =
        std::count_if(pending_->packages.begin(),
                      pending_->packages.end(),
                      [](const wire::UpdatePackage& package) { return package.security; });
  }
  summary.reboot_required = driver_->reboot_required();
  summary.checked = checked_;
  return summary;
}

void Updates::tell_summary() {
  auto now = summary();
  const auto history = records_.history();
  context_.vitals.figures_told(
      context_.method,
      context_.domain,
      {{"updates", now.updates},
       {"security", now.security},
       {"reboot_required", now.reboot_required ? 1 : 0},
       {"last_failed", !history.empty() && history[0].state == wire::UpdatePhase::failed ? 1 : 0}});
  const bool same = told_ && told_->updates == now.updates && told_->security == now.security &&
                    told_->reboot_required == now.reboot_required;
  if (!same) {
    wire::UpdateEvent event;
    event.type = wire::UpdateEvent::Type::pending;
    event.summary = now;
    context_.publisher.record(wire::encode(event));
  }
  told_ = now;
}

// Costs nothing where nothing has changed.
void Updates::look_by_itself() {
  if (look_every_.count() == 0) {
    return;
  }
  look_timer_.start(look_every_);
  if (is_fresh() || run_) {
    if (pending_) {
      tell_summary();  // a reboot may have come to be needed
    }
    return;
  }
  if (looks_.empty() && !plan_look_) {
    pending_of_ = driver_->fingerprint();
    plan_look_ =
        std::make_unique<PlanLook>(context_,
                                   *driver_,
                                   Ask{},
                                   context_.state_dir,
                                   PlanLook::Sizes::left_out,
                                   [this](Result<wire::UpdatePlan> plan) {
                                     looked(std::nullopt, wire::UpdateCheck{}, std::move(plan));
                                   });
  }
}

void Updates::next_look() {
  if (!plan_look_ && !looks_.empty()) {
    look(looks_.front());
  }
}

void Updates::look(const Waiting& waiting) {
  const auto* plan = std::get_if<wire::UpdatePlanRequest>(&waiting.request);
  const bool is_check = std::holds_alternative<wire::UpdateCheck>(waiting.request);
  if (plan == nullptr && is_fresh() && (is_check || pending_has_sizes_)) {
    return looked(waiting.id, waiting.request, *pending_);
  }
  if (plan == nullptr) {
    pending_of_ = driver_->fingerprint();
  }
  plan_look_ = std::make_unique<PlanLook>(
      context_,
      *driver_,
      Ask{plan == nullptr ? wire::UpdateChoice() : plan->choice, {}},
      context_.state_dir,
      is_check ? PlanLook::Sizes::left_out : PlanLook::Sizes::asked,
      [this, id = waiting.id, request = waiting.request](Result<wire::UpdatePlan> found) {
        looked(id, request, std::move(found));
      });
}

void Updates::looked(std::optional<wire::MessageId> id,
                     const wire::UpdateRequest& request,
                     Result<wire::UpdatePlan> plan) {
  const auto ended = std::move(plan_look_);
  // What is answered leaves the queue, and the request with it.
  const bool is_plan = std::holds_alternative<wire::UpdatePlanRequest>(request);
  const bool is_check = std::holds_alternative<wire::UpdateCheck>(request);
  if (plan && is_plan) {
    if (auto added = add_consequences(*plan, *driver_, shop_.proc); !added) {
      plan = tl::unexpected<Error>(added.error());
    }
  }
  if (plan && !is_plan) {
    if (!ended) {  // known from before
      plan = *pending_;
    } else {
      pending_ = *plan;
      pending_has_sizes_ = !is_check;
      checked_ = context_.clock.now();
    }
    tell_summary();
  }
  if (id) {
    looks_.pop_front();
    runtime::answer(context_,
                    *id,
                    !plan      ? Result<std::string>(tl::unexpected<Error>(plan.error()))
                    : is_check ? wire::encode(summary())
                               : shown(*std::move(plan)));
  } else if (!plan) {
    context_.log.warning("updates cannot be looked for: " + plan.error().message);
  }
  next_look_.start(milliseconds(0));
}

void Updates::held(const wire::MessageId& id, const Result<std::string>& said) {
  const auto state = driver_->state();
  if (!said || !state) {
    runtime::answer(context_, id, tl::unexpected<Error>(said ? state.error() : said.error()));
    return end_change();
  }
  json names = json::array();
  for (const auto& [name, package] : state->packages) {
    if (package.held) {
      names.push_back(name);
    }
  }
  runtime::answer(context_, id, json{{"held", std::move(names)}}.dump());
  end_change();
}

std::string Updates::status() const {
  json out = {{"summary", json::parse(wire::encode(summary()))}};
  if (run_) {
    const auto& record = run_->record();
    out["run"] = {{"id", record.id},
                  {"phase", wire::word(record.phase)},
                  {"started", wire::format_time(record.started)}};
    out["run"].update(json::parse(wire::encode(wire::UpdateRequest(record.request))));
    if (!run_->waits_for().empty()) {
      out["run"]["waits_for"] = run_->waits_for();
    }
  }
  json queued = json::array();
  for (const auto& waiting : changes_) {
    if (!run_ || run_->id() != waiting.id.str()) {
      queued.push_back(waiting.id.str());
    }
  }
  out["queued"] = std::move(queued);
  if (const auto history = records_.history(); !history.empty()) {
    out["last"] = {{"id", history[0].id},
                   {"state", wire::word(history[0].state)},
                   {"message", history[0].message},
                   {"ended", wire::format_time(history[0].ended)}};
  }
  return wire::dump_json(out);
}

std::string Updates::history(std::size_t limit) const {
  json runs = json::array();
  std::size_t bytes = 0;
  for (auto& outcome : records_.history()) {
    auto text = wire::encode(outcome);
    bytes += text.size();
    if (runs.size() == limit || bytes > kMostAnswer) {
      break;
    }
    runs.push_back(json::parse(text));
  }
  return wire::dump_json({{"runs", std::move(runs)}});
}

}  // namespace steward::handlers::osupdate
