#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/update_looks.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <utility>

namespace steward::ctl {

namespace {

Result<wire::ConffilePolicy> conffile_of(const std::string& text) {
  if (text.empty() || text == "keep") {
    return wire::ConffilePolicy::keep;
  }
  if (text == "replace") {
    return wire::ConffilePolicy::replace;
  }
  if (text == "fail") {
    return wire::ConffilePolicy::fail;
  }
  return failure(ErrorCode::bad_config, "--conffile: keep, replace or fail");
}

Result<wire::UpdateRun> run_of(const UpdateArguments& arguments, wire::UpdateRun::Op op) {
  wire::UpdateRun run;
  run.op = op;
  STEWARD_TRY(run.choice, choice_of(arguments));
  STEWARD_TRY(run.conffile, conffile_of(arguments.conffile));
  if (!arguments.lock_wait.empty()) {
    STEWARD_TRY(run.lock_wait, parse_duration(arguments.lock_wait));
  }
  if (!arguments.most.empty()) {
    const auto* const end = arguments.most.data() + arguments.most.size();
    const auto read = std::from_chars(arguments.most.data(), end, run.most_bytes);
    if (read.ec != std::errc() || read.ptr != end || run.most_bytes < 1) {
      return failure(ErrorCode::bad_config, "--max-download: a number of bytes");
    }
  }
  run.plan_hash = arguments.plan;
  run.allow_remove = arguments.allow_remove;
  run.run = arguments.run;
  if (auto taken = take_course(arguments.course, run); !taken) {
    return tl::unexpected<Error>(std::move(taken).error());
  }
  // What the unit would refuse is said here.
  if (auto good = wire::decode_update_request(wire::encode(wire::UpdateRequest(run))); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  return run;
}

Result<Exit> send_update(Invocation& invocation,
                         const UpdateArguments& arguments,
                         const wire::UpdateRequest& request) {
  Order order;
  order.method = "osupdate";
  order.domain = "system";
  order.payload = wire::encode(request);
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(order.units, resolve_units(*session, invocation.console, arguments.target));
  return send_order(invocation, *session, std::move(order), arguments.sending, std::nullopt);
}

Result<Exit> apply_updates(Invocation& invocation, const UpdateArguments& arguments) {
  STEWARD_TRY(
      const auto run,
      run_of(arguments,
             arguments.download ? wire::UpdateRun::Op::download : wire::UpdateRun::Op::apply));
  return send_update(invocation, arguments, run);
}

Result<Exit> roll_back(Invocation& invocation, const UpdateArguments& arguments) {
  STEWARD_TRY(const auto run, run_of(arguments, wire::UpdateRun::Op::rollback));
  return send_update(invocation, arguments, run);
}

Result<Exit> reboot_units(Invocation& invocation, const UpdateArguments& arguments) {
  STEWARD_TRY(const auto run, run_of(arguments, wire::UpdateRun::Op::reboot));
  return send_update(invocation, arguments, run);
}

template <bool held>
Result<Exit> hold_packages(Invocation& invocation, const UpdateArguments& arguments) {
  if (arguments.packages.empty()) {
    return failure(ErrorCode::bad_config, "no package is named. Write its name behind the target");
  }
  if (auto good = check_packages(arguments.packages, &wire::is_package_name); !good) {
    return tl::unexpected<Error>(good.error());
  }
  return send_update(invocation, arguments, wire::UpdateHold{held, arguments.packages});
}

void declare_choice(Syntax& syntax, UpdateArguments& arguments) {
  syntax.flag("--security", arguments.security, "from repositories of security alone");
  syntax.option("--exclude", arguments.exclude, "PACKAGE", "leave it as it is");
  syntax.option("--min-age", arguments.min_age, "TIME", "what units have known for so long: 7d");
  syntax.flag("--full", arguments.full, "also what needs others to be removed");
  syntax.flag("--no-new", arguments.no_new, "nothing that needs new packages");
}

void declare_install(Syntax& syntax, UpdateArguments& arguments) {
  syntax.option(
      "--conffile", arguments.conffile, "WORD", "changed on both sides: keep, replace, fail");
  syntax.flag("--allow-remove", arguments.allow_remove, "packages may be removed");
  syntax.option("--lock-wait", arguments.lock_wait, "TIME", "for another package program (10m)");
}

enum class Takes { nothing, packages, choice };

// A verb that only asks.
template <Result<Exit> (*action)(Invocation&, const UpdateArguments&), Takes takes>
Action declare_asking(Syntax& syntax) {
  const auto arguments = std::make_shared<UpdateArguments>();
  declare_acting_target(syntax, arguments->target);
  if (takes == Takes::choice) {
    syntax.positional("PACKAGE", arguments->packages);
    declare_choice(syntax, *arguments);
  }
  if (action == check_updates) {
    syntax.flag("--refresh", arguments->refresh, "read the repositories first");
  }
  return [arguments](Invocation& invocation) {
    if (takes != Takes::nothing) {
      settle_packages(*arguments);
    }
    return action(invocation, *arguments);
  };
}

template <Result<Exit> (*action)(Invocation&, const UpdateArguments&), Takes takes>
Action declare_acting(Syntax& syntax) {
  const auto arguments = std::make_shared<UpdateArguments>();
  declare_acting_target(syntax, arguments->target);
  if (takes != Takes::nothing) {
    syntax.positional("PACKAGE", arguments->packages);
  }
  if (takes == Takes::choice) {
    declare_choice(syntax, *arguments);
    syntax.option("--plan", arguments->plan, "HASH", "only if the plan is still this one");
    syntax.option("--max-download", arguments->most, "BYTES", "refuse to fetch more");
    syntax.flag("--download", arguments->download, "fetch, and install nothing");
  }
  if (takes != Takes::packages && action != reboot_units) {
    declare_install(syntax, *arguments);
  }
  if (takes != Takes::packages) {
    declare_course(syntax, arguments->course, action == reboot_units);
  }
  if (action == roll_back) {
    syntax.option("--run", arguments->run, "ID", "of an apply (the last one)");
  }
  declare_sending(syntax, arguments->sending);
  if (action == apply_updates) {
    declare_rollout(syntax, arguments->sending.rollout);
  }
  return [arguments](Invocation& invocation) {
    if (takes != Takes::nothing) {
      settle_packages(*arguments);
    }
    return action(invocation, *arguments);
  };
}

}  // namespace

Verbs update_verbs() {
  return {{"update check",
           "how many updates units have, and if a reboot is due",
           "The units are asked; one that is away does not answer.",
           "stewardctl update check --all\n"
           "stewardctl update check 'ship*' --refresh",
           TakesCommand::no,
           &declare_asking<check_updates, Takes::nothing>},
          {"update plan",
           "what an update would change, package by package",
           "With the services that run what it replaces, and what asks for a reboot. The hash\n"
           "that it shows makes `update apply --plan` do this and nothing else.",
           "stewardctl update plan ship1\n"
           "stewardctl update plan ship1 --security\n"
           "stewardctl update plan ship1 openssl libssl3",
           TakesCommand::no,
           &declare_asking<plan_updates, Takes::choice>},
          {"update apply",
           "fetch and install updates",
           "It goes on without the agent, is never ended by a time limit, and repairs what was cut "
           "off.",
           "stewardctl update apply 'ship*' --security\n"
           "stewardctl update apply ship1 --plan HASH --conffile keep\n"
           "stewardctl update apply --all --min-age 7d --exclude linux-image-amd64\n"
           "stewardctl update apply 'ship*' --window '0 2 * * sat' --reboot if-required\n"
           "stewardctl update apply --all --reboot if-required --lease\n"
           "stewardctl update apply 'ship*' --pre 'drain --now' --post undrain\n"
           "stewardctl update apply --all --download\n"
           "stewardctl update apply 'ship*' --batch 10% --canary 1 --max-fail 5%",
           TakesCommand::no,
           &declare_acting<apply_updates, Takes::choice>},
          {"update status",
           "what units are at, and how the last run went",
           "",
           "stewardctl update status --all",
           TakesCommand::no,
           &declare_asking<update_status, Takes::nothing>},
          {"update history",
           "the last runs of units",
           "",
           "stewardctl update history ship1",
           TakesCommand::no,
           &declare_asking<update_history, Takes::nothing>},
          {"update hold",
           "leave packages as they are from now on",
           "",
           "stewardctl update hold 'ship*' nginx",
           TakesCommand::no,
           &declare_acting<hold_packages<true>, Takes::packages>},
          {"update unhold",
           "upgrade packages again that were held",
           "",
           "stewardctl update unhold 'ship*' nginx",
           TakesCommand::no,
           &declare_acting<hold_packages<false>, Takes::packages>},
          {"update rollback",
           "bring packages back to what they were before a run",
           "Where the old versions can still be had. What was new stays.",
           "stewardctl update rollback ship1",
           TakesCommand::no,
           &declare_acting<roll_back, Takes::nothing>},
          {"update reboot",
           "reboot units, and see that they come back well",
           "The end is told by the unit when it is up again.",
           "stewardctl update reboot 'ship*' --health 'systemctl is-active nginx'",
           TakesCommand::no,
           &declare_acting<reboot_units, Takes::nothing>}};
}

}  // namespace steward::ctl
