#include "subjects/wire/shellcommand.hpp"
#include "tests/subjects/wire/golden.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace steward::wire::shellcommand_result_test {
namespace {

const std::string kEvent = R"({"ref":"01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"output")";

const std::string kBinary("\xff\0\x80", 3);

}  // namespace

TEST_CASE("shell result: every field comes back in every encoding that keeps bytes") {
  const auto result = golden::full_result();
  for (auto encoding : {OutputEncoding::automatic, OutputEncoding::base64}) {
    CHECK(decode_shell_result(encode(result, encoding)).value() == result);
  }
  ShellResult killed;
  killed.signal = "KILL";
  CHECK(decode_shell_result(encode(killed, OutputEncoding::automatic)).value() == killed);
}

TEST_CASE("shell result: text where the bytes are UTF-8, else base64; utf8 replaces what is not") {
  ShellResult result;
  result.out.head = "a\0b";
  result.err.head = kBinary;
  const auto automatic = nlohmann::json::parse(encode(result, OutputEncoding::automatic));
  CHECK(automatic["stdout"]["head"] == "a");
  CHECK(automatic["stderr"]["head_b64"] == "/wCA");
  CHECK_FALSE(automatic["stderr"].contains("head"));
  const auto text = nlohmann::json::parse(encode(result, OutputEncoding::utf8));
  CHECK(text["stderr"]["head"] == std::string("\xef\xbf\xbd\0\xef\xbf\xbd", 7));
  const auto bytes = nlohmann::json::parse(encode(result, OutputEncoding::base64));
  CHECK(bytes["stdout"]["head_b64"] == "YQ==");
}

TEST_CASE("shell result: what holds its default is left out, both streams and the duration stay") {
  const auto json = nlohmann::json::parse(encode(ShellResult{}, OutputEncoding::automatic));
  CHECK(json == nlohmann::json::parse(R"({"duration_ms":0,
                  "stdout":{"head":"","total_bytes":0},"stderr":{"head":"","total_bytes":0}})"));
}

TEST_CASE("shell result: every wrong shape is refused, unknown fields pass") {
  CHECK(decode_shell_result("{}").value() == ShellResult{});
  CHECK(decode_shell_result(R"({"later":1,"stdout":{"later":1}})").value() == ShellResult{});
  for (const char* bad : {"",
                          "[]",
                          R"({"exit_code":"0"})",
                          R"({"exit_code":2147483648})",
                          R"({"signal":9})",
                          R"({"core_dumped":1})",
                          R"({"skipped":1})",
                          R"({"reason":1})",
                          R"({"stdout":"x"})",
                          R"({"stdout":{"head":1}})",
                          R"({"stdout":{"head":"a","head_b64":"YQ=="}})",
                          R"({"stderr":{"tail_b64":"?"}})",
                          R"({"stdout":{"total_bytes":-1}})",
                          R"({"stdout":{"truncated":0}})",
                          R"({"stdout":{"sha256":0}})",
                          R"({"duration_ms":-1})",
                          R"({"queue_ms":-1})",
                          R"({"rusage":1})",
                          R"({"rusage":{"utime_us":-1}})",
                          R"({"rusage":{"maxrss_bytes":0.5}})",
                          R"({"killed_procs":-1})",
                          R"({"leaked_procs":"1"})",
                          R"({"pipe_held":1})",
                          R"({"holders":[0]})",
                          R"({"holders":1})",
                          R"({"limits_applied":[]})",
                          R"({"limits_applied":{"pids":1}})",
                          R"({"started":1})",
                          R"({"ended":1})"}) {
    CAPTURE(bad);
    CHECK(decode_shell_result(bad).error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("shell event: every type comes back") {
  for (int i = 0; i <= static_cast<int>(ShellEventType::expect_timeout); ++i) {
    const ShellEvent event{
        golden::fixed_id(1), static_cast<ShellEventType>(i), 2, 4096, kBinary, 9};
    CHECK(decode_shell_event(encode(event, OutputEncoding::automatic)).value() == event);
    const ShellEvent bare{golden::fixed_id(1), static_cast<ShellEventType>(i), 1, 0, "", 0};
    CHECK(decode_shell_event(encode(bare, OutputEncoding::automatic)).value() == bare);
  }
  CHECK(word(ShellEventType::kill_sent) == "kill_sent");
}

TEST_CASE("shell event: a chunk of the largest size fits one message, whatever is in it") {
  for (const char c : {'a', '\0', '\xff', '"'}) {
    const ShellEvent event{
        golden::fixed_id(1), ShellEventType::output, 1, 0, std::string(65536, c), 0};
    CHECK(encode(event, OutputEncoding::automatic).size() <= kMaxPayloadBytes);
  }
}

TEST_CASE("shell event: every wrong shape is refused") {
  CHECK(decode_shell_event(kEvent + "}").has_value());
  for (const std::string& bad : {std::string(""),
                                 std::string("{}"),
                                 std::string(R"({"type":"output"})"),
                                 std::string(R"({"ref":"01ARZ3NDEKTSV4RRFFQ69G5FAV"})"),
                                 std::string(R"({"ref":"x","type":"output"})"),
                                 kEvent + R"(,"fd":0})",
                                 kEvent + R"(,"fd":3})",
                                 kEvent + R"(,"offset":-1})",
                                 kEvent + R"(,"data":1})",
                                 kEvent + R"(,"b64":"?"})",
                                 kEvent + R"(,"data":"","b64":""})",
                                 kEvent + R"(,"gap_bytes":-1})",
                                 kEvent + R"(,"type":1})"}) {
    CAPTURE(bad);
    CHECK(decode_shell_event(bad).error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_shell_event(kEvent + R"(,"type":"started"})").error().code ==
        ErrorCode::unsupported);
}

}  // namespace steward::wire::shellcommand_result_test
