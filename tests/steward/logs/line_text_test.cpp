#include "steward/logs/line_text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::station::line_text_test {
namespace {

bus::LogItem item(const std::string& line, std::size_t at = 0) {
  wire::LogLine parsed;
  parsed.seq = 7;
  parsed.severity = 3;
  parsed.time_us = 1'000'001;
  parsed.host = "web 1";
  parsed.program = "nginx";
  parsed.pid = "12";
  parsed.line = line;
  parsed.at = at;
  parsed.length = line.size() - at;
  return {parsed.time_us, "ship1", "web", R"(file:/a"b])", parsed, ""};
}

const std::string kOrigin =
    R"([steward@32473 unit="ship1" domain="web" source="file:/a\"b\]" seq="7"])";

}  // namespace

TEST_CASE("line text: a line becomes a message of RFC 5424 that says where it came from") {
  CHECK(rfc5424(item("it broke")) ==
        "<11>1 1970-01-01T00:00:01.000001Z web_1 nginx 12 - " + kOrigin + " it broke");
  auto bare = item("it broke");
  bare.line->facility = 23;
  bare.line->host.clear();
  bare.line->program = std::string(100, 'p');
  bare.line->pid.clear();
  CHECK(rfc5424(bare) == "<187>1 1970-01-01T00:00:01.000001Z ship1 " + std::string(48, 'p') +
                             " - - " + kOrigin + " it broke");
}

TEST_CASE("line text: message id and structured data of a line of RFC 5424 are kept") {
  const std::string head = R"(<11>1 2026-11-22T00:00:00Z h nginx 12 ID47 [a@1 b="c \] d"][e@2] )";
  CHECK(rfc5424(item(head + "it broke", head.size())) ==
        "<11>1 1970-01-01T00:00:01.000001Z web_1 nginx 12 ID47 [a@1 b=\"c \\] d\"][e@2]" + kOrigin +
            " it broke");
  const std::string none = "<11>1 2026-11-22T00:00:00Z h nginx 12 - - ";
  CHECK(rfc5424(item(none + "it broke", none.size())).find(" 12 - " + kOrigin + " it broke") !=
        std::string::npos);
  for (const std::string odd : {"<11>1 ", "<11", "<11>1 a b c d", "<11>1 a b c d e", "<", ">1 "}) {
    CHECK(rfc5424(item(odd + "it broke", odd.size())).find(" 12 - " + kOrigin + " it broke") !=
          std::string::npos);
  }
}

TEST_CASE("line text: what is missing is said by steward as a warning") {
  const bus::LogItem gone{0, "ship1", "web", "udp:1", std::nullopt, "5 lines missing"};
  CHECK(rfc5424(gone) ==
        "<44>1 1970-01-01T00:00:00.000000Z ship1 steward - - "
        R"([steward@32473 unit="ship1" domain="web" source="udp:1"] 5 lines missing)");
  CHECK(file_line(gone, LineForm::raw) == "steward: udp:1: 5 lines missing\n");
}

TEST_CASE("line text: octets are counted; a file's line is as it came, or has no line feed in it") {
  CHECK(counted("a\nb") == "3 a\nb");
  CHECK(counted("") == "0 ");
  CHECK(file_line(item("a\nb"), LineForm::raw) == "a\nb\n");
  CHECK(file_line(item("a\nb"), LineForm::rfc5424) ==
        "<11>1 1970-01-01T00:00:01.000001Z web_1 nginx 12 - " + kOrigin + " a#012b\n");
}

}  // namespace steward::station::line_text_test
