#include "subjects/wire/envelope.hpp"
#include "subjects/wire/shellcommand.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

namespace steward::ctl {

namespace {

struct RunArguments {
  TargetArguments target;
  Sending sending;
  std::string shell;
  std::string stdin_path;
  std::string user;
  std::string cwd;
  std::string timeout;
  bool detach = false;
  std::vector<std::string> environment;
};

Result<void> read_environment(const std::vector<std::string>& settings, wire::ShellRun& run) {
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return failure(ErrorCode::bad_config, fmt::format("--env '{}': write NAME=VALUE", setting));
    }
    run.env[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return {};
}

Result<wire::ShellRun> shell_run(const Invocation& invocation, const RunArguments& arguments) {
  const bool has_command = invocation.command && !invocation.command->empty();
  if (has_command == !arguments.shell.empty()) {
    return failure(ErrorCode::bad_config,
                   has_command ? "both a command after -- and --shell: write one of them"
                               : "no command. Write it after two dashes: stewardctl run ship1 -- "
                                 "uname -a");
  }
  wire::ShellRun run;
  run.argv = invocation.command.value_or(std::vector<std::string>());
  run.shell = arguments.shell;
  run.user = arguments.user;
  if (!arguments.cwd.empty()) {
    run.cwd = arguments.cwd;
  }
  run.detach = arguments.detach;
  if (run.detach) {
    run.timeout = std::chrono::milliseconds(0);
  }
  if (!arguments.timeout.empty()) {
    auto timeout = parse_duration(arguments.timeout);
    if (!timeout) {
      return tl::unexpected<Error>(std::move(timeout).error().with_context("--timeout"));
    }
    run.timeout = *timeout;
  }
  run.output.mode = wire::OutputMode::both;
  if (auto read = read_environment(arguments.environment, run); !read) {
    return tl::unexpected<Error>(read.error());
  }
  if (!arguments.stdin_path.empty()) {
    STEWARD_TRY(run.stdin_bytes, read_input(arguments.stdin_path));
  }
  return run;
}

Result<Exit> run(Invocation& invocation, const RunArguments& arguments) {
  STEWARD_TRY(const auto order_of_all, shell_run(invocation, arguments));
  Order order;
  order.method = "shellcommand";
  order.domain = "operatingsystem";
  order.payload = wire::encode(wire::ShellRequest(order_of_all));
  if (order.payload.size() > wire::kMaxPayloadBytes) {
    return failure(ErrorCode::too_large,
                   fmt::format("the command and its input measure {}, a message holds {}",
                               short_bytes(order.payload.size()),
                               short_bytes(wire::kMaxPayloadBytes)));
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(order.units, resolve_units(*session, invocation.console, arguments.target));
  auto sending = arguments.sending;
  sending.until_running = order_of_all.detach;
  const auto grace = order_of_all.grace;
  const auto longest = order_of_all.timeout.count() == 0
                           ? std::optional<std::chrono::milliseconds>()
                           : std::optional(order_of_all.timeout + grace);
  return send_order(invocation, *session, std::move(order), sending, longest);
}

}  // namespace

Verb run_verb() {
  return {
      "run",
      "run a command on units and show what it says",
      "The words after -- are the program and its arguments, as they are: no shell reads them. "
      "Output\n"
      "comes as it is made, its stderr on stderr; with several units each line has the unit's "
      "name.\n"
      "A unit that is away keeps its place: the command reaches it when it is back, until "
      "--expires.\n"
      "Ctrl-C leaves the job running.",
      "stewardctl run ship1 -- uname -a\n"
      "stewardctl run --all -- sh -c 'df -h / | tail -1'\n"
      "stewardctl run 'ship[1-20],rig3' --timeout 5m --user nobody -- make check\n"
      "stewardctl run 'os=debian and load1<4' -- apt-get -s upgrade\n"
      "stewardctl run ship1 --shell 'cd /tmp && ls | wc -l'\n"
      "stewardctl run ship1 --detach -- /opt/survey/run.sh\n"
      "stewardctl run ship1 --stdin -- tee /tmp/motd < motd\n"
      "stewardctl run 'ship*' -o jsonl -- cat /etc/hostname\n"
      "stewardctl run --all --batch 10% --canary 1 --max-fail 5% -- /opt/update",
      TakesCommand::yes,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<RunArguments>();
        declare_acting_target(syntax, arguments->target);
        syntax.option(
            "--shell", arguments->shell, "SCRIPT", "a script for /bin/sh, in place of -- CMD");
        syntax.flag_with_value(
            "--stdin", arguments->stdin_path, "-", "FILE", "give it this input: ours, or a file's");
        syntax.option(
            "--env", arguments->environment, "NAME=VALUE", "set in its environment (repeat)");
        syntax.option("--user", arguments->user, "NAME", "run as this user (the agent's own)");
        syntax.option("--cwd", arguments->cwd, "DIR", "run in this directory (/)");
        syntax.option(
            "--timeout", arguments->timeout, "TIME", "stop it after this long, 0: never (60s)");
        syntax.flag(
            "--detach", arguments->detach, "let it run on without the agent; no time limit");
        declare_sending(syntax, arguments->sending);
        declare_rollout(syntax, arguments->sending.rollout);
        return [arguments](Invocation& invocation) { return run(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
