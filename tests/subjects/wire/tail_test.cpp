#include "subjects/wire/tail.hpp"

#include <doctest/doctest.h>

namespace steward::wire::tail_test {

using namespace std::string_literals;

TEST_CASE("tail request: what is asked for comes back") {
  TailRequest file;
  file.stream = "01M7YH64QV041061050R3GG286";
  file.path = "/var/log/a b.log";
  file.lines = 0;
  file.follow = false;
  file.lease = std::chrono::milliseconds(1'500);
  CHECK(decode_tail_request(encode(file)).value() == file);
  TailRequest unit;
  unit.stream = "s";
  unit.unit = "ssh.service";
  CHECK(decode_tail_request(encode(unit)).value() == unit);
  TailRequest daemon;
  daemon.stream = "s";
  daemon.daemon = "web";
  CHECK(decode_tail_request(encode(daemon)).value() == daemon);
  CHECK_FALSE(decode_tail_request(R"({"stream":"s","daemon":"web","unit":"web.service"})"));
  CHECK(decode_tail_request(R"({"op":"stop","stream":"s"})")->op == TailRequest::Op::stop);
}

TEST_CASE("tail request: what does not fit is refused") {
  for (const auto* bad : {"",
                          "{}",
                          R"({"stream":"s"})",
                          R"({"stream":"a b","path":"/x"})",
                          R"({"stream":"s","path":"/x","unit":"y"})",
                          R"({"stream":"s","path":"/x\u0000y"})",
                          R"({"stream":"s","path":"/x","lines":-1})",
                          R"({"stream":"s","path":"/x","lines":10001})",
                          R"({"stream":"s","path":"/x","lease_ms":999})",
                          R"({"stream":"s","path":"/x","lease_ms":600001})"}) {
    CAPTURE(bad);
    const auto request = decode_tail_request(bad);
    REQUIRE(!request);
    CHECK(request.error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_tail_request(R"({"op":"eat","stream":"s","path":"/x"})").error().code ==
        ErrorCode::unsupported);
}

TEST_CASE("tail event: bytes come back, whatever they are") {
  for (const auto& data : {""s, "line\n"s, "\xff\0\n"s, "gr\u00fc\u00dfe\n"s}) {
    TailEvent event{"s", 7, data, "a notice", true, "io: why"};
    CHECK(decode_tail_event(encode(event)).value() == event);
  }
  CHECK(!decode_tail_event("{}"));
  CHECK(!decode_tail_event(R"({"stream":"s","number":0})"));
  CHECK(!decode_tail_event(R"({"stream":"s","data_b64":"?"})"));
}

}  // namespace steward::wire::tail_test
