#include "handlers/syslogforwarding/parse/line_parser.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::syslogforwarding::line_parser_test {
namespace {

// 2026-11-22T02:50:54Z
constexpr std::int64_t kNow = 1'795'315'854'000'000;

struct Row {
  Origin origin;
  std::string line;
  int severity, facility;
  std::string host, program, pid, message;
  std::int64_t before_now_us = 0;  // what the line says; 0: it says now, or nothing
};

void check(const Row& row) {
  CAPTURE(row.line);
  LineParser parser([](std::int64_t) { return 0; });
  wire::LogRecord record;
  parser.parse(row.line, row.origin, kNow, record);
  CHECK(record.line == row.line);
  CHECK(record.severity == row.severity);
  CHECK(record.facility == row.facility);
  CHECK(record.host == row.host);
  CHECK(record.program == row.program);
  CHECK(record.pid == row.pid);
  CHECK(record.message() == row.message);
  CHECK(kNow - record.time_us == row.before_now_us);
}

}  // namespace

TEST_CASE("line: RFC 5424, strict and as it is met") {
  for (const auto& row : {
           Row{Origin::network,
               "<165>1 2026-11-22T02:50:54.000Z h app 12 ID [a b=\"c]\\\"d\"][e] \xEF\xBB\xBFhello",
               5,
               20,
               "h",
               "app",
               "12",
               "hello"},
           Row{Origin::network, "<34>1 - - - - - -", 2, 4, "", "", "", ""},
           Row{Origin::network,
               "<34>1 2026-11-22T03:50:53.5+01:00 h a - - - x y",
               2,
               4,
               "h",
               "a",
               "",
               "x y",
               500'000},
           Row{Origin::network,
               "<34>1 2026-11-22T02:50:54Z h a - - no data",
               2,
               4,
               "h",
               "a",
               "",
               "no data"},
           Row{Origin::network,
               "<34>1 2026-11-22T02:50:54Z h a - - [open x",
               2,
               4,
               "h",
               "a",
               "",
               "[open x"},
       }) {
    check(row);
  }
}

TEST_CASE("line: RFC 3164 in its dialects") {
  for (const auto& row : {
           Row{Origin::network,
               "<13>Nov 22 02:50:54 web1 sshd[71]: hi",
               5,
               1,
               "web1",
               "sshd",
               "71",
               "hi"},
           Row{Origin::local,
               "<13>Nov 22 02:50:53 sshd[71]: hi",
               5,
               1,
               "",
               "sshd",
               "71",
               "hi",
               1'000'000},
           Row{Origin::network, "<13>Nov 22 02:50:54 sshd[71]: hi", 5, 1, "", "sshd", "71", "hi"},
           Row{Origin::network,
               "<13>Nov  2 02:50:54 h kernel: [1.0] x",
               5,
               1,
               "h",
               "kernel",
               "",
               "[1.0] x",
               20 * 86'400'000'000},
           Row{Origin::network, "<13>Nov 22 2026 02:50:54 h a: x", 5, 1, "h", "a", "", "x"},
           Row{Origin::network, "<13>2026-11-22T02:50:54+00:00 h a: x", 5, 1, "h", "a", "", "x"},
           Row{Origin::network,
               "<189>*Nov 22 02:50:54.000: %LINK-3-UP: x",
               5,
               23,
               "",
               "%LINK-3-UP",
               "",
               "x"},
           Row{Origin::network, "<13>just text", 5, 1, "", "", "", "just text"},
           Row{Origin::network, "<13>app: text", 5, 1, "", "app", "", "text"},
           Row{Origin::file, "Nov 22 02:50:54 h cron[9]: x: y", 6, -1, "h", "cron", "9", "x: y"},
           Row{Origin::file,
               "2026-11-22T02:50:54.000000+00:00 h cron: x",
               6,
               -1,
               "h",
               "cron",
               "",
               "x"},
           Row{Origin::file, "2026-11-22 02:50:54,000 http://a b", 6, -1, "", "", "", "http://a b"},
       }) {
    check(row);
  }
}

TEST_CASE("line: CEE and JSON") {
  for (const auto& row : {
           Row{Origin::local,
               "<13>Nov 22 02:50:54 a: @cee: {\"msg\":\"hi\",\"level\":\"ERROR\"}",
               3,
               1,
               "",
               "a",
               "",
               "hi"},
           Row{Origin::file,
               R"({"a":{"b":[1,"}"]},"message":"x \"y\"","severity":"warning"})",
               4,
               -1,
               "",
               "",
               "",
               R"(x \"y\")"},
           Row{Origin::file,
               R"({"hostname":"h","app":"a"})",
               6,
               -1,
               "h",
               "a",
               "",
               R"({"hostname":"h","app":"a"})"},
           Row{Origin::file, R"({"msg":"open)", 6, -1, "", "", "", R"({"msg":"open)"},
       }) {
    check(row);
  }
}

TEST_CASE("line: what is none of these goes through as it is") {
  for (const auto& line : {std::string(),
                           std::string("<"),
                           std::string("<999>x"),
                           std::string("<13"),
                           std::string("\0\xff<", 3),
                           std::string("127.0.0.1 - - \"GET / HTTP/1.1\" 200")}) {
    check({Origin::file, line, 6, -1, "", "", "", line});
  }
}

}  // namespace steward::handlers::syslogforwarding::line_parser_test
