#include "handlers/syslogforwarding/condition.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::syslogforwarding::condition_test {
namespace {

bool holds(const std::string& text) {
  const auto condition = Condition::parse(text);
  REQUIRE_MESSAGE(condition, text);
  wire::LogRecord record;
  record.severity = 4;
  record.facility = 10;
  record.program = "sshd";
  record.host = "web1";
  record.line = "Failed password for root";
  record.length = record.line.size();
  return condition->holds(record, "file:/var/log/auth.log");
}

}  // namespace

TEST_CASE("condition: fields, globs, lists, severities, expressions, and all of them at once") {
  for (const std::string text : {"",
                                 "program=sshd",
                                 "program=cron,ss*",
                                 "program!=cron & host=web?",
                                 "severity<=warning",
                                 "severity=4,5",
                                 "severity!=info & facility=authpriv",
                                 "message~[Ff]ailed.*root$",
                                 "message!~accepted & source=*auth.log"}) {
    CAPTURE(text);
    CHECK(holds(text));
  }
  for (const std::string text : {"program=ssh",
                                 "program!=ss*",
                                 "severity<=err",
                                 "severity<=3",
                                 "facility=kern,cron",
                                 "message~accepted",
                                 "program=sshd & host=db*"}) {
    CAPTURE(text);
    CHECK(!holds(text));
  }
}

TEST_CASE("condition: what it cannot read is refused") {
  for (const std::string text : {"x",
                                 "colour=red",
                                 "severity<=purple",
                                 "severity~x",
                                 "facility=none",
                                 "message~(",
                                 "program<=3",
                                 "& program=a"}) {
    CAPTURE(text);
    const auto condition = Condition::parse(text);
    REQUIRE(!condition);
    CHECK(condition.error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("condition: a route is a condition and a domain") {
  const auto route = parse_route("severity<=3 & program!=cron -> alarms");
  REQUIRE(route);
  CHECK(route->domain == "alarms");
  CHECK(route->condition.text() == "severity<=3 & program!=cron");
  CHECK(!parse_route("severity<=3"));
  CHECK(!parse_route("severity<=3 -> a.b"));
}

}  // namespace steward::handlers::syslogforwarding::condition_test
