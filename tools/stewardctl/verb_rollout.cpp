#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/rollout.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/tell_station.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace steward::ctl {

namespace {

struct RolloutWordArguments {
  std::string job;
  std::string note;
  bool open = false;
};

Paint paint_of_rollout(const wire::RolloutRow& row) {
  switch (row.state) {
    case wire::RolloutState::halted:
    case wire::RolloutState::aborted:
      return Paint::bad;
    case wire::RolloutState::done:
      return row.counts.failures() > 0 ? Paint::bad : Paint::good;
    default:
      return Paint::warning;
  }
}

Result<std::vector<wire::RolloutRow>> load_rollouts(Session& session, bool open_only) {
  auto request = all_rows();
  request.open_only = open_only;
  STEWARD_TRY(const auto answer, session.query("rollouts", request));
  std::vector<wire::RolloutRow> rows;
  for (const auto& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_rollout_row(text));
    rows.push_back(std::move(row));
  }
  return rows;
}

// The one that is named, or the only one that is open (of that method, where one is named).
Result<wire::RolloutRow> meant_rollout(Session& session,
                                       const std::string& job,
                                       const std::string& method) {
  if (!job.empty()) {
    const auto id = wire::MessageId::parse(job);
    if (!id) {
      return failure(ErrorCode::bad_config,
                     fmt::format("'{}' is no job id (26 letters and digits). See: stewardctl "
                                 "rollout ls",
                                 job));
    }
    STEWARD_TRY(auto row, find_rollout(session, *id));
    if (!row) {
      return failure(
          ErrorCode::not_found,
          fmt::format("the station knows no rollout {}. See: stewardctl rollout ls", id->view()));
    }
    return *std::move(row);
  }
  STEWARD_TRY(auto rows, load_rollouts(session, true));
  std::erase_if(
      rows, [&method](const auto& row) { return !method.empty() && row.plan.method != method; });
  if (rows.size() == 1) {
    return std::move(rows.front());
  }
  return failure(rows.empty() ? ErrorCode::not_found : ErrorCode::bad_config,
                 rows.empty() ? "no rollout is open. See: stewardctl rollout ls"
                              : fmt::format("{} rollouts are open: name one. See: stewardctl "
                                            "rollout ls --open",
                                            rows.size()));
}

Result<Exit> list_rollouts(Invocation& invocation, const RolloutWordArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto rows, load_rollouts(*session, arguments.open));
  Console& console = invocation.console;
  std::vector<std::string> texts;
  Table table({{"JOB"}, {"STATE"}, {"GROUP"}, {"DONE"}, {"FAILED"}, {"WAITING"}, {"COMMAND"}});
  for (const auto& row : rows) {
    texts.push_back(invocation.format == Format::name ? row.plan.rollout.str() : wire::encode(row));
    table.add({{row.plan.rollout.str()},
               {std::string(wire::word(row.state)), paint_of_rollout(row)},
               {fmt::format("{}/{}", row.begun, row.groups)},
               {fmt::format("{}/{}", row.counts.done, row.plan.units)},
               {fmt::format("{}", row.counts.failures())},
               {fmt::format("{}", row.counts.held + row.counts.deferred)},
               {one_line(row.summary)}});
  }
  if (invocation.format == Format::json) {
    console.out(fmt::format("[{}]\n", fmt::join(texts, ",\n ")));
  } else if (!invocation.is_table()) {
    for (const auto& text : texts) {
      console.out(text + "\n");
    }
  } else if (rows.empty()) {
    console.note("No rollouts. Begin one: stewardctl run 'ship*' --batch 10% -- CMD");
  } else {
    console.out(table.render(console.look().out, console.width()));
  }
  return Exit::ok;
}

std::string rollout_facts(const wire::RolloutRow& row, const Style& style, const Console& console) {
  Table facts({{""}, {""}});
  const auto add = [&facts](const std::string& name, const std::string& value) {
    if (!value.empty()) {
      facts.add({{name, Paint::faint}, {value}});
    }
  };
  const auto& plan = row.plan;
  add("command", one_line(row.summary));
  add("by", fmt::format("{}  {}", row.by, date_time(row.created)));
  add("state",
      fmt::format("{}{}{}", wire::word(row.state), row.reason.empty() ? "" : ", ", row.reason));
  add("since", date_time(row.changed));
  add("plan",
      fmt::format("{}, {}at most {} at a time, {} may fail, {} each{}{}",
                  counted(plan.units, "unit"),
                  plan.canary > 0 ? fmt::format("{} first, ", plan.canary) : "",
                  plan.batch,
                  wire::text_of(plan.max_fail),
                  short_age(plan.timeout),
                  plan.pause.count() > 0 ? ", pause " + short_age(plan.pause) : "",
                  plan.approve ? ", approval of each group" : ""));
  add("progress", rollout_text(row));
  if (row.received < plan.units) {
    add("received", fmt::format("{} of {}", row.received, plan.units));
  }
  add("deferred", fmt::format("{}", fmt::join(row.deferred, ",")));
  add("overdue", fmt::format("{}", fmt::join(row.overdue, ",")));
  return style.paint(Paint::strong, "rollout " + plan.rollout.str()) + "\n" +
         facts.render(style, console.width(), Table::Titles::hidden);
}

Result<Exit> show_rollout(Invocation& invocation, const RolloutWordArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto row, meant_rollout(*session, arguments.job, ""));
  Console& console = invocation.console;
  if (invocation.format == Format::name) {
    console.out(row.plan.rollout.str() + "\n");
  } else if (!invocation.is_table()) {
    console.out(wire::encode(row) + "\n");
  } else {
    console.out(rollout_facts(row, console.look().out, console));
    console.note("Unit by unit: stewardctl jobs show " + row.plan.rollout.str());
    if (const auto next = next_step(row); !next.empty()) {
      console.note(next);
    }
  }
  return Exit::ok;
}

Result<Exit> wait_rollout(Invocation& invocation, const RolloutWordArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto row, meant_rollout(*session, arguments.job, ""));
  return follow_rollout(invocation, *session, row.plan.rollout);
}

bool rests(wire::RolloutState state) {
  return state == wire::RolloutState::paused || state == wire::RolloutState::halted ||
         state == wire::RolloutState::waiting;
}

// Whether the word has done what it is to.
bool is_obeyed(wire::RolloutWord::Op op,
               const wire::RolloutRow& before,
               const wire::RolloutRow& now) {
  switch (op) {
    case wire::RolloutWord::Op::pause:
      return now.state == wire::RolloutState::paused;
    case wire::RolloutWord::Op::abort:
      return now.state == wire::RolloutState::aborted;
    case wire::RolloutWord::Op::resume:
      break;
  }
  return !rests(now.state) || now.changed != before.changed;
}

Result<void> check_word(wire::RolloutWord::Op op, const wire::RolloutRow& row) {
  const std::string state(wire::word(row.state));
  if (wire::is_over(row.state)) {
    return failure(ErrorCode::conflict,
                   fmt::format("rollout {} is over: {}", row.plan.rollout.view(), state));
  }
  if (op == wire::RolloutWord::Op::resume && !rests(row.state)) {
    return failure(
        ErrorCode::conflict,
        fmt::format(
            "rollout {} is {}: there is nothing to resume", row.plan.rollout.view(), state));
  }
  if (op == wire::RolloutWord::Op::pause && row.state == wire::RolloutState::receiving) {
    return failure(ErrorCode::conflict,
                   fmt::format("rollout {} has not begun", row.plan.rollout.view()));
  }
  return {};
}

// It allows what the person has seen, and no more.
template <wire::RolloutWord::Op op>
Result<Exit> say_word(Invocation& invocation,
                      const RolloutWordArguments& arguments,
                      const std::string& method) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto row, meant_rollout(*session, arguments.job, method));
  if (auto good = check_word(op, row); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  const bool allows_next = row.state == wire::RolloutState::waiting;
  const wire::RolloutWord word{op,
                               row.plan.rollout,
                               allows_next ? row.begun + 1 : row.allowed,
                               row.counts.failures(),
                               arguments.note};
  std::optional<wire::RolloutRow> last;
  const auto done = [&](const wire::MessageId&) -> Result<bool> {
    STEWARD_TRY(last, find_rollout(*session, row.plan.rollout));
    return last && is_obeyed(op, row, *last);
  };
  if (auto told = tell_station(*session, "rollout", wire::encode(wire::RolloutRequest(word)), done);
      !told) {
    return tl::unexpected<Error>(std::move(told).error());
  }
  if (last) {
    invocation.console.note(fmt::format("rollout {}: {}  {}",
                                        row.plan.rollout.view(),
                                        wire::word(last->state),
                                        rollout_text(*last)));
  }
  return Exit::ok;
}

template <wire::RolloutWord::Op op, bool of_updates>
Action declare_word(Syntax& syntax) {
  const auto arguments = std::make_shared<RolloutWordArguments>();
  syntax.positional("JOB", arguments->job, Syntax::Presence::optional);
  syntax.option("--note", arguments->note, "TEXT", "why, for others to read");
  return [arguments](Invocation& invocation) {
    return say_word<op>(invocation, *arguments, of_updates ? "osupdate" : "");
  };
}

constexpr std::string_view kPauses =
    "What is at work goes on; no further unit is asked. Without JOB: the only open one.";
constexpr std::string_view kResumes =
    "One that waits begins its next group. One that was halted accepts the failures\n"
    "that there are; one more halts it again.";
constexpr std::string_view kAborts =
    "What is at work goes on (stop it: stewardctl jobs cancel JOB); what was held is\n"
    "cancelled, and units that were away are not asked when they come back.";

}  // namespace

Verbs update_rollout_verbs() {
  using Op = wire::RolloutWord::Op;
  return {{"update pause",
           "pause a rollout of updates",
           kPauses,
           "stewardctl update pause\n"
           "stewardctl update pause 01JD3X5T8E6Q4M2B7R9KZ1VWYA --note 'storm'",
           TakesCommand::no,
           &declare_word<Op::pause, true>},
          {"update resume",
           "go on with a rollout of updates",
           kResumes,
           "stewardctl update resume 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
           TakesCommand::no,
           &declare_word<Op::resume, true>},
          {"update abort",
           "end a rollout of updates",
           kAborts,
           "stewardctl update abort 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
           TakesCommand::no,
           &declare_word<Op::abort, true>}};
}

Verbs rollout_verbs() {
  using Op = wire::RolloutWord::Op;
  return {{"rollout ls",
           "what the station rolls out, and how far it is",
           "Begin one by --batch, --canary and the like of run, call and update apply.",
           "stewardctl rollout ls\n"
           "stewardctl rollout ls --open",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto arguments = std::make_shared<RolloutWordArguments>();
             syntax.flag("--open", arguments->open, "only those that are not over");
             return [arguments](Invocation& invocation) {
               return list_rollouts(invocation, *arguments);
             };
           }},
          {"rollout show",
           "one rollout: its plan, how far it is, who is away",
           "",
           "stewardctl rollout show\n"
           "stewardctl rollout show 01JD3X5T8E6Q4M2B7R9KZ1VWYA -o json",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto arguments = std::make_shared<RolloutWordArguments>();
             syntax.positional("JOB", arguments->job, Syntax::Presence::optional);
             return [arguments](Invocation& invocation) {
               return show_rollout(invocation, *arguments);
             };
           }},
          {"rollout wait",
           "follow a rollout until it ends or halts",
           "Exits as run does: 4 where nothing is left but units that are away.",
           "stewardctl rollout wait 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto arguments = std::make_shared<RolloutWordArguments>();
             syntax.positional("JOB", arguments->job, Syntax::Presence::optional);
             return [arguments](Invocation& invocation) {
               return wait_rollout(invocation, *arguments);
             };
           }},
          {"rollout pause",
           "release no further unit for now",
           kPauses,
           "stewardctl rollout pause\n"
           "stewardctl rollout pause 01JD3X5T8E6Q4M2B7R9KZ1VWYA --note 'storm'",
           TakesCommand::no,
           &declare_word<Op::pause, false>},
          {"rollout resume",
           "go on: after a pause, a halt, or to the next group",
           kResumes,
           "stewardctl rollout resume 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
           TakesCommand::no,
           &declare_word<Op::resume, false>},
          {"rollout abort",
           "end a rollout: nothing more is released",
           kAborts,
           "stewardctl rollout abort 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
           TakesCommand::no,
           &declare_word<Op::abort, false>}};
}

}  // namespace steward::ctl
