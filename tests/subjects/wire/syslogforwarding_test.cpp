#include "subjects/wire/syslogforwarding.hpp"

#include "subjects/wire/compression.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::tests::syslogforwarding_test {

using namespace std::string_view_literals;
using steward::ErrorCode;
using steward::wire::Compressor;
using steward::wire::decode_log_batch;
using steward::wire::decode_log_request;
using steward::wire::LogBatchHead;
using steward::wire::LogRecord;
using steward::wire::LogRecordWriter;
using steward::wire::LogRequest;

namespace {

LogRecord record(std::uint64_t seq, std::string_view line) {
  LogRecord made;
  made.seq = seq;
  made.received_us = made.time_us = 1'000;
  made.line = line;
  made.length = line.size();
  return made;
}

}  // namespace

TEST_CASE("log batch: records come out as they went in, whatever bytes they hold") {
  LogRecordWriter writer;
  writer.begin(5);
  std::string text;
  auto first = record(5, "<11>Nov 22 02:50:54 h a[1]: quotes \" and \\ and\ttabs");
  first.severity = 3;
  first.facility = 1;
  first.time_us = 900;
  first.host = "h";
  first.program = "a";
  first.pid = "1";
  first.at = 28;
  first.length = 5;
  auto second = record(9, "\0\x01\xff no text"sv);
  second.unit = "ssh.service";
  second.whole = 70'000;
  const auto third = record(10, "grüße");
  for (const auto& each : {first, second, third}) {
    writer.append(text, each);
  }
  CHECK(text ==
        "{\"r_us\":1000,\"t_us\":900,\"sev\":3,\"fac\":1,\"host\":\"h\",\"program\":\"a\","
        "\"pid\":\"1\",\"at\":28,\"length\":5,\"line\":\"<11>Nov 22 02:50:54 h a[1]: quotes \\\" "
        "and \\\\ and\\ttabs\"}\n"
        "{\"n\":9,\"t_us\":1000,\"unit\":\"ssh.service\",\"at\":0,\"total_bytes\":70000,"
        "\"line_b64\":\"AAH/IG5vIHRleHQ=\"}\n"
        "{\"line\":\"grüße\"}\n");
  LogBatchHead head{.source = "tcp:x", .epoch = "E", .first = 5, .last = 12, .lines = 3};
  head.suppressed = 2;
  head.gap = "why";
  head.gap_lines = 4;
  head.dropped.emplace()[7] = 8;
  Compressor compressor;
  const auto batch = decode_log_batch(compressor.compress(encode(head) + text), "zstd");
  REQUIRE(batch);
  CHECK(batch->head == head);
  REQUIRE(batch->lines.size() == 3);
  CHECK(batch->lines[0].line == first.line);
  CHECK(batch->lines[0].message() == first.message());
  CHECK(batch->lines[0].time_us == 900);
  CHECK(batch->lines[0].severity == 3);
  CHECK(batch->lines[1].line == second.line);
  CHECK(batch->lines[1].seq == 9);
  CHECK(batch->lines[1].time_us == 1'000);
  CHECK(batch->lines[1].at == 0);
  CHECK(batch->lines[1].whole == 70'000);
  CHECK(batch->lines[2].seq == 10);
  CHECK(batch->lines[2].received_us == 1'000);
  CHECK(batch->lines[2].time_us == 1'000);
}

TEST_CASE("log batch: what does not fit together is refused") {
  const std::string head = R"({"source":"s","epoch":"e","first":5,"last":6,"lines":1})"
                           "\n";
  CHECK(decode_log_batch(head + "{\"line\":\"x\"}\n", ""));
  CHECK(decode_log_batch(head + "{\"line\":\"x\"}\n", "gzip").error().code ==
        ErrorCode::unsupported);
  for (const auto& payload : {
           std::string(),
           head,
           head + "{\"line\":\"x\"}\n{\"line\":\"y\"}\n",
           head + "{\"n\":4,\"line\":\"x\"}\n",
           head + "{\"n\":7,\"line\":\"x\"}\n",
           head + "{\"at\":2,\"line\":\"x\"}\n",
           head + "{\"at\":1,\"length\":1,\"line\":\"x\"}\n",
           head + "{\"sev\":8,\"line\":\"x\"}\n",
           head + "{\"line_b64\":\"?\"}\n",
           head + "[]\n",
           std::string(R"({"source":"s","epoch":"e","first":0,"last":0})"),
           std::string(R"({"source":"s","epoch":"e","first":5,"last":3})"),
           std::string(R"({"source":"s","epoch":"e","first":5,"last":5,"lines":2})"),
           std::string(R"({"source":"s","epoch":"e","dropped":[1,2]})"),
       }) {
    CAPTURE(payload);
    const auto batch = decode_log_batch(payload, "");
    REQUIRE(!batch);
    CHECK(batch.error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("log request: status unless something else is asked for") {
  CHECK(decode_log_request("")->op == LogRequest::Op::status);
  CHECK(decode_log_request(R"({"op":"stop"})")->op == LogRequest::Op::stop);
  const auto filter = decode_log_request(R"({"op":"filter","filter":"severity<=4","x":1})");
  REQUIRE(filter);
  CHECK(filter->filter == "severity<=4");
  CHECK(filter->ignored == std::vector<std::string>{"x"});
  CHECK(decode_log_request(R"({"op":"spool"})")->op == LogRequest::Op::spool);
  const auto replay = decode_log_request(R"({"op":"replay","since":"1970-01-01T00:00:01Z"})");
  CHECK(replay->source == "*");
  CHECK(replay->since == steward::wire::Timestamp(std::chrono::seconds(1)));
  CHECK(decode_log_request(R"({"op":"replay","source":"file:*","cursor":"s=1"})")->cursor == "s=1");
  for (const auto* wrong : {R"({"op":"replay","since":"yesterday"})",
                            R"({"op":"replay","source":""})",
                            R"({"op":"replay","cursor":"c","since":"1970-01-01T00:00:01Z"})"}) {
    CHECK(decode_log_request(wrong).error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_log_request(R"({"op":"dance"})").error().code == ErrorCode::unsupported);
  CHECK(decode_log_request(R"({"op":"filter","filter":")" + std::string(2'049, 'x') + "\"}")
            .error()
            .code == ErrorCode::bad_payload);
}

}  // namespace steward::tests::syslogforwarding_test
