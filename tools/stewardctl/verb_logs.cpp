#include "subjects/bus/log_reader.hpp"
#include "subjects/wire/pattern.hpp"
#include "subjects/wire/selector.hpp"
#include "subjects/wire/target.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/log_text.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLogsPatience{10};  // for the stream to say what it has
constexpr std::chrono::seconds kHoldBack{1};       // lines of one moment come from many units
constexpr std::chrono::seconds kGapTime{10};       // what is missing so long is said to be

struct LogsArguments {
  std::string target;
  bool follow = false;
  std::string since;
  std::string until;
  std::string grep;
  std::string priority;
  std::string domain;
};

// What of the log is meant.
struct Sieve {
  wire::Target units = wire::Target::all();
  std::optional<wire::Timestamp> since;
  std::optional<wire::Timestamp> until;
  std::optional<wire::Pattern> pattern;
  int severity = 7;
  std::string subject;

  bool passes(const bus::LogItem& item) const {
    if (!units.matches(item.unit)) {
      return false;
    }
    if (!item.line) {
      return true;  // what is missing may be what is looked for
    }
    const auto at = wire::Timestamp(std::chrono::microseconds(item.time_us));
    return item.line->severity <= severity && (!since || at >= *since) &&
           (!until || at <= *until) && (!pattern || pattern->found_in(item.line->message()));
  }
};

// "10m" ago, or a moment.
Result<wire::Timestamp> parse_moment(const std::string& text, std::string_view option) {
  if (auto ago = parse_duration(text)) {
    return wall_clock() - *ago;
  }
  auto moment = wire::parse_time(text);
  if (!moment) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{}: how long ago (10m, 2h, 1d) or a moment "
                               "(2026-11-22T02:50:00Z)",
                               option));
  }
  return moment;
}

Result<int> parse_priority(const std::string& text) {
  const auto word = std::find(wire::kSeverities.begin(), wire::kSeverities.end(), text);
  if (word != wire::kSeverities.end()) {
    return static_cast<int>(word - wire::kSeverities.begin());
  }
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') {
    return text[0] - '0';
  }
  return failure(
      ErrorCode::bad_config,
      fmt::format("--priority: one of {} or 0 to 7", fmt::join(wire::kSeverities, ", ")));
}

Result<Sieve> sieve_of(const LogsArguments& arguments) {
  Sieve sieve;
  if (auto good = wire::Selector::parse(arguments.target.empty() ? "*" : arguments.target); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  const std::string since = arguments.since.empty() && !arguments.follow ? "1h" : arguments.since;
  if (!since.empty()) {
    STEWARD_TRY(sieve.since, parse_moment(since, "--since"));
  }
  if (!arguments.until.empty()) {
    STEWARD_TRY(sieve.until, parse_moment(arguments.until, "--until"));
  }
  if (!arguments.grep.empty()) {
    auto pattern = wire::Pattern::compile(arguments.grep);
    if (!pattern) {
      return failure(ErrorCode::bad_config, "--grep: " + pattern.error().message);
    }
    sieve.pattern = *std::move(pattern);
  }
  if (!arguments.priority.empty()) {
    STEWARD_TRY(sieve.severity, parse_priority(arguments.priority));
  }
  if (!arguments.domain.empty() && !wire::Token::parse(arguments.domain)) {
    return failure(ErrorCode::bad_config, "--domain: no domain is named like this");
  }
  return sieve;
}

void print_logs(Invocation& invocation,
                const Sieve& sieve,
                const std::vector<bus::LogItem>& items) {
  std::string out;
  for (const auto& item : items) {
    if (!sieve.passes(item)) {
      continue;
    }
    if (invocation.format == Format::raw) {
      if (item.line) {
        out += item.line->line + "\n";
      } else {
        invocation.console.warn(item.unit + ": " + item.source + ": " + item.notice);
      }
    } else if (invocation.is_table()) {
      out += log_text(item, invocation.console.look().out);
    } else {
      out += log_json(item);
    }
  }
  if (!out.empty()) {
    invocation.console.out(out);
  }
}

// Everything, or what is older than the time for which lines are held back.
std::int64_t until_us(bool all) {
  return all ? std::numeric_limits<std::int64_t>::max()
             : (wall_clock() - kHoldBack).time_since_epoch().count();
}

// Lets through the units meant alone. Names are taken as they are; where it takes a station to tell
// who is meant, it is asked.
Result<void> aim(Sieve& sieve, Session& session, const LogsArguments& arguments) {
  std::string units = arguments.target;
  if (!units.empty() && !wire::Target::parse(units)) {
    TargetArguments target;
    target.target = units;
    STEWARD_TRY(const auto names, looked_at(session, target));
    if (names.empty()) {
      return failure(ErrorCode::not_found, fmt::format("no unit is such that '{}'", units));
    }
    units = fmt::format("{}", fmt::join(names, ","));
  }
  if (!units.empty()) {
    STEWARD_TRY(sieve.units, wire::Target::parse(units));
  }
  const bool one_unit = wire::NodeName::parse(units).has_value();
  sieve.subject = fmt::format("{}.event.syslogforwarding.{}",
                              one_unit ? units : "*",
                              arguments.domain.empty() ? "*" : arguments.domain);
  return {};
}

Result<Exit> read(Invocation& invocation, const LogsArguments& arguments) {
  STEWARD_TRY(auto sieve, sieve_of(arguments));
  STEWARD_TRY(const auto session, invocation.session());
  if (auto aimed = aim(sieve, *session, arguments); !aimed) {
    return tl::unexpected<Error>(std::move(aimed).error());
  }
  // The stream's own time is that of the arrival: a little before what the lines say is enough.
  const auto since = sieve.since.value_or(wall_clock());
  bus::LogReader reader(session->bus(),
                        {sieve.subject, since, "stewardctl-" + session->new_id().str()},
                        session->sink(),
                        [&invocation](const std::string& text) { invocation.console.warn(text); });
  if (auto opened = reader.open(); !opened) {
    return tl::unexpected<Error>(std::move(opened).error());
  }
  auto heard = Clock::now();
  auto settled = heard;
  while (!invocation.console.broken()) {
    reader.tick(Clock::now());
    const auto next = std::min(Clock::now() + milliseconds(200),
                               reader.next_deadline().value_or(Clock::time_point::max()));
    if (session->wait(next) == Session::Woken::interrupted) {
      break;
    }
    for (const Delivery& delivery : session->take()) {
      reader.take(delivery.message, Clock::now());
      heard = Clock::now();
    }
    const bool over = reader.caught_up() && !arguments.follow;
    if (over || Clock::now() - settled >= kGapTime) {
      reader.merged().settle_gaps();
      settled = Clock::now();
    }
    print_logs(invocation, sieve, reader.merged().release(until_us(over)));
    if (over) {
      break;
    }
    if (!arguments.follow && reader.missing()) {
      return failure(ErrorCode::not_found,
                     "the broker has no stream LOGS: a station makes it when it starts");
    }
    if (!arguments.follow && Clock::now() - heard >= kLogsPatience) {
      return failure(ErrorCode::timed_out, "the broker does not give the stream LOGS");
    }
  }
  return Exit::ok;
}

}  // namespace

Verb logs_verb() {
  return {
      "logs",
      "log lines of units, by time; live with -f",
      "Reads the stream LOGS of the broker: with or without a station. Without TARGET all units.\n"
      "-o raw gives the lines as they came. What is missing is said, to stderr with -o raw.",
      "stewardctl logs\n"
      "stewardctl logs ship1 -f\n"
      "stewardctl logs 'site=oslo and state=up' --since 5m\n"
      "stewardctl logs 'ship*' --since 10m --priority warning --grep 'timed? ?out'\n"
      "stewardctl logs --since 2026-11-22T02:00:00Z --domain nginx -o raw",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<LogsArguments>();
        syntax.positional("TARGET", arguments->target, Syntax::Presence::optional);
        syntax.flag("-f,--follow", arguments->follow, "go on with what comes, until Ctrl-C");
        syntax.option("--since", arguments->since, "TIME", "how long ago, or a moment (1h)");
        syntax.option("--until", arguments->until, "TIME", "as --since");
        syntax.option("--grep", arguments->grep, "REGEX", "only messages in which it is found");
        syntax.option("--priority", arguments->priority, "WORD", "only so severe ones, and worse");
        syntax.option("--domain", arguments->domain, "NAME", "only of this domain");
        return [arguments](Invocation& invocation) { return read(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
