// Units of systemd, told in systemd's own words.

#include "handlers/daemon/daemons.hpp"
#include "handlers/runtime/answer.hpp"
#include "handlers/runtime/system_journal.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kJobPatience{120'000};
constexpr std::size_t kMostJournal = 256 * 1024;
constexpr std::size_t kLastLines = 20;  // of a run
constexpr std::size_t kLastBytes = 4'096;
constexpr milliseconds kJournalPause{300};  // behind an end, for the journal to have its last line

std::string unit_result(const std::string& unit, const std::string& job) {
  json out = {{"unit", unit}};
  if (!job.empty()) {
    out["job"] = job;
  }
  return wire::dump_json(out);
}

// The last lines of a unit, as its programs have said them; none from before `since`.
Result<std::string> last_lines(const std::string& folder,
                               const std::string& unit,
                               std::size_t lines,
                               std::optional<wire::Timestamp> since = std::nullopt) {
  STEWARD_TRY(const auto journal, runtime::SystemJournal::open(folder, unit));
  if (auto sought = journal->seek_end(lines); !sought) {
    return tl::unexpected<Error>(std::move(sought).error());
  }
  std::string text;
  runtime::JournalEntry entry;
  while (text.size() < kMostJournal) {
    STEWARD_TRY(const bool more, journal->next(entry));
    if (!more) {
      break;
    }
    if (!since || entry.written_us >= since->time_since_epoch().count()) {
      text.append(entry.message).push_back('\n');
    }
  }
  return text;
}

// Whole lines.
std::string cut_to_last(std::string text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  const auto line = text.find('\n', text.size() - most - 1);
  return text.substr(line + 1);
}

}  // namespace

// Answered when systemd has.
Daemons::Answer Daemons::tell_unit(const wire::MessageId& id,
                                   wire::DaemonOrder::Op op,
                                   const std::string& unit) {
  using Op = wire::DaemonOrder::Op;
  const auto job = [this, id, unit](Units::Job which) {
    units_.job(which, unit, kJobPatience, [this, id, unit](const Result<std::string>& result) {
      if (!result) {
        fail(id, result.error());
      } else if (*result != "done" && *result != "skipped") {
        fail(id, {ErrorCode::exec_failed, "the job of " + unit + " ended as " + *result});
      } else {
        runtime::answer(context_, id, unit_result(unit, *result));
      }
    });
  };
  const auto done = [this, id, unit](const Result<void>& result) {
    result ? runtime::answer(context_, id, unit_result(unit, "")) : fail(id, result.error());
  };
  switch (op) {
    case Op::start:
      job(Units::Job::start);
      break;
    case Op::stop:
      job(Units::Job::stop);
      break;
    case Op::restart:
      job(Units::Job::restart);
      break;
    case Op::reload:
      job(Units::Job::reload);
      break;
    case Op::freeze:
      units_.freeze(unit, done);
      break;
    case Op::thaw:
      units_.thaw(unit, done);
      break;
    case Op::enable:
      units_.enable(unit, done);
      break;
    case Op::disable:
      units_.disable(unit, done);
      break;
    case Op::reset:
      units_.reset_failed(unit, done);
      break;
    case Op::remove:
      return failure(ErrorCode::not_found, "no daemon is named '" + unit + "' here");
  }
  return std::nullopt;
}

Daemons::Answer Daemons::signal_unit(const wire::MessageId& id,
                                     const std::string& unit,
                                     int signal) {
  units_.kill(unit, signal, [this, id, unit](const Result<void>& result) {
    result ? runtime::answer(context_, id, unit_result(unit, "")) : fail(id, result.error());
  });
  return std::nullopt;
}

Daemons::Answer Daemons::show_unit(const wire::MessageId& id, const std::string& unit) {
  units_.properties(unit, [this, id, unit](const Result<std::string>& properties) {
    if (!properties) {
      return fail(id, properties.error());
    }
    runtime::answer(
        context_, id, wire::dump_json({{"unit", unit}, {"properties", json::parse(*properties)}}));
  });
  return std::nullopt;
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonUnits&) {
  units_.list([this, id](const Result<std::string>& units) {
    units ? runtime::answer(context_, id, wire::dump_json({{"units", json::parse(*units)}}))
          : fail(id, units.error());
  });
  return std::nullopt;
}

// The journal may be large and the disk slow.
Daemons::Answer Daemons::unit_log(const wire::MessageId& id,
                                  const std::string& unit,
                                  const wire::DaemonLogs& logs) {
  if (logs.offset) {
    return failure(ErrorCode::unsupported,
                   "the journal of a unit has no offsets; follow it with the method tail");
  }
  const auto text = std::make_shared<Result<std::string>>();
  context_.loop.work(
      [text, folder = journal_, unit, lines = logs.lines] {
        *text = last_lines(folder, unit, lines);
      },
      [this, alive = std::weak_ptr<Daemons*>(alive_), text, id, name = logs.name] {
        if (alive.expired()) {
          return;
        }
        *text ? runtime::answer(context_, id, wire::dump_json({{"name", name}, {"data", **text}}))
              : fail(id, text->error());
      });
  return std::nullopt;
}

// Whose last lines are still to be found.
void Daemons::find_last_lines(const Daemon& daemon) {
  const auto row = daemon.row();
  if (row.last_exit && !row.unit.empty()) {
    ends_.insert_or_assign(row.name, Ended{row.unit, row.last_exit->started, ""});
    if (!journal_pause_.active()) {
      journal_pause_.start(kJournalPause);
    }
  }
}

void Daemons::read_last_lines() {
  const auto ends = std::make_shared<std::map<std::string, Ended>>(std::exchange(ends_, {}));
  context_.loop.work(
      [ends, folder = journal_] {
        for (auto& [name, end] : *ends) {
          auto text = last_lines(folder, end.unit, kLastLines, end.started);
          end.lines = cut_to_last(std::move(text).value_or(""), kLastBytes);
        }
      },
      [this, alive = std::weak_ptr<Daemons*>(alive_), ends] {
        if (alive.expired()) {
          return;
        }
        for (const auto& [name, end] : *ends) {
          if (auto* daemon = find(name); daemon != nullptr && !end.lines.empty()) {
            daemon->last_lines(end.started, end.lines);
          }
        }
      });
}

}  // namespace steward::handlers::daemon
