#include "handlers/runtime/intake.hpp"

#include "subjects/bus/crash_point.hpp"
#include "subjects/wire/target.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace steward::runtime {

namespace {

constexpr std::size_t kRememberedRefusals = 1024;

// A command that has taken its handler down so often is left alone.
constexpr int kMostCrashes = 3;

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
      acks_(std::make_shared<const Acks>(house, *wire::Token::parse(kind.method))),
      complaint_(house.clock, log),
      way_back_(std::make_shared<WayBack>()) {
  const bus::Lock lock(way_back_->mutex);
  way_back_->intake = this;
  way_back_->loop = &loop;
}

Intake::~Intake() {
  const bus::Lock lock(way_back_->mutex);
  way_back_->intake = nullptr;
  way_back_->loop = nullptr;
}

void Intake::keep_notes(const std::filesystem::path& file) {
  if (!kind_.acked) {
    return;
  }
  if (auto opened = notes_.open(file); !opened) {
    log_.warning("a command that ends the agent will not be known by it: " + opened.error().text());
  }
}

void Intake::take(bus::Message&& message) {
  ++tally_.received;
  auto opened = house_.channel.open_command(house_.node, std::move(message), house_.clock.now());
  if (!opened) {
    turn_away(opened.error());
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
      acks_->say_plainly(id, refused->second, job);
      return;
    }
  }
  auto admission = admit(opened);
  if (!admission) {
    refuse(id, job, admission.error(), opened.envelope.expires);
    return;
  }
  if (kind_.acked) {
    accept(std::move(opened), *std::move(admission));
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
  if (handler_ == nullptr) {
    return failure(ErrorCode::unavailable,
                   "the handler has failed and is being started again; send the command again");
  }
  const auto id = opened.envelope.id;
  const Job job = opened.envelope.job;
  // Lent to the handler without a copy: the ledger wants the same bytes next.
  Command command{std::move(opened.envelope), std::move(opened.payload)};
  try {
    auto admission = hand_over(command);
    opened.envelope = std::move(command.envelope);
    opened.payload = std::move(command.payload);
    return admission;
  } catch (...) {
    refuse(id, job, Error{ErrorCode::handler_crashed, "the handler failed at this command"});
    throw;
  }
}

Result<Admission> Intake::hand_over(const Command& command) {
  if (!kind_.acked) {
    return handler_->receive(command);
  }
  if (notes_.crashes(command.envelope.id) >= kMostCrashes) {
    return failure(ErrorCode::handler_crashed,
                   "this command has taken the handler or the agent down three times");
  }
  const CrashNotes::Call call(notes_, command.envelope.id);
  bus::crash_point("edge.handler.receive", command.envelope.id.view());
  return handler_->receive(command);
}

bus::CommandRow Intake::row(const wire::MessageId& id, wire::Timestamp expires) const {
  return {.id = id,
          .method = std::string(kind_.method),
          .domain = domain_.str(),
          .expires = expires,
          .ack = {}};
}

// A command that begins at once, or that finds the handler with nothing to do, is accepted as
// started: one write from its receipt to its effect.
void Intake::accept(bus::Opened&& opened, Admission admission) {
  const auto& envelope = opened.envelope;
  const auto id = envelope.id;
  const Job job = envelope.job;
  auto accepted = ack(id, wire::CommandState::accepted);
  accepted.ignored = std::move(admission.ignored);
  auto payload = wire::encode(accepted);
  auto its_row = row(id, envelope.expires.value_or(house_.clock.now() + wire::kDefaultExpiry));
  its_row.ack = bus::Ledger::kept_form(accepted, payload);
  const bool alone =
      open_.empty() && pending_.empty() && left_.empty() && loaded_.empty() && !loading_;
  if (alone || !admission.begins_itself) {
    its_row.stage = bus::CommandStage::started;
    its_row.attempts = 1;
  }
  pending_.emplace(id, Pending{job, std::move(admission), its_row, {}});
  bus::Message message{
      opened.transport.str(), wire::encode_envelope(envelope), std::move(opened.payload), {}};
  bus::Event event = acks_->event(id, std::move(payload), job);
  auto cancelled = [acks = acks_, id, job, domain = domain_.str()] {
    return acks->event(id,
                       wire::encode(wire::Ack{
                           .ref = id, .domain = domain, .state = wire::CommandState::cancelled}),
                       job);
  };
  house_.ledger.accept(
      {std::move(its_row), std::move(message), std::move(event), std::move(cancelled)},
      on_my_thread<Result<bus::Ledger::Entry>>(
          [id](Intake& self, Result<bus::Ledger::Entry> entry) {
            self.settle(id, std::move(entry));
          }));
}

void Intake::settle(const wire::MessageId& id, Result<bus::Ledger::Entry> entry) {
  auto node = pending_.extract(id);
  if (node.empty()) {
    return;
  }
  Pending pending = std::move(node.mapped());
  if (!pending.refusal.empty()) {
    settle_refusal(id, std::move(pending), std::move(entry));
    return;
  }
  if (!entry) {
    refuse_unrecorded(id, pending.job, wire::encode(refusal(id, domain_.str(), entry.error())));
    return;
  }
  switch (entry->verdict) {
    case bus::Ledger::Verdict::repeated:
      ++tally_.repeated;
      acks_->say_plainly(id, std::move(entry->recorded_ack), pending.job);
      return;
    case bus::Ledger::Verdict::cancelled:
      return;
    case bus::Ledger::Verdict::fresh:
      run(id, std::move(pending));
      return;
  }
}

void Intake::run(const wire::MessageId& id, Pending pending) {
  ++tally_.accepted;
  Open open{pending.job,
            std::move(pending.row),
            pending.admission.repeatable,
            ++arrivals_,
            nullptr,
            std::nullopt};
  open_.emplace(id, std::move(open));
  if (pending.cancelled) {
    step(ack(id, wire::CommandState::cancelled));
  } else if (pending.orphaned) {
    end(id,
        wire::CommandState::interrupted,
        {ErrorCode::handler_crashed, "the handler failed before it started this command"});
  } else {
    start(id, pending.admission.start);
  }
}

void Intake::start(const wire::MessageId& id, const std::function<void()>& start) {
  if (start) {
    const CrashNotes::Call call(notes_, id);
    start();
  }
}

void Intake::begin(const wire::MessageId& ref, std::function<void()> then) {
  const auto open = open_.find(ref);
  if (open == open_.end()) {
    return;
  }
  if (open->second.row.stage == bus::CommandStage::started) {
    then();
    return;
  }
  open->second.begun = std::move(then);
  house_.channel.guarded() ? ask_again(ref) : begin_now(ref);
}

void Intake::begin_now(const wire::MessageId& ref) {
  house_.ledger.begin(ref, on_my_thread<>([ref](Intake& self) { self.begun(ref); }));
}

void Intake::begun(const wire::MessageId& ref) {
  const auto open = open_.find(ref);
  if (open == open_.end()) {
    return;  // it has ended meanwhile
  }
  open->second.row.stage = bus::CommandStage::started;
  ++open->second.row.attempts;
  start(ref, std::exchange(open->second.begun, nullptr));
}

void Intake::step(wire::Ack ack) {
  const auto open = open_.find(ack.ref);
  if (open == open_.end()) {
    log_.error("a step (" + std::string(word(ack.state)) + ") of command " + ack.ref.str() +
               ", which is finished or unknown, is not sent");
    return;
  }
  const Job job = open->second.job;
  if (is_terminal(ack.state)) {
    if (open->second.denied) {
      ack = refusal(ack.ref, domain_.str(), *open->second.denied);
    }
    open_.erase(open);
  }
  ack.domain = domain_.str();
  acks_->say(std::move(ack), job);
}

void Intake::end(const wire::MessageId& id, wire::CommandState state, const Error& error) {
  auto last = ack(id, state);
  last.code = word(error.code);
  last.message = error.message;
  step(std::move(last));
}

void Intake::overflowed(const Overflow& overflow) {
  ++tally_.received;
  turn_away({Error{ErrorCode::overloaded, "too many commands wait for this handler"},
             parse_id(overflow.id),
             parse_id(overflow.job)});
}

// A command that is known already cannot be refused any more: a copy that comes late, or finds the
// mailbox full, gets the ACK that stands. The ledger knows.
void Intake::refuse(const std::optional<wire::MessageId>& id,
                    const Job& job,
                    const Error& error,
                    const std::optional<wire::Timestamp>& expires) {
  if (!kind_.acked || !id) {
    ++tally_.dropped;
    complaint_.say("a message was dropped: " + error.text());
    return;
  }
  if (pending_.contains(*id)) {
    ++tally_.repeated;
    return;
  }
  if (const auto refused = refused_.find(*id); refused != refused_.end()) {
    ++tally_.repeated;
    acks_->say_plainly(*id, refused->second, job);
    return;
  }
  complaint_.say("command " + id->str() + " was refused: " + error.text());
  const auto said = refusal(*id, domain_.str(), error);
  auto payload = wire::encode(said);
  auto its_row = row(*id, expires.value_or(house_.clock.now() + wire::kDefaultExpiry));
  its_row.ack = bus::Ledger::kept_form(said, payload);
  pending_.emplace(*id, Pending{job, {}, its_row, payload});
  house_.ledger.refuse(std::move(its_row),
                       acks_->event(*id, std::move(payload), job),
                       on_my_thread<Result<bus::Ledger::Entry>>(
                           [id = *id](Intake& self, Result<bus::Ledger::Entry> entry) {
                             self.settle(id, std::move(entry));
                           }));
}

void Intake::settle_refusal(const wire::MessageId& id,
                            Pending pending,
                            Result<bus::Ledger::Entry> entry) {
  if (!entry) {
    refuse_unrecorded(id, pending.job, std::move(pending.refusal));
    return;
  }
  if (entry->verdict == bus::Ledger::Verdict::repeated) {
    ++tally_.repeated;
    acks_->say_plainly(id, std::move(entry->recorded_ack), pending.job);
    return;
  }
  ++tally_.refused;
  remember_refusal(id, std::move(pending.refusal));
}

// Where there is no room to record them, refusals go out once: they must not push out what the
// station waits for. Their copies get the same word.
void Intake::refuse_unrecorded(const wire::MessageId& id, const Job& job, std::string payload) {
  ++tally_.refused;
  acks_->say_plainly(id, payload, job);
  remember_refusal(id, std::move(payload));
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
