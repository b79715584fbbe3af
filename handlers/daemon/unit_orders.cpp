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

std::string unit_result(const std::string& unit, const std::string& job) {
  json out = {{"unit", unit}};
  if (!job.empty()) {
    out["job"] = job;
  }
  return wire::dump_json(out);
}

// The last lines of a unit, as its programs have said them.
Result<std::string> last_lines(const std::string& folder,
                               const std::string& unit,
                               std::size_t lines) {
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
    text.append(entry.message).push_back('\n');
  }
  return text;
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

}  // namespace steward::handlers::daemon
