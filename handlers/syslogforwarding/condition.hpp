#pragma once

#include "subjects/wire/pattern.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Whether a line is meant: "program=sshd,cron & severity<=warning & message!~healthz". Fields are
// program, host, unit, source, facility, severity and message; `=` compares with globs, `~` looks
// for a regular expression, `<=` is for severities; a `!` before `=` or `~` turns it round.
class Condition {
 public:
  // The empty text is true of every line. Errors: bad_payload.
  [[nodiscard]] static Result<Condition> parse(std::string_view text);

  bool holds(const wire::LogRecord& record, std::string_view source) const;

  const std::string& text() const { return text_; }

 private:
  enum class Field { program, host, unit, source, facility, severity, message };

  struct Term {
    Field field = Field::message;
    bool negated = false;
    std::vector<std::string> globs;
    std::vector<int> numbers;  // of facilities and severities
    std::optional<int> most;   // severity<=
    std::optional<wire::Pattern> pattern;
  };

  static Result<Term> parse_term(std::string_view text);
  static bool holds(const Term& term, const wire::LogRecord& record, std::string_view source);

  std::string text_;
  std::vector<Term> terms_;
};

// Where a line goes that meets the condition: "severity<=3 -> alarms".
struct Route {
  Condition condition;
  std::string domain;
};

// Errors: bad_payload.
[[nodiscard]] Result<Route> parse_route(std::string_view text);

}  // namespace steward::handlers::syslogforwarding
