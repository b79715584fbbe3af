#include "handlers/runtime/intake.hpp"

#include "subjects/bus/outbox.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/target.hpp"

#include <nlohmann/json.hpp>

#include <exception>
#include <utility>

namespace steward::runtime {

namespace {

constexpr std::size_t kRememberedRefusals = 1024;

// A cancel is two short fields; what is longer is some other command that contains the word.
constexpr std::size_t kLongestCancel = 4096;

std::optional<wire::MessageId> parse_id(std::string_view text) {
  auto id = wire::MessageId::parse(text);
  return id ? std::optional(*std::move(id)) : std::nullopt;
}

}  // namespace

Intake::Intake(const House& house,
               const HandlerKind& kind,
               const wire::Token& domain,
               Loop& loop,
               Tally& tally,
               const Logger& log)
    : house_(house),
      kind_(kind),
      domain_(domain),
      tally_(tally),
      log_(log),
      acks_(house, *wire::Token::parse(kind.method)),
      complaint_(house.clock, log),
      way_back_(std::make_shared<WayBack>()) {
  const bus::Lock lock(way_back_->mutex);
  way_back_->loop = &loop;
}

Intake::~Intake() {
  const bus::Lock lock(way_back_->mutex);
  way_back_->loop = nullptr;
}

void Intake::take(bus::Message&& message) {
  ++tally_.received;
  auto opened = house_.channel.open_command(house_.node, std::move(message), house_.clock.now());
  if (!opened) {
    refuse(opened.error().id, opened.error().job, opened.error().error);
    return;
  }
  serve_command(*std::move(opened));
}

void Intake::serve_command(bus::Opened&& opened) {
  const auto id = opened.envelope.id;
  const Job job = opened.envelope.job;
  if (!opened.envelope.target.empty()) {
    const auto target = wire::Target::parse(opened.envelope.target);
    if (!target) {
      refuse(id, job, Error{ErrorCode::unsupported, "ce-target: " + target.error().message});
      return;
    }
    if (!target->matches(house_.node.str())) {
      return;  // somebody else is meant: stay silent
    }
  }
  if (kind_.acked) {
    if (pending_.contains(id)) {
      ++tally_.repeated;  // its ACK is on the way
      return;
    }
    if (const auto refused = refused_.find(id); refused != refused_.end()) {
      ++tally_.repeated;
      acks_.repeat(id, refused->second, job);
      return;
    }
  }
  auto admission = admit(opened);
  if (!admission) {
    refuse(id, job, admission.error());
    return;
  }
  if (kind_.acked) {
    accept(opened, *std::move(admission));
    return;
  }
  ++tally_.accepted;
  if (admission->start) {
    admission->start();
  }
}

Result<Admission> Intake::admit(bus::Opened& opened) {
  if (kind_.acked) {
    if (auto cancels = cancel_admission(opened)) {
      return *std::move(cancels);
    }
  }
  if (kind_.acked && house_.outbox.full()) {
    return failure(ErrorCode::overloaded,
                   "the station has not taken what is ready for it: no room for more answers");
  }
  if (handler_ == nullptr) {
    return failure(ErrorCode::unavailable,
                   "the handler has failed and is being started again; send the command again");
  }
  const auto id = opened.envelope.id;
  const Job job = opened.envelope.job;
  // Lent to the handler without a copy: the ledger wants the same bytes next.
  Command command{std::move(opened.envelope), std::move(opened.payload)};
  try {
    auto admission = handler_->receive(command);
    opened.envelope = std::move(command.envelope);
    opened.payload = std::move(command.payload);
    return admission;
  } catch (...) {
    refuse(id, job, Error{ErrorCode::handler_crashed, "the handler failed at this command"});
    throw;
  }
}

void Intake::accept(const bus::Opened& opened, Admission admission) {
  const auto id = opened.envelope.id;
  pending_.emplace(id, Pending{opened.envelope.job, std::move(admission)});
  const auto caller = std::this_thread::get_id();
  house_.ledger.accept(
      opened, [this, id, caller, back = way_back_](Result<bus::Ledger::Entry> entry) {
        if (std::this_thread::get_id() == caller) {
          settle(id, std::move(entry));
          return;
        }
        const bus::Lock lock(back->mutex);
        if (back->loop != nullptr) {
          back->loop->post(
              [this, id, entry = std::move(entry)]() mutable { settle(id, std::move(entry)); });
        }
      });
}

void Intake::settle(const wire::MessageId& id, Result<bus::Ledger::Entry> entry) {
  auto node = pending_.extract(id);
  if (node.empty()) {
    return;
  }
  Pending pending = std::move(node.mapped());
  if (!entry) {
    refuse(id, pending.job, entry.error());
    return;
  }
  switch (entry->verdict) {
    case bus::Ledger::Verdict::repeated:
      ++tally_.repeated;
      if (!entry->recorded_ack.empty()) {
        acks_.repeat(id, std::move(entry->recorded_ack), pending.job);
      }
      return;
    case bus::Ledger::Verdict::cancelled:
      acks_.say(ack(id, wire::CommandState::cancelled), pending.job);
      return;
    case bus::Ledger::Verdict::fresh:
      run(id, std::move(pending));
      return;
  }
}

void Intake::run(const wire::MessageId& id, Pending pending) {
  ++tally_.accepted;
  open_.emplace(id, pending.job);
  auto accepted = ack(id, wire::CommandState::accepted);
  accepted.ignored = std::move(pending.admission.ignored);
  acks_.say(std::move(accepted), pending.job);
  if (pending.cancelled) {
    step(ack(id, wire::CommandState::cancelled));
  } else if (pending.orphaned) {
    auto interrupted = ack(id, wire::CommandState::interrupted);
    interrupted.code = word(ErrorCode::handler_crashed);
    interrupted.message = "the handler failed before it started this command";
    step(std::move(interrupted));
  } else if (pending.admission.start) {
    pending.admission.start();
  }
}

void Intake::step(wire::Ack ack) {
  const auto open = open_.find(ack.ref);
  if (open == open_.end()) {
    log_.error("a step (" + std::string(word(ack.state)) + ") of command " + ack.ref.str() +
               ", which is finished or unknown, is not sent");
    return;
  }
  const Job job = open->second;
  if (is_terminal(ack.state)) {
    open_.erase(open);
  }
  ack.domain = domain_.str();
  acks_.say(std::move(ack), job);
}

void Intake::interrupt_all(ErrorCode code, const std::string& why) {
  for (auto& [id, pending] : pending_) {
    pending.orphaned = true;
  }
  for (const auto& [id, job] : std::exchange(open_, {})) {
    auto interrupted = ack(id, wire::CommandState::interrupted);
    interrupted.code = word(code);
    interrupted.message = why;
    acks_.say(std::move(interrupted), job);
  }
}

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
  const auto ref = parse_id(fields.text("ref"));
  auto ignored = fields.finish();
  if (!is_cancel || !ref || !ignored) {
    return std::nullopt;
  }
  const auto id = opened.envelope.id;
  const auto expires = opened.envelope.expires.value_or(house_.clock.now() + wire::kDefaultExpiry);
  return Admission{*std::move(ignored),
                   [this, id, ref = *ref, expires] { cancel(id, ref, expires); }};
}

void Intake::cancel(const wire::MessageId& cancel_id,
                    const wire::MessageId& ref,
                    wire::Timestamp expires) {
  const auto outcome = cancel_ref(ref, expires);
  auto end = ack(cancel_id, outcome ? wire::CommandState::done : wire::CommandState::failed);
  if (outcome) {
    end.result = R"({"cancelled":")" + std::string(*outcome) + R"("})";
  } else {
    end.code = word(outcome.error().code);
    end.message = outcome.error().message;
  }
  step(std::move(end));
}

Result<std::string_view> Intake::cancel_ref(const wire::MessageId& ref, wire::Timestamp expires) {
  if (const auto pending = pending_.find(ref); pending != pending_.end()) {
    pending->second.cancelled = true;
    return "ahead";
  }
  if (handler_ != nullptr && handler_->cancel(ref) == CancelOutcome::cancelled) {
    return "running";
  }
  if (house_.ledger.recorded(ref)) {
    return "finished";
  }
  if (auto remembered = house_.ledger.cancel_ahead(ref, expires); !remembered) {
    return tl::unexpected(std::move(remembered).error());
  }
  return "ahead";
}

void Intake::overflowed(const Overflow& overflow) {
  ++tally_.received;
  refuse(parse_id(overflow.id),
         parse_id(overflow.job),
         Error{ErrorCode::overloaded, "too many commands wait for this handler"});
}

void Intake::refuse(const std::optional<wire::MessageId>& id, const Job& job, const Error& error) {
  if (!kind_.acked || !id) {
    ++tally_.dropped;
    complaint_.say("a message was dropped: " + error.text());
    return;
  }
  if (said_before(*id, job)) {
    return;
  }
  ++tally_.refused;
  complaint_.say("command " + id->str() + " was refused: " + error.text());
  remember_refusal(*id, acks_.refuse(*id, domain_, error, job));
}

// A command that is known already cannot be refused any more: a copy that comes late, or finds the
// mailbox full, gets the ACK that stands.
bool Intake::said_before(const wire::MessageId& id, const Job& job) {
  std::optional<std::string> said;
  if (const auto refused = refused_.find(id); refused != refused_.end()) {
    said = refused->second;
  } else if (pending_.contains(id)) {
    said = "";
  } else {
    said = house_.ledger.recorded(id);
  }
  if (!said) {
    return false;
  }
  ++tally_.repeated;
  if (!said->empty()) {
    acks_.repeat(id, *std::move(said), job);
  }
  return true;
}

void Intake::remember_refusal(const wire::MessageId& id, std::string payload) {
  if (refused_.size() >= kRememberedRefusals) {
    refused_.erase(refused_order_.front());
    refused_order_.pop_front();
  }
  refused_order_.push_back(id);
  refused_.emplace(id, std::move(payload));
}

wire::Ack Intake::ack(const wire::MessageId& ref, wire::CommandState state) const {
  return {.ref = ref, .domain = domain_.str(), .state = state};
}

}  // namespace steward::runtime
