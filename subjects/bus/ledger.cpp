#include "subjects/bus/ledger.hpp"

#include "subjects/bus/crash_point.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace steward::bus {
namespace {

// An ACK is kept to be said again; its result only while it is small: the outbox carries the whole.
constexpr std::size_t kKeptAckBytes = 1024;

// Rows forgotten in one turn: others wait for it.
constexpr std::size_t kPruned = 2'000;

// How many looks at the clock have to agree before one that jumped ahead is believed.
constexpr std::size_t kLooks = 60;

// What a row takes beside its texts.
constexpr std::size_t kLedgerRowBytes = 200;

}  // namespace

std::string Ledger::kept_form(const wire::Ack& ack, const std::string& encoded) {
  if (encoded.size() <= kKeptAckBytes) {
    return encoded;
  }
  wire::Ack shorter{.ref = ack.ref,
                    .domain = ack.domain,
                    .state = ack.state,
                    .code = ack.code,
                    .message = ack.message,
                    .result = {},
                    .ignored = ack.ignored,
                    .pid = ack.pid,
                    .position = ack.position};
  auto text = wire::encode(shorter);
  if (text.size() <= kKeptAckBytes) {
    return text;
  }
  shorter.ignored.clear();
  shorter.message = "what was said of it is too long to say again";
  return wire::encode(shorter);
}

Ledger::Ledger(Journal& journal, Limits limits) : journal_(journal), limits_(limits) {}

Result<std::vector<CommandRow>> Ledger::load(Storage& storage) {
  STEWARD_TRY(auto rows, storage.unfinished());
  open_ = rows.size();
  return rows;
}

void Ledger::accept(Acceptance acceptance, Then then) {
  struct Asked {
    Acceptance acceptance;
    Result<Entry> entry;
  };

  auto asked = std::make_shared<Asked>(Asked{std::move(acceptance), Entry{}});
  journal_.write(
      [this, asked](Journal::Turn& turn) { return enter(turn, asked->acceptance, asked->entry); },
      [this, asked, then = std::move(then)](Result<void> written) {
        if (!written) {
          return unwritten(asked->acceptance.row.id, std::move(written).error(), then);
        }
        crash_point("edge.accepted", asked->acceptance.row.id.view());
        open_ += asked->entry && asked->entry->verdict == Verdict::fresh ? 1 : 0;
        then(std::move(asked->entry));
      },
      Journal::Kind::refusable);
}

Result<void> Ledger::enter(Journal::Turn& turn, Acceptance& acceptance, Result<Entry>& entry) {
  auto& [row, message, accepted, cancelled] = acceptance;
  auto& storage = turn.storage();
  STEWARD_TRY(auto known, storage.find(row.id));
  if (known && known->stage != CommandStage::cancelled_ahead) {
    entry = Entry{Verdict::repeated, std::move(known->ack), std::move(known->method)};
    return {};
  }
  if (known) {
    entry = Entry{Verdict::cancelled, {}, {}};
    accepted = cancelled();
    row.stage = CommandStage::finished;
    row.ack = accepted.payload;
    row.attempts = 0;
    if (auto changed = storage.change(row); !changed) {
      return changed;
    }
    return turn.record(accepted);
  }
  const std::size_t bytes = bytes_of(message) + row.ack.size() + kLedgerRowBytes;
  if (!turn.has_room(bytes, limits_.bytes)) {
    entry = failure(ErrorCode::overloaded,
                    "the unit has no room for more commands until the station has taken what is "
                    "ready for it, or some that are finished have expired");
    return {};
  }
  turn.grow(bytes);
  if (auto added = storage.add(row, &message); !added) {
    return added;
  }
  return turn.record(accepted);
}

void Ledger::refuse(CommandRow row, Event refusal, Then then) {
  struct Asked {
    CommandRow row;
    Event refusal;
    Result<Entry> entry;
  };

  auto asked = std::make_shared<Asked>(Asked{std::move(row), std::move(refusal), Entry{}});
  asked->row.stage = CommandStage::finished;
  const auto changes = [this, asked](Journal::Turn& turn) -> Result<void> {
    STEWARD_TRY(auto known, turn.storage().find(asked->row.id));
    if (known && known->stage != CommandStage::cancelled_ahead) {
      asked->entry = Entry{Verdict::repeated, std::move(known->ack), std::move(known->method)};
      return {};
    }
    const std::size_t bytes = asked->row.ack.size() + kLedgerRowBytes;
    if (!turn.has_room(bytes + asked->refusal.payload.size(), limits_.bytes)) {
      asked->entry = failure(ErrorCode::overloaded, "no room to record a refusal");
      return {};
    }
    turn.grow(bytes);
    auto& storage = turn.storage();
    auto put = known ? storage.change(asked->row) : storage.add(asked->row, nullptr);
    return put ? turn.record(asked->refusal) : put;
  };
  journal_.write(
      changes,
      [this, asked, then = std::move(then)](Result<void> written) {
        if (!written) {
          return unwritten(asked->row.id, std::move(written).error(), then);
        }
        then(std::move(asked->entry));
      },
      Journal::Kind::refusable);
}

// A copy of a command that stands in the ledger needs no write: it gets its recorded ACK, also
// while the disk takes nothing.
void Ledger::unwritten(const wire::MessageId& id, Error error, const Then& then) {
  auto known = journal_.on_disk().find(id);
  if (known && *known && (*known)->stage != CommandStage::cancelled_ahead) {
    auto& row = **known;
    return then(Entry{Verdict::repeated, std::move(row.ack), std::move(row.method)});
  }
  then(tl::unexpected(std::move(error)));
}

void Ledger::step(const wire::MessageId& id,
                  wire::CommandState state,
                  std::string ack,
                  Event event) {
  struct Step {
    wire::MessageId id;
    bool terminal;
    std::string ack;
    Event event;
    bool finishes = false;
  };

  auto step =
      std::make_shared<Step>(Step{id, is_terminal(state), std::move(ack), std::move(event)});
  const auto changes = [step](Journal::Turn& turn) -> Result<void> {
    STEWARD_TRY(auto row, turn.storage().find(step->id));
    step->finishes = false;
    if (!row || row->stage == CommandStage::finished ||
        row->stage == CommandStage::cancelled_ahead) {
      return {};
    }
    row->ack = step->ack;
    if (step->terminal) {
      row->stage = CommandStage::finished;
      step->finishes = true;
    }
    auto changed = turn.storage().change(*row);
    return changed ? turn.record(step->event) : changed;
  };
  journal_.write(changes, [this, step](const Result<void>&) {
    if (step->finishes) {
      crash_point("edge.finished", step->id.view());
    } else {
      crash_point("edge.stepped", step->id.view());
    }
    open_ -= step->finishes ? 1 : 0;
  });
}

void Ledger::begin(const wire::MessageId& id, std::function<void()> then) {
  const auto changes = [id](Journal::Turn& turn) -> Result<void> {
    STEWARD_TRY(auto row, turn.storage().find(id));
    if (!row || row->stage == CommandStage::finished) {
      return {};
    }
    row->stage = CommandStage::started;
    ++row->attempts;
    return turn.storage().change(*row);
  };
  journal_.write(changes, [id, then = std::move(then)](const Result<void>&) {
    crash_point("edge.begun", id.view());
    then();
  });
}

void Ledger::cancel_ahead(const wire::MessageId& id,
                          wire::Timestamp expires,
                          std::function<void(Result<bool>)> then) {
  auto answer = std::make_shared<Result<bool>>(true);
  const auto changes = [this, id, expires, answer](Journal::Turn& turn) -> Result<void> {
    STEWARD_TRY(const auto known, turn.storage().find(id));
    *answer = !known || known->stage == CommandStage::cancelled_ahead;
    if (known) {
      return {};
    }
    if (!turn.has_room(kLedgerRowBytes, limits_.bytes)) {
      *answer = failure(ErrorCode::overloaded, "the unit has no room to remember a cancel");
      return {};
    }
    CommandRow row{.id = id, .method = {}, .domain = {}, .expires = expires, .ack = {}};
    row.stage = CommandStage::cancelled_ahead;
    return turn.storage().add(row, nullptr);
  };
  journal_.write(
      changes,
      [answer, then = std::move(then)](Result<void> written) {
        if (!written) {
          return then(tl::unexpected(std::move(written).error()));
        }
        then(*answer);
      },
      Journal::Kind::refusable);
}

void Ledger::messages(std::vector<CommandRow> rows,
                      std::function<void(std::vector<Unfinished>)> then) {
  journal_.read([rows = std::move(rows), then = std::move(then)](Storage& storage) {
    std::vector<Unfinished> found;
    for (const auto& row : rows) {
      if (auto message = storage.message_of(row.id); message && *message) {
        found.push_back({row, **std::move(message)});
      }
    }
    then(std::move(found));
  });
}

void Ledger::prune(wire::Timestamp wall, std::chrono::steady_clock::time_point now) {
  using std::chrono::microseconds;
  const auto steady = std::chrono::duration_cast<microseconds>(now.time_since_epoch());
  ahead_.push_back(wall.time_since_epoch() - steady);
  if (ahead_.size() < kLooks) {
    return;  // also at a start: the clock may be wrong, and was not looked at for long enough
  }
  if (ahead_.size() > kLooks) {
    ahead_.pop_front();
  }
  const wire::Timestamp believed(steady + *std::min_element(ahead_.begin(), ahead_.end()));
  const auto before = believed - kKeptAfterExpiry;
  journal_.write(
      [before](Journal::Turn& turn) -> Result<void> {
        STEWARD_TRY([[maybe_unused]] const auto gone, turn.storage().prune(before, kPruned));
        return {};
      },
      {},
      Journal::Kind::refusable);
}

}  // namespace steward::bus
