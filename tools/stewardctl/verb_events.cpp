#include "subjects/wire/fields.hpp"
#include "subjects/wire/target.hpp"
#include "tools/stewardctl/event_text.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

struct EventsArguments {
  std::string pattern;
  bool follow = false;
  std::string limit = "50";
};

Result<wire::Target> sieve(const EventPattern& pattern) {
  if (pattern.units.empty()) {
    return wire::Target::all();
  }
  auto target = wire::Target::parse(pattern.units);
  if (!target) {
    return failure(ErrorCode::bad_config, target.error().message);
  }
  return target;
}

void print_live(Invocation& invocation, const Delivery& delivery, const wire::Subject& subject) {
  Console& console = invocation.console;
  const auto header_time = delivery.message.headers.find("ce-time");
  const auto parsed =
      header_time ? wire::parse_time(*header_time) : Result<wire::Timestamp>(wall_clock());
  const wire::Timestamp at = parsed.value_or(wall_clock());
  const std::string node = subject.is_broadcast() ? "@all" : subject.node->str();
  if (invocation.format == Format::name) {
    console.out(delivery.message.subject + "\n");
    return;
  }
  if (!invocation.is_table()) {
    const auto payload = wire::parse_json(delivery.message.payload);
    console.out(wire::dump_json(
                    {{"kind", "event"},
                     {"at", wire::format_time(at)},
                     {"unit", node},
                     {"method", subject.method.str()},
                     {"domain", subject.domain.str()},
                     {"payload", payload ? *payload : nlohmann::json(delivery.message.payload)}}) +
                "\n");
    return;
  }
  const Style& style = console.look().out;
  const std::string what = subject.method.str() == "ack"
                               ? fmt::format("ack {}", subject.domain.str())
                               : fmt::format("{} {}", subject.method.str(), subject.domain.str());
  const std::string head = fmt::format("{}  {:<12}  {:<16}  ", clock_millis(at), node, what);
  std::string text = event_summary(subject, delivery.message.payload);
  if (const auto width = console.width(); width) {
    text = shortened(text, *width - std::min(*width - 10, columns(head)), style.ellipsis());
  }
  console.out(style.paint(Paint::faint, head.substr(0, 14)) + head.substr(14) + text + "\n");
}

Result<Exit> follow_events(Invocation& invocation, const EventPattern& pattern) {
  STEWARD_TRY(const auto wanted, sieve(pattern));
  STEWARD_TRY(const auto session, invocation.session());
  if (auto heard = session->listen(pattern.subject); !heard) {
    return failure(ErrorCode::bad_config, heard.error().message);
  }
  if (invocation.console.look().err_is_terminal) {
    invocation.console.note(fmt::format("Hearing {}, Ctrl-C ends.", pattern.subject));
  }
  while (!invocation.console.broken()) {
    if (session->wait(Clock::now() + std::chrono::seconds(60)) == Session::Woken::interrupted) {
      return Exit::ok;
    }
    for (const Delivery& delivery : session->take()) {
      const auto subject = wire::Subject::parse(delivery.message.subject);
      if (subject && (subject->is_broadcast() || wanted.matches(subject->node->str()))) {
        print_live(invocation, delivery, *subject);
      }
    }
  }
  return Exit::ok;
}

void print_history(Invocation& invocation, const std::vector<wire::HistoryRow>& rows) {
  Console& console = invocation.console;
  if (invocation.format == Format::json || invocation.format == Format::jsonl) {
    std::vector<std::string> texts;
    texts.reserve(rows.size());
    for (const auto& row : rows) {
      texts.push_back(wire::encode(row));
    }
    console.out(invocation.format == Format::json
                    ? fmt::format("[{}]\n", fmt::join(texts, ",\n "))
                    : fmt::format("{}{}", fmt::join(texts, "\n"), texts.empty() ? "" : "\n"));
    return;
  }
  Table table({{"AT"}, {"UNIT"}, {"WHAT"}, {"TEXT"}});
  for (const auto& row : rows) {
    if (invocation.format == Format::name) {
      console.out(row.unit + "\n");
    }
    table.add({{date_time(row.at), Paint::faint}, {row.unit}, {row.what}, {one_line(row.text)}});
  }
  if (invocation.is_table() && !rows.empty()) {
    console.out(table.render(console.look().out, console.width()));
  } else if (rows.empty()) {
    console.note("Nothing recorded yet. Live events: stewardctl events -f");
  }
}

Result<Exit> history(Invocation& invocation, const EventPattern& pattern, std::size_t limit) {
  STEWARD_TRY(const auto wanted, sieve(pattern));
  STEWARD_TRY(const auto session, invocation.session());
  wire::QueryRequest request = all_rows();
  if (const auto names = plain_names(pattern.units); !names.empty()) {
    request.units = names;
  }
  STEWARD_TRY(const auto answer, session->query("history", request));
  std::vector<wire::HistoryRow> rows;
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_history_row(text));
    if (pattern.units.empty() || wanted.matches(row.unit)) {
      rows.push_back(std::move(row));
    }
  }
  std::sort(
      rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  if (rows.size() > limit) {
    rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(limit));
  }
  print_history(invocation, rows);
  return Exit::ok;
}

Result<Exit> events(Invocation& invocation, const EventsArguments& arguments) {
  const EventPattern pattern = parse_event_pattern(arguments.pattern);
  if (arguments.follow) {
    return follow_events(invocation, pattern);
  }
  const int limit = std::atoi(arguments.limit.c_str());
  if (limit < 1) {
    return failure(ErrorCode::bad_config, "--limit: a number from 1");
  }
  return history(invocation, pattern, static_cast<std::size_t>(limit));
}

}  // namespace

Verb events_verb() {
  return {
      "events",
      "what has happened, recorded; live with -f",
      "PATTERN names units (ship1, 'ship*') or, with -f, a subject pattern (ship1.event.ack.>).",
      "stewardctl events\n"
      "stewardctl events ship1 --limit 200\n"
      "stewardctl events -f\n"
      "stewardctl events -f '*.event.ack.shellcommand' -o jsonl",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<EventsArguments>();
        syntax.positional("PATTERN", arguments->pattern, Syntax::Presence::optional);
        syntax.flag("-f,--follow", arguments->follow, "live, from the bus, until Ctrl-C");
        syntax.option("--limit", arguments->limit, "N", "the newest so many (50)");
        return [arguments](Invocation& invocation) { return events(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
