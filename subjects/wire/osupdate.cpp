#include "subjects/wire/osupdate.hpp"

#include "subjects/wire/names.hpp"
#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> kScopes{"all", "security", "packages"};
constexpr std::array<std::string_view, 2> kModes{"upgrade", "full"};
constexpr std::array<std::string_view, 3> kConffilePolicies{"keep", "replace", "fail"};

// The first of a run stands where UpdateRun::Op begins.
enum class Op {
  check,
  list,
  plan,
  download,
  apply,
  rollback,
  reboot,
  hold,
  unhold,
  status,
  history,
  grant,
  none
};
constexpr std::array<std::string_view, 12> kUpdateOps{"check",
                                                      "list",
                                                      "plan",
                                                      "download",
                                                      "apply",
                                                      "rollback",
                                                      "reboot",
                                                      "hold",
                                                      "unhold",
                                                      "status",
                                                      "history",
                                                      "grant"};

constexpr std::array<std::string_view, 3> kRebootPolicies{"never", "if_required", "always"};
constexpr milliseconds kLongestWindow = hours(7 * 24);
constexpr std::size_t kMostGlobs = 100;

constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kLarge = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kLongestPackage = 128;
constexpr std::size_t kLongestVersion = 128;
constexpr std::size_t kHashDigits = 64;
constexpr milliseconds kLongestWait = hours(24);
constexpr milliseconds kLongestAge = hours(24 * 365);

bool is_of(std::string_view text, std::initializer_list<std::string_view> letters) {
  return std::all_of(text.begin(), text.end(), [&letters](char letter) {
    return std::any_of(letters.begin(), letters.end(), [letter](std::string_view set) {
      return set.find(letter) != std::string_view::npos;
    });
  });
}

std::vector<std::string> read_packages(Fields& fields,
                                       std::string_view name,
                                       bool (*good)(std::string_view)) {
  auto names = fields.texts(name);
  const auto bad =
      std::find_if(names.begin(), names.end(), [good](const auto& one) { return !good(one); });
  if (bad != names.end()) {
    fields.fail(ErrorCode::bad_payload, name, "'" + *bad + "' is no name of a package");
  } else if (names.size() > kMostUpdateNames) {
    fields.fail(ErrorCode::bad_payload, name, "are more than " + std::to_string(kMostUpdateNames));
  }
  return names;
}

UpdateChoice read_choice(Fields& fields) {
  UpdateChoice choice;
  read_word(fields, "scope", kScopes, choice.scope);
  choice.packages = read_packages(fields, "packages", &is_package_choice);
  choice.exclude = read_packages(fields, "exclude", &is_package_name);
  read_word(fields, "mode", kModes, choice.mode);
  choice.allow_new = fields.boolean("allow_new", choice.allow_new);
  choice.min_age = fields.milliseconds("min_age_ms", choice.min_age, {}, kLongestAge);
  if ((choice.scope == UpdateScope::packages) == choice.packages.empty()) {
    fields.fail(
        ErrorCode::bad_payload, "packages", "belong to the scope 'packages', and it needs some");
  }
  return choice;
}

void put_choice(json& out, const UpdateChoice& choice) {
  const UpdateChoice usual;
  put_word(out, "scope", choice.scope, usual.scope, kScopes);
  put(out, "packages", choice.packages, usual.packages);
  put(out, "exclude", choice.exclude, usual.exclude);
  put_word(out, "mode", choice.mode, usual.mode, kModes);
  put(out, "allow_new", choice.allow_new, usual.allow_new);
  put(out, "min_age_ms", choice.min_age, usual.min_age);
  if (choice.min_age != usual.min_age) {  // who does not know it would take all
    out["must"].push_back("min_age_ms");
  }
}

// When, and what comes behind it.
void read_course(Fields& fields, UpdateRun& run) {
  fields.object("window", [&run](Fields& inner) {
    auto& window = run.window;
    window.cron = inner.required_text("cron");
    window.zone = inner.text("tz", window.zone);
    window.duration =
        inner.milliseconds("duration_ms", window.duration, std::chrono::minutes(1), kLongestWindow);
  });
  fields.object("reboot", [&run](Fields& inner) {
    read_word(inner, "policy", kRebootPolicies, run.reboot.policy);
    run.reboot.delay = inner.milliseconds("delay_ms", run.reboot.delay, {}, kLongestWait);
    run.reboot.lease = inner.boolean("lease", run.reboot.lease);
  });
  fields.object("health", [&run](Fields& inner) {
    run.health.argv = read_argv(inner, "argv");
    run.health.timeout =
        inner.milliseconds("timeout_ms", run.health.timeout, milliseconds(1), kLongestWait);
  });
}

json course_json(const UpdateRun& run) {
  const UpdateRun usual;
  json out = json::object();
  json must = json::array();  // who knows none of these would begin at once
  if (!run.window.cron.empty()) {
    out["window"] = {{"cron", run.window.cron}, {"tz", run.window.zone}};
    put(out["window"], "duration_ms", run.window.duration, usual.window.duration);
    must.emplace_back("window");
  }
  for (const auto& [name, argv] :
       {std::pair{"pre_argv", &run.pre}, std::pair{"post_argv", &run.post}}) {
    if (!argv->empty()) {
      out[name] = *argv;
      must.emplace_back(name);
    }
  }
  json reboot = json::object();
  put_word(reboot, "policy", run.reboot.policy, usual.reboot.policy, kRebootPolicies);
  put(reboot, "delay_ms", run.reboot.delay, usual.reboot.delay);
  put(reboot, "lease", run.reboot.lease, usual.reboot.lease);
  if (run.reboot.lease) {
    must.emplace_back("reboot.lease");
  }
  put_object(out, "reboot", std::move(reboot));
  json health = json::object();
  put(health, "argv", run.health.argv, usual.health.argv);
  put(health, "timeout_ms", run.health.timeout, usual.health.timeout);
  put_object(out, "health", std::move(health));
  put_object(out, "must", std::move(must));
  return out;
}

// Empty: none is named.
std::string read_run_id(Fields& fields) {
  auto text = fields.text("run");
  const auto id = MessageId::parse(text);
  if (!id && !text.empty()) {
    fields.fail(ErrorCode::bad_payload, "run", "is no id of a command");
  }
  return id ? id->str() : std::string();
}

UpdateGrant read_grant(Fields& fields) {
  UpdateGrant grant{read_run_id(fields)};
  if (grant.run.empty()) {
    fields.fail(ErrorCode::bad_payload, "run", "is missing: which run may reboot");
  }
  return grant;
}

UpdateRun read_run(Fields& fields, UpdateRun::Op op) {
  UpdateRun run;
  run.op = op;
  if (op != UpdateRun::Op::download) {
    read_course(fields, run);
  }
  if (op == UpdateRun::Op::reboot) {
    run.reboot.policy = UpdateReboot::Policy::always;
    return run;
  }
  if (op == UpdateRun::Op::rollback) {
    run.run = read_run_id(fields);
  } else {
    run.choice = read_choice(fields);
    run.plan_hash = fields.text("plan_hash");
    if (!run.plan_hash.empty() &&
        (run.plan_hash.size() != kHashDigits || !is_of(run.plan_hash, {kDigits, "abcdef"}))) {
      fields.fail(ErrorCode::bad_payload, "plan_hash", "is none of a plan");
    }
    run.most_bytes = fields.integer("max_download_bytes", 0, 0, INT64_MAX);
    run.rate = fields.integer("rate_bps", 0, 0, INT64_MAX);
  }
  if (op != UpdateRun::Op::download) {
    read_word(fields, "conffile", kConffilePolicies, run.conffile);
    run.allow_remove = fields.boolean("allow_remove", run.allow_remove);
    run.lock_wait = fields.milliseconds("lock_wait_ms", run.lock_wait, {}, kLongestWait);
    run.pre = read_argv(fields, "pre_argv");
    run.post = read_argv(fields, "post_argv");
    run.restart = fields.texts("restart_services");
    if (run.restart.size() > kMostGlobs) {
      fields.fail(ErrorCode::bad_payload, "restart_services", "are more than 100");
    }
  }
  return run;
}

UpdateHold read_hold(Fields& fields, bool hold) {
  UpdateHold out{hold, read_packages(fields, "packages", &is_package_name)};
  if (out.packages.empty()) {
    fields.fail(ErrorCode::bad_payload, "packages", "are missing");
  }
  return out;
}

UpdateRequest read_update(Fields& fields) {
  switch (static_cast<Op>(fields.choice("op", kUpdateOps, static_cast<std::size_t>(Op::none)))) {
    case Op::check:
      return UpdateCheck{fields.boolean("refresh", false)};
    case Op::list:
      return UpdateList{};
    case Op::plan:
      return UpdatePlanRequest{read_choice(fields)};
    case Op::download:
      return read_run(fields, UpdateRun::Op::download);
    case Op::apply:
      return read_run(fields, UpdateRun::Op::apply);
    case Op::rollback:
      return read_run(fields, UpdateRun::Op::rollback);
    case Op::reboot:
      return read_run(fields, UpdateRun::Op::reboot);
    case Op::hold:
      return read_hold(fields, true);
    case Op::unhold:
      return read_hold(fields, false);
    case Op::status:
      return UpdateStatus{};
    case Op::history:
      return UpdateHistory{static_cast<std::size_t>(
          fields.integer("limit", 10, 1, static_cast<std::int64_t>(kMostUpdateHistory)))};
    case Op::grant:
      return read_grant(fields);
    case Op::none:
      break;
  }
  fields.fail(ErrorCode::bad_payload, "op", "is missing: what is to be done");
  return UpdateStatus{};
}

json request_json(const UpdateCheck& check) {
  json out = {{"op", "check"}};
  put(out, "refresh", check.refresh, false);
  return out;
}

json request_json(const UpdateList&) { return {{"op", "list"}}; }

json request_json(const UpdatePlanRequest& plan) {
  json out = {{"op", "plan"}};
  put_choice(out, plan.choice);
  return out;
}

json request_json(const UpdateRun& run) {
  const UpdateRun usual;
  json out = course_json(run);
  out["op"] = kUpdateOps[static_cast<std::size_t>(Op::download) + static_cast<std::size_t>(run.op)];
  put_choice(out, run.choice);
  put(out, "plan_hash", run.plan_hash, usual.plan_hash);
  put(out, "max_download_bytes", run.most_bytes, usual.most_bytes);
  put(out, "rate_bps", run.rate, usual.rate);
  put_word(out, "conffile", run.conffile, usual.conffile, kConffilePolicies);
  put(out, "allow_remove", run.allow_remove, usual.allow_remove);
  put(out, "lock_wait_ms", run.lock_wait, usual.lock_wait);
  put(out, "run", run.run, usual.run);
  put(out, "restart_services", run.restart, usual.restart);
  return out;
}

json request_json(const UpdateHold& hold) {
  return {{"op", hold.hold ? "hold" : "unhold"}, {"packages", hold.packages}};
}

json request_json(const UpdateStatus&) { return {{"op", "status"}}; }

json request_json(const UpdateHistory& history) {
  json out = {{"op", "history"}};
  put(out, "limit", history.limit, UpdateHistory().limit);
  return out;
}

json request_json(const UpdateGrant& grant) { return {{"op", "grant"}, {"run", grant.run}}; }

}  // namespace

bool is_package_name(std::string_view name) {
  const auto colon = name.find(':');
  const auto plain = name.substr(0, colon);
  if (colon != std::string_view::npos &&
      (colon + 1 == name.size() || !is_of(name.substr(colon + 1), {kSmall, kDigits, "-"}))) {
    return false;
  }
  // One that ends in '-' would be taken for a removal.
  return plain.size() > 1 && name.size() <= kLongestPackage &&
         is_of(plain.substr(0, 1), {kSmall, kLarge, kDigits}) &&
         is_of(plain, {kSmall, kLarge, kDigits, "+-._"}) && plain.back() != '-';
}

bool is_package_choice(std::string_view choice) {
  const auto equals = choice.find('=');
  if (equals == std::string_view::npos) {
    return is_package_name(choice);
  }
  const auto version = choice.substr(equals + 1);
  return is_package_name(choice.substr(0, equals)) && !version.empty() &&
         version.size() <= kLongestVersion &&
         is_of(version.substr(0, 1), {kDigits, kSmall, kLarge}) &&
         is_of(version, {kSmall, kLarge, kDigits, ".+:~-_^"});
}

Result<DecodedUpdateRequest> decode_update_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  DecodedUpdateRequest decoded{read_update(fields), {}};
  fields.must();
  STEWARD_TRY(decoded.ignored, fields.finish());
  return decoded;
}

std::string encode(const UpdateRequest& request) {
  return dump_json(std::visit([](const auto& asked) { return request_json(asked); }, request));
}

}  // namespace steward::wire
