#include "subjects/wire/daemon.hpp"

#include "subjects/wire/daemon_file.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::daemon_test {
namespace {

using namespace std::chrono_literals;

DaemonSpec full_spec() {
  DaemonSpec spec;
  spec.name = "web.1";
  spec.argv = {"/usr/sbin/webd", "-f"};
  spec.env = {{"A", "b c"}};
  spec.cwd = "/srv";
  spec.user = "www-data";
  spec.group = "www";
  spec.umask = 027;
  spec.ready = {ReadyBy::descriptor, 5s, 7ms, 9, "", ""};
  spec.health.push_back({DaemonCheck::By::exec, {"true"}, "", "", 0, 1s, 2s, 5, 2, 7s});
  spec.health.push_back({DaemonCheck::By::http, {}, "", "http://x/", 204, 1s, 2s, 5, 2, 7s});
  spec.health.back().action = DaemonCheck::Action::event;
  spec.health.push_back({DaemonCheck::By::unix_socket, {}, "/run/x", "", 0, 1s, 2s, 5, 2, 7s});
  spec.health.push_back({DaemonCheck::By::tcp, {}, "[::1]:80", "", 0, 1s, 2s, 5, 2, 7s});
  spec.health.push_back({DaemonCheck::By::watchdog, {}, "", "", 0, 1s, 2s, 5, 2, 7s});
  spec.restart = {RestartPolicy::on_failure, 1ms, 2s, 1.5, 0.1, 3s};
  spec.stop = {"QUIT", 4s};
  spec.limits.open_files = 77;
  spec.after = {"db"};
  spec.requires_ = {"log"};
  spec.log_bytes = 2 << 20;
  spec.log_domain = "web";
  spec.certificate = true;
  spec.certificate_signal = "HUP";
  spec.link_lost = {DaemonLinkLost::Action::exec, 9s, {"logger", "away"}};
  spec.keep = false;
  spec.replicas = 3;
  return spec;
}

TEST_CASE("daemon: a spec comes back, whole or short") {
  CHECK(decode_daemon_spec(encode(full_spec())).value() == full_spec());
  DaemonSpec plain;
  plain.name = "web";
  plain.argv = {"webd"};
  CHECK(encode(plain) == R"({"argv":["webd"],"name":"web"})");
  CHECK(decode_daemon_spec(encode(plain)).value() == plain);
}

TEST_CASE("daemon: a unit of systemd needs no program, and a program no unit") {
  const auto good = [](const std::string& text) { return decode_daemon_spec(text).has_value(); };
  CHECK(good(R"({"name":"w","mode":"systemd","unit":"nginx.service"})"));
  CHECK(good(R"({"name":"w","mode":"systemd","argv":["x"]})"));
  CHECK(good(R"({"name":"w","mode":"auto","unit":"nginx.service","argv":["nginx"]})"));
  CHECK_FALSE(good(R"({"name":"w","mode":"auto","unit":"nginx.service"})"));
  CHECK_FALSE(good(R"({"name":"w","mode":"systemd"})"));
  CHECK_FALSE(good(R"({"name":"w","mode":"systemd","unit":"nginx"})"));
  CHECK_FALSE(good(R"({"name":"w","mode":"systemd","unit":"nginx.service","argv":["x"]})"));
  CHECK_FALSE(good(R"({"name":"w","unit":"nginx.service","argv":["x"]})"));
  const auto spec = decode_daemon_spec(R"({"name":"w","mode":"systemd","unit":"a@b.service"})");
  CHECK(decode_daemon_spec(encode(*spec)).value() == *spec);
  CHECK(is_unit_name("getty@tty1.service"));
  CHECK_FALSE(is_unit_name(".service"));
  CHECK_FALSE(is_unit_name("a b.service"));
  CHECK_FALSE(is_unit_name(""));
}

TEST_CASE("daemon: a file says the same in TOML and in JSON, and is the daemon of its name") {
  const auto toml = decode_daemon_file(
      "argv = [\"webd\"]\nafter = [\"db\"]\n[restart]\nmin_ms = 7\n[env]\nA = \"b\"\n",
      "/etc/steward/daemons.d/web.toml");
  const auto json = decode_daemon_file(
      R"({"name":"web","argv":["webd"],"after":["db"],"restart":{"min_ms":7},"env":{"A":"b"}})",
      "other.json");
  REQUIRE(toml);
  REQUIRE(json);
  CHECK(*toml == *json);
  CHECK(decode_daemon_file("argv = [\n", "x/web.toml")
            .error()
            .message.starts_with("x/web.toml: line "));
  CHECK(decode_daemon_file("argv = [\"a\"]\nfoo = 1\n", "x/web.toml").error().message ==
        "x/web.toml: 'foo' is not known");
  CHECK(decode_daemon_file("", "x/web.json").error().code == ErrorCode::bad_config);
}

TEST_CASE(
    "daemon: replicas are daemons with a number in their name and in what they are started by") {
  DaemonSpec web;
  web.name = "web";
  web.argv = {"serve", "--port=80%i", "100%%", "%u", "%"};
  web.env = {{"ID", "%i%i"}};
  web.ready = {.by = ReadyBy::tcp, .address = "127.0.0.1:80%i"};
  CHECK(replicas_of(web) == std::vector<DaemonSpec>{web});
  web.replicas = 12;
  const auto all = replicas_of(web);
  REQUIRE(all.size() == 12);
  CHECK(all[1].name == "web@2");
  CHECK(all[1].replicas == 1);
  CHECK(all[1].argv == std::vector<std::string>{"serve", "--port=802", "100%", "%u", "%"});
  CHECK(all[11].env.at("ID") == "1212");
  CHECK(all[11].ready.address == "127.0.0.1:8012");

  CHECK(daemon_base("web@12") == "web");
  for (const auto* other : {"web", "web@", "web@0", "web@012", "web@101", "web@1x", "@1x", "a@b"}) {
    CHECK(daemon_base(other) == other);
  }
  CHECK(is_daemon_name("web@100"));
  CHECK(!is_daemon_name("web@101"));
  CHECK(!is_daemon_name("@1"));
  CHECK(!is_daemon_name("web@1@2"));
  const auto long_name = std::string(62, 'a');
  CHECK(decode_daemon_spec(R"({"argv":["a"],"replicas":9,"name":")" + long_name + "\"}"));
  CHECK(!decode_daemon_spec(R"({"argv":["a"],"replicas":10,"name":")" + long_name + "\"}"));
  CHECK(!decode_daemon_spec(R"({"name":"web@1","argv":["a"],"replicas":2})"));
  CHECK(!decode_daemon_spec(R"({"name":"web","mode":"systemd","unit":"a.service","replicas":2})"));
  CHECK(
      decode_daemon_spec(R"({"name":"web","mode":"systemd","unit":"a@%i.service","replicas":2})"));
  const auto spec = [](const std::string& replicas) {
    return R"({"name":"web","argv":["a"],"ready":{"by":"tcp","address":"[::1]:80%i"})" + replicas +
           "}";
  };
  CHECK(decode_daemon_spec(spec(R"(,"replicas":2)")));
  CHECK(!decode_daemon_spec(spec("")));
}

TEST_CASE("daemon: what differs between two specs is named") {
  auto other = full_spec();
  CHECK(changes(full_spec(), other).empty());
  other.cwd = "/";
  other.ready.timeout = 6s;
  other.after.clear();
  CHECK(changes(full_spec(), other) == std::vector<std::string>{"after", "cwd", "ready"});
  CHECK(changes(other, full_spec()).size() == 3);
}

TEST_CASE("daemon: every request comes back") {
  for (const DaemonRequest& request :
       {DaemonRequest(DaemonApply{full_spec(), false, true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::start, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::stop, "a", false}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::restart, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::remove, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::reload, "getty@tty1.service", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::freeze, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::thaw, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::enable, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::disable, "a", true}),
        DaemonRequest(DaemonOrder{DaemonOrder::Op::reset, "a", true}),
        DaemonRequest(DaemonUnits{}),
        DaemonRequest(DaemonSignal{"a", "HUP"}),
        DaemonRequest(DaemonStatus{"a"}),
        DaemonRequest(DaemonStatus{}),
        DaemonRequest(DaemonLogs{"a", 5, std::nullopt}),
        DaemonRequest(DaemonLogs{"a", 100, 7})}) {
    const auto text = encode(request);
    CAPTURE(text);
    const auto decoded = decode_daemon_request(text);
    REQUIRE(decoded);
    CHECK(decoded->request == request);
    CHECK(decoded->ignored.empty());
  }
}

TEST_CASE("daemon: what does not fit is refused with its field") {
  for (const auto* bad :
       {R"({"op":"apply"})",
        R"({"op":"start"})",
        R"({"op":"start","name":".."})",
        R"({"op":"start","name":"a/b"})",
        R"({"name":"a"})",
        R"({"op":"logs","name":"a","lines":0})",
        R"({"op":"apply","spec":{"argv":["a"]}})",
        R"({"op":"apply","spec":{"name":"a"}})",
        R"({"op":"apply","spec":{"name":"a","argv":[]}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"cwd":"x"}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"log_domain":"a b"}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"on_link_lost":{"action":"exec"}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"on_link_lost":{"argv":["b"]}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"on_link_lost":{"after_ms":10}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"after":["/"]}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"ready":{"fd":2}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"restart":{"factor":0.5}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"restart":{"jitter":1}}})",
        R"({"op":"apply","spec":{"name":"a","argv":["a"],"log_bytes":1}})"}) {
    CAPTURE(bad);
    const auto decoded = decode_daemon_request(bad);
    REQUIRE(!decoded);
    CHECK(decoded.error().code == ErrorCode::bad_payload);
  }
  CHECK(decode_daemon_request(R"({"op":"fly","name":"a"})").error().code == ErrorCode::unsupported);
  CHECK(
      decode_daemon_request(R"({"op":"apply","spec":{"name":"a","argv":["a"],"ready":{"by":"x"}}})")
          .error()
          .code == ErrorCode::unsupported);
  CHECK(decode_daemon_spec(R"({"name":"a","argv":["a"],"restrat":{}})").error().message ==
        "'restrat' is not known");
}

TEST_CASE("daemon: rows and events come back") {
  DaemonRow row{.name = "web", .state = DaemonState::backoff, .reason = "ended"};
  row.wanted = false;
  row.version = 7;
  row.pid = 12;
  row.restarts = 3;
  row.since = Timestamp(1'000'000us);
  row.status = "warm";
  DaemonExit exit;
  exit.started = Timestamp(1s);
  exit.ended = Timestamp(2s);
  exit.signal = "SEGV";
  exit.core_dumped = true;
  exit.last_log = "x\n";
  row.last_exit = exit;
  CHECK(decode_daemon_row(encode(row)).value() == row);
  for (const auto type :
       {DaemonEvent::Type::state, DaemonEvent::Type::exit, DaemonEvent::Type::removed}) {
    const DaemonEvent event{type, {row}};
    CHECK(decode_daemon_event(encode(event)).value() == event);
  }
  const DaemonEvent all{DaemonEvent::Type::all, {row, row}};
  CHECK(decode_daemon_event(encode(all)).value() == all);
  const DaemonEvent part{DaemonEvent::Type::all, {row}, "a", "x"};
  CHECK(decode_daemon_event(encode(part)).value() == part);
  CHECK(!decode_daemon_event(encode(DaemonEvent{DaemonEvent::Type::exit, {row, row}})));
}

}  // namespace
}  // namespace steward::wire::daemon_test
