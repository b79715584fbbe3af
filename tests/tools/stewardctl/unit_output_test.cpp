#include "tools/stewardctl/unit_output.hpp"

#include <doctest/doctest.h>

namespace steward::tests::unit_output_test {

using steward::ctl::LinePrefix;
using steward::ctl::StreamOutput;
using steward::ctl::whole;
using steward::wire::MessageId;
using steward::wire::ShellEvent;
using steward::wire::ShellEventType;
using steward::wire::StreamResult;

namespace {

ShellEvent chunk(std::uint64_t offset, std::string bytes) {
  ShellEvent event{MessageId::make(1, {})};
  event.offset = offset;
  event.bytes = std::move(bytes);
  return event;
}

StreamResult complete(std::string head) {
  StreamResult result;
  result.total_bytes = head.size();
  result.head = std::move(head);
  return result;
}

}  // namespace

TEST_CASE("output: live chunks and the result give each byte once") {
  StreamOutput output;
  CHECK(output.take(chunk(0, "one\n")) == "one\n");
  CHECK(output.take(chunk(4, "two\n")) == "two\n");
  CHECK(output.complete(complete("one\ntwo\nthree\n")) == "three\n");
  CHECK(output.complete(complete("one\ntwo\nthree\n")).empty());
}

TEST_CASE("output: a chunk that comes again, or late, is not printed again") {
  StreamOutput output;
  CHECK(output.take(chunk(0, "abc")) == "abc");
  CHECK(output.take(chunk(0, "abc")).empty());
  CHECK(output.take(chunk(2, "cde")) == "de");
  CHECK(output.complete(complete("abcde")).empty());
  CHECK(output.take(chunk(3, "de")).empty());
}

TEST_CASE("output: without any live chunk the result is all of it") {
  StreamOutput output;
  CHECK(output.complete(complete("all\n")) == "all\n");
}

TEST_CASE("output: lost chunks leave a marker with their size") {
  StreamOutput output;
  CHECK(output.take(chunk(0, "a")) == "a");
  CHECK(output.take(chunk(11, "z")) == "\n[... 10 B left out ...]\nz");
}

TEST_CASE("output: head, marker, tail where the unit kept only those") {
  StreamResult result;
  result.head = "begin";
  result.tail = "end";
  result.total_bytes = 5 + 2048 + 3;
  result.truncated = true;
  CHECK(whole(result) == "begin\n[... 2.0 KiB left out ...]\nend");
}

TEST_CASE("output: live chunks that reach into the tail are not repeated") {
  StreamResult result;
  result.head = "ab";
  result.tail = "yz";
  result.total_bytes = 26;
  result.truncated = true;
  StreamOutput output;
  CHECK(output.take(chunk(0, "abcdefghijklmnopqrstuvwxy")) == "abcdefghijklmnopqrstuvwxy");
  CHECK(output.complete(result) == "z");
}

TEST_CASE("output: a result that keeps the tail only") {
  StreamResult result;
  result.tail = "tail";
  result.total_bytes = 10;
  result.truncated = true;
  CHECK(whole(result) == "\n[... 6 B left out ...]\ntail");
}

TEST_CASE("line prefix: whole lines only, the rest at the end") {
  LinePrefix lines("ship1 | ");
  CHECK(lines.feed("one\ntw") == "ship1 | one\n");
  CHECK(lines.feed("o\n\nth") == "ship1 | two\nship1 | \n");
  CHECK(lines.finish() == "ship1 | th\n");
  CHECK(lines.finish().empty());
}

}  // namespace steward::tests::unit_output_test
