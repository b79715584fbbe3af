#include "subjects/wire/hello.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::hello_test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const std::string kEpoch = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

}  // namespace

TEST_CASE("hello: every field comes back") {
  Hello hello;
  hello.interval = milliseconds(2'000);
  hello.boot_id = "b";
  hello.session = "s";
  hello.agent_version = "0.1.0";
  hello.uptime = milliseconds(1);
  hello.rtt = microseconds(0);
  hello.outbox_depth = 2;
  hello.outbox_oldest = milliseconds(3);
  hello.outbox = {{MessageId::make(1, {1}), 1}, {MessageId::make(2, {2}), 77}};
  hello.ledger_open = 4;
  hello.policy = 7;
  hello.login_expires = milliseconds(1'795'852'000'000);
  hello.authority_expires = milliseconds(0);
  hello.facts_hash = "f";
  hello.handlers = {{"m", "d", "running", 0},
                    {"m", "e", "restarting", 5},
                    {"n", "d", "stopped", 6, {{"lag_ms", 4}, {"x", -1}}}};
  hello.clock = milliseconds(1'795'247'248'123);
  hello.first = true;
  hello.bye = true;
  CHECK(decode_hello(encode(hello)).value() == hello);
  CHECK(decode_hello(encode(Hello{})).value() == Hello{});
}

TEST_CASE("hello: an empty object is a hello with its defaults, unknown fields are let pass") {
  CHECK(decode_hello("{}").value() == Hello{});
  CHECK(decode_hello(R"({"later":{"a":1},"rtt_us":null})").value() == Hello{});
}

TEST_CASE("hello: every field of a wrong shape or out of bounds refuses it") {
  const std::string long_text(129, 'x');
  const std::string long_token(65, 'x');
  std::string nine_epochs;
  for (int i = 0; i < 9; ++i) {
    nine_epochs += std::string(i > 0 ? "," : "") + R"({"epoch":"01M7YH64QV041061050R3GG286"})";
  }
  const std::string handler = R"({"handlers":[{"method":"m","domain":"d",)";
  for (const std::string& bad :
       {std::string(""),
        std::string("[]"),
        std::string("null"),
        std::string(R"({"interval_ms":0})"),
        std::string(R"({"interval_ms":86400001})"),
        std::string(R"({"interval_ms":"10"})"),
        std::string(R"({"boot_id":1})"),
        R"({"boot_id":")" + long_text + "\"}",
        R"({"session":")" + long_text + "\"}",
        R"({"agent_version":")" + long_text + "\"}",
        R"({"facts_hash":")" + long_text + "\"}",
        std::string(R"({"uptime_ms":-1})"),
        std::string(R"({"rtt_us":-1})"),
        std::string(R"({"login_expires_ms":-1})"),
        std::string(R"({"authority_expires_ms":"2027"})"),
        std::string(R"({"rtt_us":1.5})"),
        std::string(R"({"outbox_depth":-1})"),
        std::string(R"({"outbox_oldest_ms":-1})"),
        std::string(R"({"outbox":[{}]})"),
        std::string(R"({"outbox":[{"epoch":"x"}]})"),
        std::string(R"({"outbox":[{"epoch":"01M7YH64QV041061050R3GG286","first":0}]})"),
        R"({"outbox":[)" + nine_epochs + "]}",
        std::string(R"({"ledger_open":9007199254740993})"),
        std::string(R"({"clock_ms":-1})"),
        std::string(R"({"first":1})"),
        std::string(R"({"bye":"true"})"),
        std::string(R"({"handlers":{}})"),
        handler + R"("figures":[1]}]})",
        handler + R"("figures":{"a":1.5}}]})",
        handler + R"("figures":{"a b":1}}]})",
        handler +
            R"("figures":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,)" +
            R"("l":1,"m":1,"n":1,"o":1,"p":1,"q":1}}]})",
        std::string(R"({"handlers":[1]})"),
        std::string(R"({"handlers":[{"domain":"d","state":"running"}]})"),
        std::string(R"({"handlers":[{"method":"m","state":"running"}]})"),
        R"({"handlers":[{"method":")" + long_token + R"(","domain":"d","state":"running"}]})",
        handler + R"("restarts":-1}]})",
        handler + R"("state":1}]})"}) {
    CAPTURE(bad);
    const auto hello = decode_hello(bad);
    REQUIRE_FALSE(hello.has_value());
    CHECK(hello.error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_hello(handler + R"("state":"sleeping"}]})").error().code == ErrorCode::unsupported);
}

TEST_CASE("hello: 256 handlers are the most") {
  Hello hello;
  hello.handlers.assign(256, {"m", "d", "running", 0});
  CHECK(decode_hello(encode(hello)).has_value());
  hello.handlers.push_back({"m", "d", "running", 0});
  CHECK(decode_hello(encode(hello)).error().code == ErrorCode::bad_payload);
}

TEST_CASE("hello request: an object or nothing, what it holds is told as ignored") {
  CHECK(decode_hello_request("").value().empty());
  CHECK(decode_hello_request("{}").value().empty());
  CHECK(decode_hello_request(R"({"a":1})").value() == std::vector<std::string>{"a"});
  CHECK(decode_hello_request("[]").error().code == ErrorCode::bad_payload);
  CHECK(decode_hello_request("hello").error().code == ErrorCode::bad_payload);
}

TEST_CASE("received: the outbox's epoch and a number come back") {
  const Received received{kEpoch, 9'223'372'036'854'775'807};
  CHECK(decode_received(encode(received)).value() == received);
  CHECK(decode_received(encode(Received{kEpoch, 0})).value().upto == 0);
}

TEST_CASE("received: every wrong shape is refused") {
  const std::string epoch = R"({"epoch":")" + kEpoch + "\"";
  for (const std::string& bad : {std::string("{}"),
                                 std::string(R"({"upto":1})"),
                                 epoch + "}",
                                 epoch + R"(,"upto":null})",
                                 epoch + R"(,"upto":-1})",
                                 epoch + R"(,"upto":"1"})",
                                 epoch + R"(,"upto":1.0})",
                                 epoch + R"(,"upto":9223372036854775808})",
                                 std::string(R"({"epoch":"x","upto":1})"),
                                 std::string(R"({"epoch":1,"upto":1})"),
                                 std::string("[]")}) {
    CAPTURE(bad);
    CHECK(decode_received(bad).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::wire::hello_test
