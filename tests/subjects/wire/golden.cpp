#include "tests/subjects/wire/golden.hpp"

#include "subjects/wire/ack.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/facts.hpp"
#include "subjects/wire/group.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/metrics_row.hpp"

#include <utility>

namespace steward::wire::golden {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMilliseconds = 1'795'247'248'123;

Message command(std::string name, const ShellRequest& request) {
  const std::string subject = "ship1.command.shellcommand.operatingsystem";
  std::string payload = encode(request);
  std::string again = encode(decode_shell_request(payload).value().request);
  auto envelope = envelope_of(subject, "/operator/anna");
  return message(std::move(name), envelope, subject, std::move(payload), std::move(again));
}

Message answer(std::string name, const Ack& ack, std::uint64_t seq) {
  const std::string subject = "ship1.event.ack.shellcommand";
  auto envelope = envelope_of(subject, "/ship1");
  envelope.ref = ack.ref;
  envelope.job = fixed_id(9);
  envelope.position = Position{fixed_id(8), seq};
  std::string payload = encode(ack);
  std::string again = encode(decode_ack(payload).value());
  return message(std::move(name), envelope, subject, std::move(payload), std::move(again));
}

Message live(std::string name, const ShellEvent& event) {
  const std::string subject = "ship1.event.shellcommand.operatingsystem";
  auto envelope = envelope_of(subject, "/ship1");
  envelope.ref = event.ref;
  std::string payload = encode(event, OutputEncoding::automatic);
  std::string again = encode(decode_shell_event(payload).value(), OutputEncoding::automatic);
  return message(std::move(name), envelope, subject, std::move(payload), std::move(again));
}

Hello full_hello() {
  Hello hello;
  hello.boot_id = "6a1f4c9e-0b1d-4d6e-9f55-1f0d2c3b4a59";
  hello.session = fixed_id(7).str();
  hello.agent_version = "0.1.0";
  hello.uptime = seconds(90);
  hello.rtt = microseconds(1'250);
  hello.outbox_depth = 3;
  hello.outbox_oldest = milliseconds(4'500);
  hello.outbox = {{fixed_id(8), 42}};
  hello.ledger_open = 2;
  hello.facts_hash = "ab12";
  hello.handlers = {{"hello", "agent", "running", 0},
                    {"shellcommand", "operatingsystem", "restarting", 1}};
  hello.clock = milliseconds(kMilliseconds);
  hello.first = true;
  return hello;
}

UnitRow full_row() {
  UnitRow row;
  row.unit = "ship1";
  row.state = UnitState::conflict;
  row.since = fixed_time();
  row.last_seen = fixed_time() + seconds(5);
  row.source = "hello";
  row.hello = full_hello();
  row.other_session = fixed_id(6).str();
  row.commands = {1, 2, 3};
  return row;
}

JobRow full_job() {
  return {fixed_id(9),
          "ship1.command.shellcommand.operatingsystem",
          "uname -a",
          "/operator/anna",
          fixed_time(),
          2,
          {1, 1, 0}};
}

JobDetail full_detail() {
  JobUnit finished{"ship1", fixed_id(1), CommandState::done, {}, fixed_time(), "", "", ""};
  finished.history = {{CommandState::sent, fixed_time()},
                      {CommandState::done, fixed_time() + seconds(1)}};
  finished.result = encode(full_result(), OutputEncoding::automatic);
  JobUnit refused{"ship2", fixed_id(2), CommandState::refused, {}, {}, "bad_payload", "why", ""};
  return {full_job(), R"({"argv":["uname","-a"]})", {finished, refused}};
}

FailureRow full_failure() {
  return {fixed_id(3),
          fixed_id(1),
          "ship1",
          CommandState::failed,
          fixed_time() + milliseconds(20),
          "exec_failed",
          "no such program",
          R"({"exit_code":127})",
          "ship1.command.shellcommand.operatingsystem",
          "uname -a",
          "/operator/anna",
          fixed_time(),
          fixed_time() + std::chrono::hours(1)};
}

std::vector<Message> commands() {
  ShellRun plain;
  plain.argv = {"uname", "-a"};
  return {command("run", plain),
          command("run_full", full_run()),
          command("signal", ShellSignal{fixed_id(2), "HUP"}),
          command("stdin", ShellInput{fixed_id(2), "yes\n", true}),
          command("stdin_binary", ShellInput{fixed_id(2), std::string("\0\xff\x80", 3), false}),
          command("resize", ShellResize{fixed_id(2), {132, 43}}),
          command("status", ShellStatus{fixed_id(2)}),
          command("output", ShellOutput{fixed_id(2), 2, 4096, 1024}),
          command("list", ShellList{})};
}

std::vector<Message> answers() {
  Ack ack{fixed_id(1), "operatingsystem", CommandState::accepted, {}, {}, {}, {}, {}, {}};
  std::vector<Message> out;
  ack.ignored = {"colour"};
  out.push_back(answer("ack_accepted", ack, 1));
  ack.ignored.clear();
  ack.state = CommandState::queued;
  ack.position = 2;
  out.push_back(answer("ack_queued", ack, 2));
  ack.position.reset();
  ack.state = CommandState::running;
  ack.pid = 4711;
  out.push_back(answer("ack_running", ack, 3));
  ack.pid.reset();
  ack.state = CommandState::done;
  ack.result = encode(full_result(), OutputEncoding::automatic);
  out.push_back(answer("ack_done", ack, 4));
  ack.result.clear();
  ack.state = CommandState::refused;
  ack.code = word(ErrorCode::bad_payload);
  ack.message = "argv: give either 'argv' or 'shell'";
  out.push_back(answer("ack_refused", ack, 5));
  return out;
}

std::vector<Message> greetings() {
  const std::string hello = encode(full_hello());
  auto ask = envelope_of("@all.command.hello.agent", "/operator/anna");
  ask.target = "ship[1-20],rig*";
  ask.key_id = "anna-1";
  ask.signature = "c2lnbmF0dXJl";
  ask.content_encoding = "zstd";
  ask.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const Received received{fixed_id(8).str(), 42};
  return {message("hello",
                  envelope_of("ship1.event.hello.agent", "/ship1"),
                  "ship1.event.hello.agent",
                  hello,
                  encode(decode_hello(hello).value())),
          message("hello_request", ask, "ship1.command.hello.agent", "{}", "{}"),
          message("received",
                  envelope_of("station.event.received.ship1", "/station"),
                  "station.event.received.ship1",
                  encode(received),
                  encode(decode_received(encode(received)).value()))};
}

std::vector<Message> alerts() {
  std::vector<Message> out;
  const Alert alert{"disk",
                    R"(node_filesystem_avail_bytes{mountpoint="/"})",
                    Severity::critical,
                    "filesystem_avail_bytes / filesystem_size_bytes < 0.1 for 60s",
                    0.0625,
                    fixed_time()};
  const auto said = [&out](std::string name, const AlertEvent& event) {
    auto payload = encode(event);
    auto again = encode(decode_alert_event(payload).value());
    auto envelope = envelope_of("ship1.event.alert.metrics", "/ship1");
    envelope.position = Position{fixed_id(8), 7};
    out.push_back(message(std::move(name),
                          envelope,
                          "ship1.event.alert.metrics",
                          std::move(payload),
                          std::move(again)));
  };
  said("alert_firing", {AlertEvent::State::firing, {alert}, {}});
  said("alert_resolved", {AlertEvent::State::resolved, {alert}, "the rule was taken away"});
  said("alert_all", {AlertEvent::State::all, {alert, alert}, {}});
  const auto asked =
      [&out](std::string name, const std::string& method, std::string payload, std::string again) {
        const std::string subject = "station.command." + method + ".fleet";
        out.push_back(message(std::move(name),
                              envelope_of(subject, "/operator/anna"),
                              subject,
                              std::move(payload),
                              std::move(again)));
      };
  const auto silence = encode(AlertsRequest{.op = AlertsRequest::Op::silence,
                                            .target = "ship*",
                                            .rule = "disk*",
                                            .note = "in the dock",
                                            .time = milliseconds(7'200'000)});
  asked("alerts_silence", "alerts", silence, encode(decode_alerts_request(silence).value()));
  const auto group = encode(GroupsRequest{GroupsRequest::Op::set, "web", "role=web and not rig7"});
  asked("groups_set", "groups", group, encode(decode_groups_request(group).value()));
  const MetricsRow round{"ship1",
                         milliseconds(kMilliseconds),
                         milliseconds(10'000),
                         microseconds(420),
                         {{"node_load1", 0.5}},
                         {{R"(node_cpu_seconds_total{cpu="0",mode="idle"})", 1234.25}}};
  out.push_back(payload_only(
      "query_metrics_row", encode(round), encode(decode_metrics_row(encode(round)).value())));
  const AlertRow row{"ship1",
                     "metrics",
                     alert,
                     fixed_time(),
                     "/operator/anna",
                     fixed_time(),
                     "seen",
                     fixed_time()};
  out.push_back(
      payload_only("query_alerts_row", encode(row), encode(decode_alert_row(encode(row)).value())));
  return out;
}

std::vector<Message> facts() {
  const Facts before{{"cpus", "4"}, {"disk.sdb.size_mb", "1024"}, {"os.version", "\"11\""}};
  const Facts after{{"cpus", "4"}, {"dns", R"(["192.0.2.1"])"}, {"os.version", "\"12\""}};
  std::vector<Message> out;
  for (const auto& [name, from] : {std::pair("facts_all", Facts()), {"facts_changed", before}}) {
    const std::string event = encode(difference(from, after));
    out.push_back(message(name,
                          envelope_of("ship1.event.facts.system", "/ship1"),
                          "ship1.event.facts.system",
                          event,
                          encode(decode_facts_event(event).value())));
  }
  return out;
}

std::vector<Message> events() {
  return {
      live("event_output", {fixed_id(1), ShellEventType::output, 1, 0, "Linux ship1\n", 0}),
      live("event_output_binary",
           {fixed_id(1), ShellEventType::output, 2, 65536, std::string("\xff\0", 2), 512}),
      live("event_stall", {fixed_id(1), ShellEventType::stall, 1, 0, "", 0}),
      live("event_expect_match", {fixed_id(1), ShellEventType::expect_match, 1, 0, "login:", 0})};
}

std::vector<Message> queries() {
  QueryRequest request;
  request.units = {"ship1", "ship2"};
  request.states = {"up", "late"};
  request.job = fixed_id(9).str();
  request.command = fixed_id(1).str();
  request.open_only = true;
  request.failed_only = true;
  request.after = 17;
  request.limit = 50;
  const HistoryRow change{18, fixed_time(), "ship1", "state", "up -> late (silence)"};
  const QueryChunk rows{{encode(full_row()), encode(full_job())}, true, std::nullopt};
  const QueryChunk error{{}, true, Error{ErrorCode::not_found, "no such job"}};
  const auto asked = encode(request);
  return {
      message("query_request",
              envelope_of("station.command.query.units", "/operator/anna"),
              "station.command.query.units",
              asked,
              encode(decode_query_request(asked).value())),
      payload_only("query_rows", encode(rows), encode(decode_query_chunk(encode(rows)).value())),
      payload_only("query_error", encode(error), encode(decode_query_chunk(encode(error)).value())),
      payload_only("query_unit_row",
                   encode(full_row()),
                   encode(decode_unit_row(encode(full_row())).value())),
      payload_only(
          "query_job_row", encode(full_job()), encode(decode_job_row(encode(full_job())).value())),
      payload_only("query_job_detail",
                   encode(full_detail()),
                   encode(decode_job_detail(encode(full_detail())).value())),
      payload_only("query_failure_row",
                   encode(full_failure()),
                   encode(decode_failure_row(encode(full_failure())).value())),
      payload_only(
          "query_history_row", encode(change), encode(decode_history_row(encode(change)).value()))};
}

}  // namespace

Envelope envelope_of(std::string_view subject, std::string_view source) {
  return make_envelope(fixed_id(1), *Source::parse(source), *Subject::parse(subject), fixed_time());
}

Message message(std::string name,
                const Envelope& envelope,
                const std::string& subject,
                std::string payload,
                std::string again) {
  std::string text = subject + "\n";
  for (const auto& [key, value] : encode_envelope(envelope)) {
    text.append(key).append(": ").append(value).append("\n");
  }
  text.append("\n").append(payload).append("\n");
  return {std::move(name) + ".txt", std::move(text), std::move(payload), std::move(again)};
}

Message payload_only(std::string name, const std::string& payload, std::string again) {
  return {std::move(name) + ".json", payload + "\n", payload, std::move(again)};
}

MessageId fixed_id(std::uint8_t number) {
  return MessageId::make(kMilliseconds, {1, 2, 3, 4, 5, 6, 7, 8, 9, number});
}

Timestamp fixed_time() { return Timestamp(milliseconds(kMilliseconds)) + microseconds(456); }

ShellRun full_run() {
  ShellRun run;
  run.shell = "df -h | head\n";
  run.interpreter = "/bin/bash";
  run.cwd = "/var/tmp";
  run.env = {{"COLOUR", "r\xc3\xb6t"}, {"TOKEN", "x=y"}};
  run.env_mode = EnvironmentMode::inherit;
  run.user = "nobody";
  run.group = "nogroup";
  run.umask = 027;
  run.stdin_bytes = std::string("a\0b", 3);
  run.stdin_open = true;
  run.pty = TerminalSize{132, 43};
  run.timeout = milliseconds(0);
  run.grace = milliseconds(1'000);
  run.kill_scope = KillScope::main;
  run.drain = milliseconds(250);
  run.stall = milliseconds(30'000);
  run.output = {OutputMode::both,
                65536,
                OutputKeep::tail,
                4096,
                milliseconds(100),
                true,
                1024,
                OutputEncoding::base64};
  run.limits = {1 << 28, 150, 64, 50, -5, 256, 1 << 20};
  run.ok_codes = {0, 3};
  run.queue = QueueMode::parallel;
  run.max_parallel = 8;
  run.creates = "/run/made";
  run.removes = "/run/gone";
  run.unless_argv = {"test", "-e", "/run/there"};
  run.unless_timeout = milliseconds(2'000);
  run.secret_env = {"TOKEN"};
  run.expect = Expectation{"^[0-9]+%$", milliseconds(5'000), ExpectAction::kill};
  return run;
}

ShellResult full_result() {
  ShellResult result;
  result.exit_code = 0;
  result.core_dumped = true;
  result.skipped = true;
  result.reason = "creates: /run/made is there";
  result.out = {"Linux ship1\n", "bye\n", 1'000'000, true, std::string(64, 'a')};
  result.err = {std::string("\xff\0", 2), "", 2, false, std::string(64, 'b')};
  result.duration = milliseconds(12);
  result.queued = milliseconds(3);
  result.user_time = microseconds(800);
  result.system_time = microseconds(400);
  result.max_rss_bytes = 2'000'000;
  result.killed_processes = 1;
  result.leaked_processes = 2;
  result.pipe_held = true;
  result.holders = {4712, 4713};
  result.limits_applied = {{"mem_bytes", "cgroup"}, {"pids", "none: no controller"}};
  result.started = format_time(fixed_time());
  result.ended = format_time(fixed_time() + milliseconds(12));
  return result;
}

std::vector<Message> messages() {
  std::vector<Message> out;
  for (auto&& part :
       {commands(), answers(), greetings(), facts(), alerts(), rollouts(), events(), queries()}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace steward::wire::golden
