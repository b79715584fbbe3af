#include "handlers/syslogforwarding/condition.hpp"

#include "subjects/wire/names.hpp"
#include "subjects/wire/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::array<std::string_view, 7> kFields = {
    "program", "host", "unit", "source", "facility", "severity", "message"};

constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

auto wrong_condition(std::string_view text, std::string_view why) {
  return failure(ErrorCode::bad_payload, "'" + std::string(text) + "' " + std::string(why));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    parts.emplace_back(trimmed(text.substr(0, comma)));
    text.remove_prefix(more ? comma + 1 : text.size());
  }
  return parts;
}

template <std::size_t N>
int number_of(const std::array<std::string_view, N>& words, std::string_view text) {
  const auto at = std::find(words.begin(), words.end(), text);
  if (at != words.end()) {
    return static_cast<int>(at - words.begin());
  }
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && value >= 0 &&
                    value < static_cast<int>(N);
  return good ? value : -1;
}

std::string_view last_part(std::string_view& text, std::string_view between) {
  const auto at = text.rfind(between);
  if (at == std::string_view::npos) {
    return {};
  }
  const auto part = text.substr(at + between.size());
  text = text.substr(0, at);
  return part;
}

}  // namespace

Result<Condition::Term> Condition::parse_term(std::string_view text) {
  const auto at = text.find_first_of("=~<!");
  const auto name = trimmed(text.substr(0, at));
  const auto field = std::find(kFields.begin(), kFields.end(), name);
  if (at == std::string_view::npos || field == kFields.end()) {
    return wrong_condition(
        text,
        "is no condition: program, host, unit, source, facility, severity or message "
        "with =, !=, ~, !~ or <=");
  }
  Term term;
  term.field = static_cast<Field>(field - kFields.begin());
  auto rest = text.substr(at);
  if (rest.starts_with("!")) {
    term.negated = true;
    rest.remove_prefix(1);
  }
  const bool is_severity = term.field == Field::severity;
  if (rest.starts_with("<=") && is_severity && !term.negated) {
    term.most = number_of(wire::kSeverities, trimmed(rest.substr(2)));
    return *term.most < 0 ? wrong_condition(text, "names no severity")
                          : Result<Term>(std::move(term));
  }
  if (rest.starts_with("~") && !is_severity && term.field != Field::facility) {
    STEWARD_TRY(term.pattern, wire::Pattern::compile(trimmed(rest.substr(1))));
    return term;
  }
  if (!rest.starts_with("=")) {
    return wrong_condition(text, "has no operator that this field knows");
  }
  term.globs = split(rest.substr(1));
  if (is_severity || term.field == Field::facility) {
    for (const auto& word : term.globs) {
      const int number =
          is_severity ? number_of(wire::kSeverities, word) : number_of(kFacilities, word);
      if (number < 0) {
        return wrong_condition(text, "names a word that is not known");
      }
      term.numbers.push_back(number);
    }
  }
  return term;
}

Result<Condition> Condition::parse(std::string_view text) {
  Condition condition;
  condition.text_ = trimmed(text);
  auto rest = trimmed(text);
  while (!rest.empty()) {
    const auto end = rest.find(" & ");
    STEWARD_TRY(auto term, parse_term(trimmed(rest.substr(0, end))));
    condition.terms_.push_back(std::move(term));
    rest = end == std::string_view::npos ? std::string_view() : trimmed(rest.substr(end + 3));
  }
  return condition;
}

bool Condition::holds(const Term& term, const wire::LogRecord& record, std::string_view source) {
  if (term.most) {
    return record.severity <= *term.most;
  }
  if (!term.numbers.empty()) {
    const int number = term.field == Field::severity ? record.severity : record.facility;
    return std::find(term.numbers.begin(), term.numbers.end(), number) != term.numbers.end();
  }
  std::string_view text;
  switch (term.field) {
    case Field::program:
      text = record.program;
      break;
    case Field::host:
      text = record.host;
      break;
    case Field::unit:
      text = record.unit;
      break;
    case Field::source:
      text = source;
      break;
    default:
      text = record.message();
      break;
  }
  if (term.pattern) {
    return term.pattern->found_in(text);
  }
  return std::any_of(term.globs.begin(), term.globs.end(), [text](const std::string& glob) {
    return wire::glob_matches(glob, text);
  });
}

bool Condition::holds(const wire::LogRecord& record, std::string_view source) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return holds(term, record, source) != term.negated;
  });
}

Result<Route> parse_route(std::string_view text) {
  auto before = text;
  const auto domain = trimmed(last_part(before, "->"));
  if (auto token = wire::Token::parse(domain); !token) {
    return wrong_condition(text, "is no route: CONDITION -> DOMAIN");
  }
  STEWARD_TRY(auto condition, Condition::parse(before));
  return Route{std::move(condition), std::string(domain)};
}

}  // namespace steward::handlers::syslogforwarding
