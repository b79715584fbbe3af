#include "tools/stewardctl/account_push.hpp"
#include "tools/stewardctl/cluster_folder.hpp"
#include "tools/stewardctl/cluster_revocation.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/policy_push.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace steward::ctl {

namespace {

struct RevokeArguments {
  std::vector<std::string> units;
  std::vector<std::string> operators;
  std::string folder;
  std::string wait = "15s";
  bool only_files = false;
};

Result<Revoked> revoked_in(const RevokeArguments& arguments) {
  if (arguments.units.empty() && arguments.operators.empty()) {
    return failure(ErrorCode::bad_config, "name units, or an operator by --operator");
  }
  Revoked revoked{{}, arguments.operators};
  for (const auto& name : arguments.units) {
    auto unit = wire::NodeName::parse(name);
    if (!unit) {
      return failure(ErrorCode::bad_config, unit.error().message);
    }
    revoked.units.push_back(*std::move(unit));
  }
  return revoked;
}

// All of them by name while a person would read that.
std::string described(const RevokeArguments& arguments) {
  constexpr std::size_t kNamed = 20;
  auto names = arguments.units;
  if (names.size() > kNamed) {
    names = {counted(names.size(), "unit")};
  }
  names.insert(names.end(), arguments.operators.begin(), arguments.operators.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

// There is no way back: names are not used again.
Result<void> confirm(Invocation& invocation, const std::string& who) {
  if (invocation.asking == Asking::answered_yes) {
    return {};
  }
  if (invocation.asking == Asking::never || !invocation.console.look().in_is_terminal) {
    return failure(ErrorCode::bad_config,
                   "nobody is here to confirm that " + who + " is cut off for good: write --yes");
  }
  return invocation.console.confirmed("Cut off " + who + " for good?")
             ? Result<void>()
             : failure(ErrorCode::denied, "not confirmed: nothing was revoked");
}

Result<Exit> revoke(Invocation& invocation, const RevokeArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  STEWARD_TRY(const auto patience, parse_duration(arguments.wait));
  STEWARD_TRY(const auto revoked, revoked_in(arguments));
  const auto who = described(arguments);
  if (auto sure = confirm(invocation, who); !sure) {
    return tl::unexpected<Error>(std::move(sure).error());
  }
  STEWARD_TRY(auto made, revoke_in(folder, revoked, ask_root_passphrase, wall_clock()));
  if (arguments.only_files) {
    invocation.console.note("Revoked in the files of " + folder.string() +
                            "; run it again without --only-files where the broker is.");
    return Exit::ok;
  }
  if (auto pushed = push_account(invocation, folder, made.account_jwt, patience); !pushed) {
    return tl::unexpected<Error>(std::move(pushed).error());
  }
  invocation.console.out(fmt::format("{}: cut off from the broker\n", who));
  return push_policy(invocation, std::move(made.policy), patience);
}

}  // namespace

Verb revoke_verb() {
  return {"revoke",
          "cut units or operators off for good",
          "Done where the root's key is. The broker closes their connections and lets\n"
          "them in no more; the policy denies their keys, and goes to all units. What a\n"
          "revoked operator has queued is refused when its turn comes. Names are not used\n"
          "again. Interrupted, or without a broker, it is run again.",
          "stewardctl revoke ship2 --dir fleet\n"
          "stewardctl revoke --operator mallory --dir fleet --yes",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<RevokeArguments>();
            syntax.positional("UNIT", arguments->units);
            syntax.option("--operator", arguments->operators, "ID", "a person, as the policy says");
            declare_cluster_folder(syntax, arguments->folder);
            syntax.option(
                "--wait", arguments->wait, "TIME", "for broker and units to have it (15s)");
            syntax.flag("--only-files", arguments->only_files, "change the folder, reach nobody");
            return [arguments](Invocation& invocation) { return revoke(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
