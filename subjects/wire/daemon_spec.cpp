// What a daemon is to be.

#include "subjects/wire/daemon_spec.hpp"

#include "subjects/wire/names.hpp"
#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;

using Words = std::string_view;
constexpr std::array<Words, 6> kReadyBy{"none", "delay", "notify", "fd", "tcp", "http"};
constexpr std::array<Words, 5> kCheckBy{"exec", "tcp", "http", "unix", "watchdog"};
constexpr std::array<Words, 2> kCheckActions{"restart", "event"};
constexpr std::array<Words, 3> kDaemonModes{"own", "systemd", "auto"};
constexpr std::array<Words, 3> kPolicies{"always", "on_failure", "never"};
constexpr std::array<Words, 3> kLinkActions{"keep", "stop", "exec"};
constexpr milliseconds kLongest = hours(24);
constexpr std::int64_t kSmallestLog = 1024 * 1024;
constexpr std::int64_t kLargestLog = std::int64_t{10} * 1024 * 1024 * 1024;
constexpr std::size_t kLongestUnitName = 255;  // systemd's own bound
constexpr std::int64_t kHighestFd = 255;

std::vector<std::string> read_names(Fields& fields, std::string_view name) {
  auto names = fields.texts(name);
  if (!std::all_of(names.begin(), names.end(), &is_daemon_name)) {
    fields.fail(ErrorCode::bad_payload, name, "must be names of daemons");
  }
  return names;
}

// The port may have the number of a replica in it.
bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  return colon != Words::npos && colon > 0 && colon + 1 < text.size() &&
         text.substr(colon + 1).find_first_not_of("0123456789%i") == Words::npos;
}

void check_place(Fields& fields, bool tcp, bool http, Words address, Words url) {
  if (tcp && !is_host_and_port(address)) {
    fields.fail(ErrorCode::bad_payload, "address", "must be a host and a port: \"127.0.0.1:80\"");
  }
  if (http && !url.starts_with("http://")) {
    fields.fail(ErrorCode::bad_payload, "url", "must be as \"http://127.0.0.1:80/\"");
  }
}

DaemonCheck read_check(Fields& fields) {
  using By = DaemonCheck::By;
  DaemonCheck check;
  read_word(fields, "type", kCheckBy, check.by);
  check.argv = read_argv(fields, "argv");
  check.address =
      check.by == By::unix_socket ? read_path(fields, "path") : read_c_text(fields, "address");
  check.url = read_c_text(fields, "url");
  check.expect = fields.integer("expect", check.expect, 0, 599);
  check.interval = fields.milliseconds("interval_ms", check.interval, milliseconds(10), kLongest);
  check.timeout = fields.milliseconds("timeout_ms", check.timeout, milliseconds(10), kLongest);
  check.fail = fields.integer("fail", check.fail, 1, 1'000);
  check.ok = fields.integer("ok", check.ok, 1, 1'000);
  check.grace = fields.milliseconds("grace_ms", check.grace, {}, kLongest);
  read_word(fields, "action", kCheckActions, check.action);
  check_place(fields, check.by == By::tcp, check.by == By::http, check.address, check.url);
  if (check.by == By::exec && check.argv.empty()) {
    fields.fail(ErrorCode::bad_payload, "argv", "is missing: the program that looks");
  }
  if (check.by == By::unix_socket && check.address.empty()) {
    fields.fail(ErrorCode::bad_payload, "path", "is missing: of the socket");
  }
  return check;
}

void read_health(Fields& fields, std::vector<DaemonCheck>& health) {
  fields.objects("health", [&health](Fields& inner) { health.push_back(read_check(inner)); });
  const auto dogs = std::count_if(health.begin(), health.end(), [](const DaemonCheck& check) {
    return check.by == DaemonCheck::By::watchdog;
  });
  if (health.size() > kMostChecks || dogs > 1) {
    fields.fail(ErrorCode::bad_payload, "health", "may hold 16 checks, one of them a watchdog");
  }
}

void read_ready(Fields& fields, DaemonReady& ready) {
  fields.object("ready", [&ready](Fields& inner) {
    read_word(inner, "by", kReadyBy, ready.by);
    ready.timeout = inner.milliseconds("timeout_ms", ready.timeout, milliseconds(1), kLongest);
    ready.delay = inner.milliseconds("delay_ms", ready.delay, {}, kLongest);
    ready.fd = inner.integer("fd", ready.fd, 3, kHighestFd);
    ready.address = read_c_text(inner, "address");
    ready.url = read_c_text(inner, "url");
    check_place(
        inner, ready.by == ReadyBy::tcp, ready.by == ReadyBy::http, ready.address, ready.url);
  });
}

void read_restart(Fields& fields, DaemonRestart& restart) {
  fields.object("restart", [&restart](Fields& inner) {
    read_word(inner, "policy", kPolicies, restart.policy);
    restart.shortest = inner.milliseconds("min_ms", restart.shortest, milliseconds(1), kLongest);
    restart.longest = inner.milliseconds("max_ms", restart.longest, milliseconds(1), kLongest);
    restart.factor = inner.number("factor", restart.factor);
    restart.jitter = inner.number("jitter", restart.jitter);
    restart.reset = inner.milliseconds("reset_ms", restart.reset, {}, kLongest);
    if (!(restart.factor >= 1 && restart.factor <= 100)) {
      inner.fail(ErrorCode::bad_payload, "factor", "must be 1 to 100");
    }
    if (!(restart.jitter >= 0 && restart.jitter <= 0.5)) {
      inner.fail(ErrorCode::bad_payload, "jitter", "must be 0 to 0.5");
    }
  });
}

void read_stop(Fields& fields, DaemonStop& stop) {
  fields.object("stop", [&stop](Fields& inner) {
    stop.signal = read_c_text(inner, "signal", stop.signal);
    stop.grace = inner.milliseconds("grace_ms", stop.grace, {}, kLongest);
  });
}

void read_link_lost(Fields& fields, DaemonLinkLost& lost) {
  fields.object("on_link_lost", [&lost](Fields& inner) {
    read_word(inner, "action", kLinkActions, lost.action);
    lost.after = inner.milliseconds("after_ms", lost.after, milliseconds(1'000), kLongest);
    lost.argv = read_argv(inner, "argv");
    if (lost.argv.empty() == (lost.action == DaemonLinkLost::Action::exec)) {
      inner.fail(
          ErrorCode::bad_payload, "argv", "is for \"action\":\"exec\": the program that is run");
    }
  });
}

std::string read_domain(Fields& fields, std::string_view name) {
  auto domain = fields.text(name);
  if (!domain.empty() && !Token::parse(domain)) {
    fields.fail(ErrorCode::bad_payload, name, "must be a domain of syslogforwarding");
  }
  return domain;
}

void check_program(Fields& fields, const DaemonSpec& spec) {
  const auto unit = replicas_of(spec).front().unit;
  if (!unit.empty() && !is_unit_name(unit)) {
    fields.fail(ErrorCode::bad_payload, "unit", "must be one of systemd: \"nginx.service\"");
  }
  if (spec.replicas > 1 && !unit.empty() && unit == spec.unit) {
    fields.fail(
        ErrorCode::bad_payload,
        "unit",
        "is the same for each of the replicas: write %i for their number, \"web@%i.service\"");
  }
  if (!spec.unit.empty() && spec.mode == DaemonMode::own) {
    fields.fail(ErrorCode::bad_payload, "unit", "needs \"mode\":\"systemd\" or \"auto\"");
  }
  if (spec.argv.empty() && (spec.unit.empty() || spec.mode != DaemonMode::systemd)) {
    fields.fail(ErrorCode::bad_payload,
                "argv",
                "is missing: the program and its arguments (or a unit of systemd, with "
                "\"mode\":\"systemd\")");
  }
  if (!spec.argv.empty() && !spec.unit.empty() && spec.mode == DaemonMode::systemd) {
    fields.fail(ErrorCode::bad_payload, "argv", "is not for a unit, which has its own");
  }
}

void read_replicas(Fields& fields, DaemonSpec& spec) {
  spec.replicas = fields.integer("replicas", spec.replicas, 1, kMostReplicas);
  if (spec.replicas == 1) {
    return;
  }
  if (daemon_base(spec.name) != spec.name) {
    fields.fail(ErrorCode::bad_payload, "replicas", "is not for one that is a replica itself");
  } else if (!is_daemon_name(replicas_of(spec).back().name)) {
    fields.fail(ErrorCode::bad_payload, "name", "leaves no place for the number of a replica");
  }
}

void check_numbers(Fields& fields, const DaemonSpec& spec) {
  const auto has_number = [](const std::string& text) {
    return text.find("%i") != std::string::npos;
  };
  if (spec.replicas == 1 &&
      (has_number(spec.ready.address) ||
       std::any_of(spec.health.begin(), spec.health.end(), [&has_number](const auto& check) {
         return check.by == DaemonCheck::By::tcp && has_number(check.address);
       }))) {
    fields.fail(ErrorCode::bad_payload, "address", "has %i in it, the number of a replica");
  }
}

json ready_json(const DaemonReady& ready) {
  const DaemonReady usual;
  json out = json::object();
  put_word(out, "by", ready.by, usual.by, kReadyBy);
  put(out, "timeout_ms", ready.timeout, usual.timeout);
  put(out, "delay_ms", ready.delay, usual.delay);
  put(out, "fd", ready.fd, usual.fd);
  put(out, "address", ready.address, usual.address);
  put(out, "url", ready.url, usual.url);
  return out;
}

json check_json(const DaemonCheck& check) {
  const DaemonCheck usual;
  json out = {{"type", word_of(check.by, kCheckBy)}};
  put(out, "argv", check.argv, usual.argv);
  put(out,
      check.by == DaemonCheck::By::unix_socket ? "path" : "address",
      check.address,
      usual.address);
  put(out, "url", check.url, usual.url);
  put(out, "expect", check.expect, usual.expect);
  put(out, "interval_ms", check.interval, usual.interval);
  put(out, "timeout_ms", check.timeout, usual.timeout);
  put(out, "fail", check.fail, usual.fail);
  put(out, "ok", check.ok, usual.ok);
  put(out, "grace_ms", check.grace, usual.grace);
  put_word(out, "action", check.action, usual.action, kCheckActions);
  return out;
}

json restart_json(const DaemonRestart& restart) {
  const DaemonRestart usual;
  json out = json::object();
  put_word(out, "policy", restart.policy, usual.policy, kPolicies);
  put(out, "min_ms", restart.shortest, usual.shortest);
  put(out, "max_ms", restart.longest, usual.longest);
  put(out, "factor", restart.factor, usual.factor);
  put(out, "jitter", restart.jitter, usual.jitter);
  put(out, "reset_ms", restart.reset, usual.reset);
  return out;
}

json link_lost_json(const DaemonLinkLost& lost) {
  const DaemonLinkLost usual;
  json out = json::object();
  put_word(out, "action", lost.action, usual.action, kLinkActions);
  put(out, "after_ms", lost.after, usual.after);
  put(out, "argv", lost.argv, usual.argv);
  return out;
}

json stop_json(const DaemonStop& stop) {
  const DaemonStop usual;
  json out = json::object();
  put(out, "signal", stop.signal, usual.signal);
  put(out, "grace_ms", stop.grace, usual.grace);
  return out;
}

}  // namespace

std::string read_daemon_name(Fields& fields, std::string_view name) {
  auto text = fields.required_text(name);
  if (!is_daemon_name(text)) {
    fields.fail(ErrorCode::bad_payload, name, "must be 1 to 64 of A-Z, a-z, 0-9, '_', '-' and '.'");
  }
  return text;
}

DaemonSpec read_daemon_spec(Fields& fields) {
  DaemonSpec spec;
  spec.name = read_daemon_name(fields, "name");
  read_word(fields, "mode", kDaemonModes, spec.mode);
  spec.unit = fields.text("unit");
  spec.argv = read_argv(fields, "argv");
  read_replicas(fields, spec);
  check_program(fields, spec);
  spec.env = read_env(fields);
  spec.cwd = read_path(fields, "cwd", spec.cwd);
  spec.user = read_c_text(fields, "user");
  spec.group = read_c_text(fields, "group");
  spec.umask = read_umask(fields);
  read_ready(fields, spec.ready);
  read_health(fields, spec.health);
  read_restart(fields, spec.restart);
  read_stop(fields, spec.stop);
  read_limits(fields, spec.limits);
  spec.after = read_names(fields, "after");
  spec.requires_ = read_names(fields, "requires");
  spec.log_bytes = static_cast<std::size_t>(fields.integer(
      "log_bytes", static_cast<std::int64_t>(spec.log_bytes), kSmallestLog, kLargestLog));
  spec.log_domain = read_domain(fields, "log_domain");
  read_link_lost(fields, spec.link_lost);
  fields.object("cert", [&spec](Fields& inner) {
    spec.certificate = inner.boolean("enabled", true);
    spec.certificate_signal = read_c_text(inner, "signal");
  });
  spec.keep = fields.choice("on_agent_exit", {"keep", "stop"}, 0) == 0;
  check_numbers(fields, spec);
  return spec;
}

json daemon_spec_json(const DaemonSpec& spec) {
  const DaemonSpec usual;
  json out = {{"name", spec.name}};
  put_word(out, "mode", spec.mode, usual.mode, kDaemonModes);
  put(out, "unit", spec.unit, usual.unit);
  put(out, "argv", spec.argv, usual.argv);
  put(out, "env", spec.env, usual.env);
  put(out, "cwd", spec.cwd, usual.cwd);
  put(out, "user", spec.user, usual.user);
  put(out, "group", spec.group, usual.group);
  if (spec.umask) {
    out["umask"] = octal(*spec.umask);
  }
  put_object(out, "ready", ready_json(spec.ready));
  for (const auto& check : spec.health) {
    out["health"].push_back(check_json(check));
  }
  put_object(out, "restart", restart_json(spec.restart));
  put_object(out, "stop", stop_json(spec.stop));
  put_object(out, "limits", limits_json(spec.limits));
  put(out, "after", spec.after, usual.after);
  put(out, "requires", spec.requires_, usual.requires_);
  put(out, "log_bytes", spec.log_bytes, usual.log_bytes);
  put(out, "log_domain", spec.log_domain, usual.log_domain);
  put_object(out, "on_link_lost", link_lost_json(spec.link_lost));
  if (spec.certificate || !spec.certificate_signal.empty()) {
    out["cert"] = {{"enabled", spec.certificate}};
    put(out["cert"], "signal", spec.certificate_signal, usual.certificate_signal);
  }
  if (!spec.keep) {
    out["on_agent_exit"] = "stop";
  }
  put(out, "replicas", spec.replicas, usual.replicas);
  return out;
}

bool is_daemon_name(std::string_view name) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  const auto base = daemon_base(name);
  return !base.empty() && name.size() <= kLongestDaemonName && base.front() != '.' &&
         base.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_unit_name(std::string_view name) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_-.\\@";
  constexpr std::array<Words, 11> kKinds{".service",
                                         ".socket",
                                         ".timer",
                                         ".path",
                                         ".target",
                                         ".mount",
                                         ".slice",
                                         ".scope",
                                         ".device",
                                         ".swap",
                                         ".automount"};
  return !name.empty() && name.size() <= kLongestUnitName && name.front() != '.' &&
         name.find_first_not_of(kLetters) == Words::npos &&
         std::any_of(kKinds.begin(), kKinds.end(), [name](Words kind) {
           return name.size() > kind.size() && name.ends_with(kind);
         });
}

std::string encode(const DaemonSpec& spec) { return dump_json(daemon_spec_json(spec)); }

Result<DaemonSpec> decode_daemon_spec(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  auto spec = read_daemon_spec(fields);
  STEWARD_TRY(const auto ignored, fields.finish());
  if (!ignored.empty()) {
    return failure(ErrorCode::bad_payload, "'" + ignored.front() + "' is not known");
  }
  return spec;
}

std::vector<std::string> changes(const DaemonSpec& one, const DaemonSpec& other) {
  const json before = daemon_spec_json(one);
  const json after = daemon_spec_json(other);
  std::vector<std::string> names;
  for (const auto& [name, value] : before.items()) {
    if (!after.contains(name) || after[name] != value) {
      names.push_back(name);
    }
  }
  for (const auto& [name, value] : after.items()) {
    if (!before.contains(name)) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace steward::wire
