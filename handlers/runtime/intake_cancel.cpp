// A cancel is the runtime's own command, for every acknowledged method.

#include "handlers/runtime/intake.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::runtime {

namespace {

// A cancel is two short fields; what is longer is some other command that contains the word.
constexpr std::size_t kLongestCancel = 4096;

}  // namespace

std::optional<Admission> Intake::cancel_admission(const bus::Opened& opened) {
  // The search is cheap, and spares every other command a second parse.
  if (opened.payload.size() > kLongestCancel ||
      opened.payload.find("\"cancel\"") == std::string::npos) {
    return std::nullopt;
  }
  const auto payload = wire::parse_json(opened.payload);
  if (!payload || !payload->is_object()) {
    return std::nullopt;
  }
  wire::Fields fields(*payload);
  const bool is_cancel = fields.text("op") == "cancel";
  const auto ref = wire::MessageId::parse(fields.text("ref"));
  auto ignored = fields.finish();
  if (!is_cancel || !ref || !ignored) {
    return std::nullopt;
  }
  const auto id = opened.envelope.id;
  const auto expires = opened.envelope.expires.value_or(house_.clock.now() + wire::kDefaultExpiry);
  Admission admission{*std::move(ignored),
                      [this, id, ref = *ref, expires] { cancel(id, ref, expires); }};
  admission.repeatable = true;
  return admission;
}

void Intake::cancel(const wire::MessageId& cancel_id,
                    const wire::MessageId& ref,
                    wire::Timestamp expires) {
  if (const auto outcome = cancel_here(ref)) {
    cancelled(cancel_id, *outcome);
    return;
  }
  house_.ledger.cancel_ahead(
      ref, expires, on_my_thread<Result<bool>>([cancel_id](Intake& self, Result<bool> ahead) {
        using Outcome = Result<std::string_view>;
        self.cancelled(cancel_id,
                       ahead ? Outcome(*ahead ? "ahead" : "finished")
                             : Outcome(tl::unexpected(std::move(ahead).error())));
      }));
}

// Of a command that is on its way here, or runs.
std::optional<std::string_view> Intake::cancel_here(const wire::MessageId& ref) {
  if (const auto pending = pending_.find(ref);
      pending != pending_.end() && pending->second.refusal.empty()) {
    pending->second.cancelled = true;
    return "ahead";
  }
  if (const auto left = left_cancelled_.find(ref); left != left_cancelled_.end()) {
    left->second = true;
    return "running";
  }
  if (handler_ != nullptr && handler_->cancel(ref) == CancelOutcome::cancelled) {
    return "running";
  }
  return std::nullopt;
}

void Intake::cancelled(const wire::MessageId& cancel_id, const Result<std::string_view>& outcome) {
  if (!open_.contains(cancel_id)) {
    return;  // the agent ends, and has left it to the next one
  }
  if (!outcome) {
    end(cancel_id, wire::CommandState::failed, outcome.error());
    return;
  }
  auto done = ack(cancel_id, wire::CommandState::done);
  done.result = R"({"cancelled":")" + std::string(*outcome) + R"("})";
  step(std::move(done));
}

}  // namespace steward::runtime
