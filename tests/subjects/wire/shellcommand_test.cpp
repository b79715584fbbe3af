#include "subjects/wire/shellcommand.hpp"

#include "tests/subjects/wire/golden.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace steward::wire::shellcommand_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using Names = std::vector<std::string>;

const std::string kRef = R"("ref":"01ARZ3NDEKTSV4RRFFQ69G5FAV")";

Result<DecodedShellRequest> decode_run_with(const std::string& fields) {
  return decode_shell_request(R"({"argv":["true"],)" + fields + "}");
}

ShellRun run_with(const std::string& fields) {
  return std::get<ShellRun>(decode_run_with(fields).value().request);
}

ErrorCode refusal_of(const std::string& payload) {
  const auto request = decode_shell_request(payload);
  REQUIRE_FALSE(request.has_value());
  return request.error().code;
}

ShellRequest round_trip(const ShellRequest& request) {
  const auto decoded = decode_shell_request(encode(request)).value();
  CHECK(decoded.ignored.empty());
  return decoded.request;
}

}  // namespace

TEST_CASE("shellcommand: an argv is a whole request, the rest has its defaults") {
  const auto decoded = decode_shell_request(R"({"argv":["uname","-a"]})").value();
  ShellRun expected;
  expected.argv = {"uname", "-a"};
  CHECK(std::get<ShellRun>(decoded.request) == expected);
  CHECK(decoded.ignored.empty());
  CHECK(encode(ShellRequest(expected)) == R"({"argv":["uname","-a"]})");
  CHECK(std::get<ShellRun>(
            decode_shell_request(R"({"op":"run","shell":"df | head"})").value().request)
            .shell == "df | head");
}

TEST_CASE("shellcommand: every field of a run comes back, and all differ from their defaults") {
  const auto run = golden::full_run();
  CHECK(std::get<ShellRun>(round_trip(run)) == run);
  const auto json = nlohmann::json::parse(encode(ShellRequest(run)));
  CHECK(json.size() == 26);  // all but argv and detach
  CHECK(json["output"].size() == 8);
  CHECK(json["limits"].size() == 7);
  CHECK(json["umask"] == "0027");
}

TEST_CASE("shellcommand: what asks something of a running command comes back") {
  const auto ref = golden::fixed_id(2);
  for (const ShellRequest& request :
       {ShellRequest(ShellSignal{ref, "USR1"}),
        ShellRequest(ShellInput{ref, "yes\n", true}),
        ShellRequest(ShellInput{ref, std::string("\0\xff", 2), false}),
        ShellRequest(ShellInput{ref, "", true}),
        ShellRequest(ShellResize{ref, {1, 10'000}}),
        ShellRequest(ShellStatus{ref}),
        ShellRequest(ShellOutput{ref, 2, 77, 1}),
        ShellRequest(ShellOutput{ref}),
        ShellRequest(ShellList{})}) {
    CAPTURE(encode(request));
    CHECK(round_trip(request) == request);
  }
}

TEST_CASE("shellcommand: either argv or shell, and a program in it") {
  for (const char* bad : {"{}",
                          R"({"argv":["a"],"shell":"b"})",
                          R"({"argv":[]})",
                          R"({"argv":[""]})",
                          R"({"argv":["a",1]})",
                          R"({"argv":"a"})",
                          R"({"argv":{}})",
                          R"({"shell":""})",
                          R"({"shell":1})",
                          R"({"argv":null})",
                          R"({"argv":["a\u0000b"]})",
                          R"({"shell":"a\u0000b"})",
                          "[]",
                          "",
                          "null"}) {
    CAPTURE(bad);
    CHECK(refusal_of(bad) == ErrorCode::bad_payload);
  }
}

TEST_CASE("shellcommand: every wrong type or value out of bounds is bad_payload") {
  for (const char* bad : {R"("interpreter":"sh")",
                          R"("interpreter":"")",
                          R"("interpreter":1)",
                          R"("cwd":"tmp")",
                          R"("cwd":"")",
                          R"("cwd":"/a\u0000")",
                          R"("env":[])",
                          R"("env":{"A":1})",
                          R"("env":{"":"x"})",
                          R"("env":{"A=B":"x"})",
                          R"("env":{"A":"\u0000"})",
                          R"("env":{"A\u0000":""})",
                          R"("env_mode":1)",
                          R"("user":1)",
                          R"("user":"a\u0000")",
                          R"("group":"a\u0000")",
                          R"("umask":18)",
                          R"("umask":"")",
                          R"("umask":"8")",
                          R"("umask":"1000")",
                          R"("umask":"00022")",
                          R"("umask":"-1")",
                          R"("umask":"0x1")",
                          R"("umask":"22 ")",
                          R"("stdin":"x")",
                          R"("stdin":{})",
                          R"("stdin":{"open":false})",
                          R"("stdin":{"text":"a","b64":"YQ=="})",
                          R"("stdin":{"b64":"?"})",
                          R"("stdin":{"text":1})",
                          R"("pty":true)",
                          R"("pty":1)",
                          R"("pty":{"cols":0})",
                          R"("pty":{"rows":10001})",
                          R"("timeout_ms":-1)",
                          R"("timeout_ms":2592000001)",
                          R"("timeout_ms":1.5)",
                          R"("timeout_ms":"1")",
                          R"("grace_ms":-1)",
                          R"("grace_ms":3600001)",
                          R"("kill_scope":1)",
                          R"("drain_ms":60001)",
                          R"("stall_ms":86400001)",
                          R"("output":1)",
                          R"("output":{"max_bytes":-1})",
                          R"("output":{"max_bytes":16777217})",
                          R"("output":{"chunk_bytes":0})",
                          R"("output":{"chunk_bytes":65537})",
                          R"("output":{"flush_ms":0})",
                          R"("output":{"flush_ms":10001})",
                          R"("output":{"merge":1})",
                          R"("output":{"spool_bytes":10737418241})",
                          R"("output":{"mode":1})",
                          R"("limits":[])",
                          R"("limits":{"mem_bytes":-1})",
                          R"("limits":{"cpu_pct":100001})",
                          R"("limits":{"pids":4194305})",
                          R"("limits":{"io_weight":10001})",
                          R"("limits":{"nice":20})",
                          R"("limits":{"nice":-21})",
                          R"("limits":{"nofile":1048577})",
                          R"("limits":{"fsize_bytes":"1"})",
                          R"("ok_codes":[])",
                          R"("ok_codes":[256])",
                          R"("ok_codes":[-1])",
                          R"("ok_codes":0)",
                          R"("ok_codes":["0"])",
                          R"("max_parallel":0)",
                          R"("max_parallel":257)",
                          R"("creates":"x")",
                          R"("removes":"")",
                          R"("unless_argv":[])",
                          R"("unless_argv":[""])",
                          R"("unless_argv":"x")",
                          R"("unless_argv":["a\u0000"])",
                          R"("unless_timeout_ms":0)",
                          R"("unless_timeout_ms":600001)",
                          R"("secret_env":"K")",
                          R"("secret_env":[1])",
                          R"("expect":"x")",
                          R"("expect":{})",
                          R"("expect":{"regex":""})",
                          R"("expect":{"regex":"("})",
                          R"("expect":{"regex":"a{2000}"})",
                          R"("expect":{"regex":"a","within_ms":-1})",
                          R"("expect":{"regex":"a","action":1})",
                          R"("detach":1)",
                          R"("must":"x")",
                          R"("op":1)"}) {
    CAPTURE(bad);
    CHECK(refusal_of(std::string(R"({"argv":["true"],)") + bad + "}") == ErrorCode::bad_payload);
  }
}

TEST_CASE("shellcommand: the bounds themselves are allowed") {
  CHECK(run_with(R"("timeout_ms":2592000000)").timeout == hours(720));
  CHECK(run_with(R"("timeout_ms":0,"grace_ms":0,"drain_ms":0,"stall_ms":0)").grace ==
        milliseconds(0));
  CHECK(run_with(R"("output":{"max_bytes":0,"chunk_bytes":65536,"flush_ms":1,"spool_bytes":0})")
            .output.chunk_bytes == 65536);
  CHECK(run_with(R"("umask":"0")").umask == 0);
  CHECK(run_with(R"("umask":"777")").umask == 0777);
  CHECK(run_with(R"("ok_codes":[255,0])").ok_codes == std::vector<std::int64_t>{255, 0});
  CHECK(run_with(R"("limits":{"nice":-20})").limits.nice == -20);
}

TEST_CASE("shellcommand: an unknown word, op or needed name is unsupported") {
  for (const char* bad : {R"("env_mode":"dirty")",
                          R"("kill_scope":"all")",
                          R"("output":{"mode":"Result"})",
                          R"("output":{"keep":"middle"})",
                          R"("output":{"encoding":"base64"})",
                          R"("queue":"")",
                          R"("expect":{"regex":"a","action":"shout"})",
                          R"("detach":true,"pty":{})",
                          R"("detach":true,"stdin":{"open":true})",
                          R"("op":"")",
                          R"("op":"cancel")",
                          R"("op":"Run")",
                          R"("must":["colour"])",
                          R"("must":["limits.gpu"],"limits":{})"}) {
    CAPTURE(bad);
    CHECK(refusal_of(std::string(R"({"argv":["true"],)") + bad + "}") == ErrorCode::unsupported);
  }
  CHECK(decode_run_with(R"("detach":false)").has_value());
  CHECK(decode_run_with(R"("must":["argv","limits.pids"],"limits":{"pids":5})").has_value());
}

TEST_CASE("shellcommand: a detached command has no time limit unless one is asked for") {
  CHECK(run_with(R"("detach":true)").timeout == milliseconds(0));
  CHECK(run_with(R"("detach":true,"timeout_ms":5)").timeout == milliseconds(5));
  for (const auto timeout : {milliseconds(0), milliseconds(5), milliseconds(60'000)}) {
    auto run = run_with(R"("detach":true)");
    run.timeout = timeout;
    CHECK(std::get<ShellRun>(round_trip(run)) == run);
  }
}

TEST_CASE("shellcommand: fields that this version does not know are told") {
  CHECK(decode_run_with(R"("colour":1,"limits":{"gpu":1},"stdin":{"text":"","spool_ref":"x"})")
            .value()
            .ignored == Names{"stdin.spool_ref", "limits.gpu", "colour"});
  CHECK(decode_shell_request(R"({"op":"list","argv":["x"]})").value().ignored == Names{"argv"});
}

TEST_CASE("shellcommand: null and false stand for absent, zero limits for none") {
  const auto run = run_with(
      R"("stdin":null,"pty":false,"user":null,"limits":{"mem_bytes":0,"pids":0,"nice":0,"nofile":null})");
  ShellRun expected;
  expected.argv = {"true"};
  CHECK(run == expected);
  CHECK_FALSE(run.limits.any());
  CHECK(run_with(R"("pty":{})").pty == TerminalSize{80, 24});
  CHECK(run_with(R"("limits":{"pids":1})").limits.any());
}

TEST_CASE("shellcommand: input is text or base64, and may stay open") {
  CHECK(run_with(R"("stdin":{"text":"a\u0000b"})").stdin_bytes == std::string("a\0b", 3));
  CHECK(run_with(R"("stdin":{"b64":"/wA="})").stdin_bytes == std::string("\xff\0", 2));
  CHECK(run_with(R"("stdin":{"open":true})").stdin_open);
  CHECK_FALSE(run_with(R"("cwd":"/")").stdin_bytes.has_value());
  ShellRun run;
  run.argv = {"cat"};
  run.stdin_bytes = "\xff";
  CHECK(encode(ShellRequest(run)) == R"({"argv":["cat"],"stdin":{"b64":"/w=="}})");
}

TEST_CASE("shellcommand: what asks something of a command needs its id and good values") {
  for (const std::string& bad : {std::string(R"({"op":"signal","signal":"TERM"})"),
                                 R"({"op":"signal",)" + kRef + "}",
                                 R"({"op":"signal",)" + kRef + R"(,"signal":15})",
                                 std::string(R"({"op":"stdin","text":"x"})"),
                                 R"({"op":"stdin",)" + kRef + R"(,"b64":"x"})",
                                 R"({"op":"stdin",)" + kRef + R"(,"close":1})",
                                 std::string(R"({"op":"resize"})"),
                                 R"({"op":"resize",)" + kRef + R"(,"cols":0})",
                                 std::string(R"({"op":"status"})"),
                                 std::string(R"({"op":"status","ref":"x"})"),
                                 std::string(R"({"op":"output"})"),
                                 R"({"op":"output",)" + kRef + R"(,"fd":3})",
                                 R"({"op":"output",)" + kRef + R"(,"fd":0})",
                                 R"({"op":"output",)" + kRef + R"(,"offset":-1})",
                                 R"({"op":"output",)" + kRef + R"(,"length":0})",
                                 R"({"op":"output",)" + kRef + R"(,"length":262145})"}) {
    CAPTURE(bad);
    CHECK(refusal_of(bad) == ErrorCode::bad_payload);
  }
  for (const char* bad : {"SIGTERM", "term", "15", "RTMIN", ""}) {
    CHECK(refusal_of(R"({"op":"signal",)" + kRef + R"(,"signal":")" + bad + "\"}") ==
          ErrorCode::unsupported);
  }
}

}  // namespace steward::wire::shellcommand_test
