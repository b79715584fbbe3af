#include "subjects/wire/fields.hpp"
#include "subjects/wire/subject.hpp"
#include "subjects/wire/target.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/job_source.hpp"
#include "tools/stewardctl/retry.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace steward::ctl {

namespace {

struct RetryArguments {
  std::string id;
  std::string units;
  Sending sending;
};

// Ended in a way that another try may change. A cancelled one was not wanted any more.
bool is_worth_another(wire::CommandState state) {
  return wire::is_terminal(state) && state != wire::CommandState::done &&
         state != wire::CommandState::cancelled;
}

// The commands of the job that --unit means, or all that failed. Errors: not_found, bad_config.
Result<std::vector<wire::JobUnit>> pick(const wire::JobDetail& detail, const std::string& names) {
  std::vector<std::string> wanted;
  if (!names.empty()) {
    STEWARD_TRY(const auto target, wire::Target::parse(names));
    std::vector<std::string> known;
    for (const wire::JobUnit& unit : detail.units) {
      known.push_back(unit.unit);
    }
    auto resolved = target.resolve(known);
    if (!resolved.unmatched.empty()) {
      return failure(ErrorCode::not_found,
                     fmt::format("the job has no unit '{}'", resolved.unmatched.front()));
    }
    wanted = std::move(resolved.units);
  }
  std::vector<wire::JobUnit> out;
  for (const wire::JobUnit& unit : detail.units) {
    const bool meant =
        names.empty() || std::find(wanted.begin(), wanted.end(), unit.unit) != wanted.end();
    if (meant && is_worth_another(unit.state)) {
      out.push_back(unit);
    }
  }
  return out;
}

}  // namespace

Result<void> check_payload(const std::string& payload) {
  if (payload.empty()) {
    return failure(ErrorCode::not_found,
                   "the station has not kept what was to be done: it knows the command by its ACKs "
                   "only, or it held secrets that could not be told apart");
  }
  const auto object = wire::parse_json(payload);
  if (!object || !object->is_object() || !object->contains("secret_env")) {
    return {};
  }
  const auto env = object->find("env");
  const bool hidden =
      env != object->end() &&
      (env->is_string() || std::any_of(env->begin(), env->end(), [](const auto& value) {
         return value == "(secret)";
       }));
  if (hidden) {
    return failure(ErrorCode::bad_config,
                   "it was given secrets (secret_env), and their values are not kept.\n"
                   "Send it anew, with them: stewardctl run ...");
  }
  return {};
}

namespace {

// What each of the commands was to do: from the head where all are alike, else one by one.
Result<std::map<wire::MessageId, std::string>> payloads_of(
    Session& session, const wire::JobDetail& detail, const std::vector<wire::JobUnit>& units) {
  std::map<wire::MessageId, std::string> out;
  for (const wire::JobUnit& unit : units) {
    if (out.count(unit.command) != 0) {
      continue;
    }
    std::string payload = detail.payload;
    if (detail.payloads > 1) {
      STEWARD_TRY(auto command, load_command(session, unit.command));
      payload = std::move(command.payload);
    }
    if (auto usable = check_payload(payload); !usable) {
      return tl::unexpected<Error>(std::move(usable).error().with_context("cannot send it again"));
    }
    out.emplace(unit.command, std::move(payload));
  }
  return out;
}

Result<Exit> retry(Invocation& invocation, const RetryArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto job, load_job(*session, arguments.id));
  STEWARD_TRY(const auto subject, wire::Subject::parse(job.detail.job.subject));
  STEWARD_TRY(const auto units, pick(job.detail, arguments.units));
  if (units.empty()) {
    invocation.console.note("Nothing to send again: no unit of that job has failed.");
    return Exit::ok;
  }
  STEWARD_TRY(const auto payloads, payloads_of(*session, job.detail, units));
  Order order;
  order.method = subject.method.str();
  order.domain = subject.domain.str();
  order.retries = job.detail.job.job;
  for (const wire::JobUnit& unit : units) {
    order.units.push_back(unit.unit);
    order.payloads.push_back(payloads.at(unit.command));
    order.repeated.push_back(unit.command);
  }
  return send_order(invocation, *session, std::move(order), arguments.sending, std::nullopt);
}

}  // namespace

Verb retry_verb() {
  return {"jobs retry",
          "send what failed in a job again",
          "Every unit on which the job failed, was refused, expired, timed out or was interrupted\n"
          "gets the same command again under a new id, in a new job that names the old one. A\n"
          "command with secrets cannot be sent again: their values are not kept.",
          "stewardctl jobs retry 01JD3X5T8E6Q4M2B7R9KZ1VWYA\n"
          "stewardctl jobs retry 01JD3X5T8E6Q4M2B7R9KZ1VWYA --unit 'ship[1-3]' --no-wait",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<RetryArguments>();
            syntax.positional("JOB", arguments->id, Syntax::Presence::required);
            syntax.option(
                "--unit", arguments->units, "TARGET", "only on these units (all that failed)");
            declare_sending(syntax, arguments->sending);
            return [arguments](Invocation& invocation) { return retry(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
