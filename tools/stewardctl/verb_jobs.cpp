#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/catch_up.hpp"
#include "tools/stewardctl/failures.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/job_source.hpp"
#include "tools/stewardctl/job_view.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/unit_output.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace steward::ctl {

namespace {

struct ListArguments {
  bool open = false;
  bool failed = false;
  std::string limit = "50";
};

struct JobArguments {
  std::string id;
  bool follow = false;
  std::string wait = "10s";
};

Cell job_state(const wire::JobRow& row) {
  if (row.commands.open > 0) {
    return {"open", Paint::warning};
  }
  return row.commands.failed > 0 ? Cell{"failed", Paint::bad} : Cell{"done", Paint::good};
}

std::string jobs_text(const std::vector<wire::JobRow>& rows,
                      const Console& console,
                      wire::Timestamp now) {
  Table table({{"JOB"},
               {"AGE", Align::right},
               {"STATE"},
               {"DONE", Align::right},
               {"FAILED", Align::right},
               {"COMMAND"}});
  for (const wire::JobRow& row : rows) {
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - row.created);
    table.add({{row.job.str()},
               {short_age(std::chrono::floor<std::chrono::seconds>(age))},
               job_state(row),
               {fmt::format("{}/{}", row.commands.done, row.units)},
               {fmt::format("{}", row.commands.failed),
                row.commands.failed > 0 ? Paint::bad : Paint::faint},
               {one_line(row.summary)}});
  }
  return table.render(console.look().out, console.width());
}

Result<Exit> list_jobs(Invocation& invocation, const ListArguments& arguments) {
  const int limit = std::atoi(arguments.limit.c_str());
  if (limit < 1) {
    return failure(ErrorCode::bad_config, "--limit: a number from 1");
  }
  if (arguments.failed) {
    return list_failures(invocation, limit);
  }
  STEWARD_TRY(const auto session, invocation.session());
  wire::QueryRequest request;
  request.limit = limit;
  request.open_only = arguments.open;
  STEWARD_TRY(const auto answer, session->query("jobs", request));
  std::vector<wire::JobRow> rows;
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_job_row(text));
    rows.push_back(std::move(row));
  }
  Console& console = invocation.console;
  if (invocation.format == Format::json) {
    console.out(fmt::format("[{}]\n", fmt::join(answer.rows, ",\n ")));
  } else if (invocation.format == Format::jsonl) {
    console.out(fmt::format("{}{}", fmt::join(answer.rows, "\n"), answer.rows.empty() ? "" : "\n"));
  } else if (invocation.format == Format::name) {
    for (const auto& row : rows) {
      console.out(row.job.str() + "\n");
    }
  } else if (rows.empty()) {
    console.note("No jobs. Start one: stewardctl run ship1 -- uname -a");
  } else {
    // The newest last, next to the prompt.
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return a.created != b.created ? a.created < b.created : a.job < b.job;
    });
    console.out(jobs_text(rows, console, answer.station_time.value_or(wall_clock())));
  }
  return Exit::ok;
}

Mark mark_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return Mark::good;
    case Outcome::pending:
      return Mark::partial;
    case Outcome::failed:
    case Outcome::denied:
      break;
  }
  return Mark::bad;
}

Paint paint_of_outcome(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return Paint::good;
    case Outcome::pending:
      return Paint::warning;
    case Outcome::failed:
    case Outcome::denied:
      break;
  }
  return Paint::bad;
}

// "sent 14:12:03.250  accepted +11ms  running +0ms  done +42ms"
std::string history_text(const std::vector<wire::StateChange>& history) {
  std::string out;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (i == 0) {
      out = fmt::format("{} {}", wire::word(history[i].state), clock_millis(history[i].at));
    } else {
      const auto after =
          std::chrono::duration_cast<std::chrono::milliseconds>(history[i].at - history[i - 1].at);
      out += fmt::format("  {} +{}", wire::word(history[i].state), short_age(after));
    }
  }
  return out;
}

std::string indented(const std::string& text, const std::string& prefix) {
  LinePrefix lines(prefix);
  std::string out = lines.feed(text);
  return out + lines.finish();
}

std::string unit_text(const wire::JobUnit& told, const Style& style) {
  const UnitProgress unit = told_unit(told, Clock::now());
  const Outcome outcome = unit.outcome();
  std::string out = style.paint(paint_of_outcome(outcome),
                                fmt::format("{} {}", style.mark(mark_of(outcome)), told.unit)) +
                    fmt::format("  {}", ending_text(unit));
  const auto result = program_result(told.result);
  if (result && unit.ended()) {
    out += "  " + short_duration(result->duration);
  }
  out += "\n  " + style.paint(Paint::faint, history_text(told.history)) + "\n";
  const std::string_view bar = style.letters == Letters::ascii ? "|" : "│";
  if (result) {
    out += indented(whole(result->out), style.paint(Paint::faint, fmt::format("  out {} ", bar)));
    out += indented(whole(result->err), style.paint(Paint::faint, fmt::format("  err {} ", bar)));
  }
  return out;
}

Result<Exit> show_job(Invocation& invocation, const JobArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto job, load_job(*session, arguments.id));
  Console& console = invocation.console;
  if (invocation.format == Format::name) {
    console.out(job.detail.job.job.str() + "\n");
  } else if (!invocation.is_table()) {
    STEWARD_TRY(const auto object, wire::parse_json(job.text));
    console.out(object.dump(invocation.format == Format::json ? 2 : -1) + "\n");
  } else {
    const Style& style = console.look().out;
    const wire::JobRow& row = job.detail.job;
    std::string out = style.paint(Paint::strong, "job " + row.job.str()) + "\n";
    Table facts({{""}, {""}});
    facts.add({{"command", Paint::faint}, {one_line(row.summary)}});
    facts.add({{"subject", Paint::faint}, {row.subject}});
    facts.add({{"by", Paint::faint}, {fmt::format("{}  {}", row.by, date_time(row.created))}});
    if (job.detail.retries) {
      facts.add({{"retries", Paint::faint}, {"job " + job.detail.retries->str()}});
    }
    out += facts.render(style, console.width(), Table::Titles::hidden) + "\n";
    for (const wire::JobUnit& unit : job.detail.units) {
      out += unit_text(unit, style);
    }
    console.out(out);
  }
  return Exit::ok;
}

Result<Exit> wait_job(Invocation& invocation, const JobArguments& arguments) {
  STEWARD_TRY(const auto offline, parse_duration(arguments.wait));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto job, load_job(*session, arguments.id));
  const auto rollout = find_rollout(*session, job.detail.job.job);
  if (rollout && *rollout) {
    return follow_rollout(invocation, *session, job.detail.job.job);
  }
  STEWARD_TRY(auto progress, progress_of(job.detail, wall_clock(), Clock::now()));
  return follow_job(invocation, *session, progress, {offline, std::nullopt});
}

// What every unit has said: of those that run, what they have kept so far, then (--follow) what
// comes.
Result<Exit> job_logs(Invocation& invocation, const JobArguments& arguments) {
  STEWARD_TRY(const auto offline, parse_duration(arguments.wait));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto job, load_job(*session, arguments.id));
  STEWARD_TRY(auto progress, progress_of(job.detail, wall_clock(), Clock::now()));
  if (progress.method() != "shellcommand") {
    return failure(ErrorCode::unsupported,
                   fmt::format("job {} is none of shellcommand: it has no output. See: stewardctl "
                               "jobs show {}",
                               progress.job().view(),
                               progress.job().view()));
  }
  const auto view = job_view(invocation, offline);
  Follower follower(*session, progress, *view, {offline, std::nullopt, !arguments.follow});
  if (auto listening = follower.listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  Result<void> caught_up;
  follower.begin_with([&] {
    std::vector<Delivery> meanwhile;
    caught_up = catch_up(*session, progress, *view, {offline, offline}, [&](const Delivery& one) {
      meanwhile.push_back(one);
    });
    for (const Delivery& delivery : meanwhile) {
      follower.receive(delivery);
    }
  });
  const auto ending = follower.run();
  if (!caught_up) {
    return tl::unexpected<Error>(caught_up.error());
  }
  if (ending == Follower::Ending::interrupted) {
    return Exit::interrupted;
  }
  return arguments.follow ? progress.exit() : Exit::ok;
}

// The cancel goes where the command went; a unit that has it already finished says nothing new.
Result<std::size_t> publish_cancels(Session& session,
                                    const wire::JobDetail& detail,
                                    const JobProgress& progress) {
  std::size_t sent = 0;
  const wire::MessageId job = session.new_id();
  for (const wire::JobUnit& unit : detail.units) {
    if (wire::is_terminal(unit.state)) {
      continue;
    }
    STEWARD_TRY(auto subject,
                wire::Subject::parse(fmt::format(
                    "{}.command.{}.{}", unit.unit, progress.method(), progress.domain())));
    wire::Envelope envelope = session.envelope(std::move(subject));
    envelope.job = job;
    envelope.expires = unit.expires.value_or(envelope.time + wire::kDefaultExpiry);
    const std::string payload = wire::dump_json({{"op", "cancel"}, {"ref", unit.command.view()}});
    if (auto published = session.publish(session.seal(envelope, payload)); !published) {
      return tl::unexpected<Error>(published.error());
    }
    ++sent;
  }
  return sent;
}

Result<Exit> cancel_job(Invocation& invocation, const JobArguments& arguments) {
  STEWARD_TRY(const auto offline, parse_duration(arguments.wait));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto job, load_job(*session, arguments.id));
  STEWARD_TRY(auto progress, progress_of(job.detail, wall_clock(), Clock::now()));
  if (progress.finished()) {
    invocation.console.note("Nothing to cancel: every unit has finished.");
    return Exit::ok;
  }
  const auto view = job_view(invocation, offline);
  Follower follower(*session, progress, *view, {offline, offline});
  if (auto listening = follower.listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  STEWARD_TRY(const std::size_t sent, publish_cancels(*session, job.detail, progress));
  invocation.console.note(fmt::format("Cancel sent to {}.", counted(sent, "unit")));
  if (follower.run() == Follower::Ending::interrupted) {
    return Exit::interrupted;
  }
  return progress.counts().pending == 0 ? Exit::ok : Exit::no_answer;
}

template <Result<Exit> (*action)(Invocation&, const JobArguments&)>
Action declare_one(Syntax& syntax) {
  const auto arguments = std::make_shared<JobArguments>();
  syntax.positional("JOB", arguments->id, Syntax::Presence::required);
  if (action == job_logs) {
    syntax.flag("-f,--follow", arguments->follow, "go on with what comes, to the end of the job");
  }
  if (action != show_job) {
    syntax.option(
        "--wait", arguments->wait, "TIME", "give up on a unit without a word after (10s)");
  }
  return [arguments](Invocation& invocation) { return action(invocation, *arguments); };
}

}  // namespace

Verbs jobs_verbs() {
  return {
      {"jobs ls",
       "what was asked of units, and how far it is",
       "",
       "stewardctl jobs\n"
       "stewardctl jobs ls --open\n"
       "stewardctl jobs ls --failed -o jsonl",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<ListArguments>();
         syntax.flag("--open", arguments->open, "only those that are not finished everywhere");
         syntax.flag("--failed", arguments->failed, "commands that failed, unit by unit, and why");
         syntax.option("--limit", arguments->limit, "N", "the newest so many (50)");
         return [arguments](Invocation& invocation) { return list_jobs(invocation, *arguments); };
       }},
      {"jobs show",
       "a job on every unit: states, times and results",
       "",
       "stewardctl jobs show 01JD3X5T8E6Q4M2B7R9KZ1VWYA\n"
       "stewardctl jobs show 01JD3X5T8E6Q4M2B7R9KZ1VWYA -o json",
       TakesCommand::no,
       declare_one<show_job>},
      {"jobs wait",
       "follow a job to its end; prints and exits as run does",
       "",
       "stewardctl jobs wait 01JD3X5T8E6Q4M2B7R9KZ1VWYA --wait 5m",
       TakesCommand::no,
       declare_one<wait_job>},
      {"jobs cancel",
       "stop a job on every unit that has not finished it",
       "A running program gets TERM, then KILL; a unit that is away hears it when it is back.",
       "stewardctl jobs cancel 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
       TakesCommand::no,
       declare_one<cancel_job>},
      {"jobs logs",
       "what its commands have said, also while they run",
       "Of commands that run, their units are asked for what they have kept; what was made while\n"
       "nobody listened is not lost.",
       "stewardctl jobs logs 01JD3X5T8E6Q4M2B7R9KZ1VWYA\n"
       "stewardctl jobs logs -f 01JD3X5T8E6Q4M2B7R9KZ1VWYA",
       TakesCommand::no,
       declare_one<job_logs>}};
}

}  // namespace steward::ctl
