#include "tools/stewardctl/cluster_folder.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/root_rotation.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace steward::ctl {

namespace {

struct RotationArguments {
  std::string folder;
};

Result<Exit> rotate(Invocation& invocation, const RotationArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  STEWARD_TRY(const auto made, rotate_root(folder, ask_root_passphrase, wall_clock()));
  const auto shown = [&folder](const char* name) { return (folder / name).string(); };
  invocation.console.out(fmt::format("policy {}  {}\npolicy {}  {}\n",
                                     made.overlap,
                                     shown("overlap.signed"),
                                     made.policy,
                                     shown("policy.signed")));
  invocation.console.note(
      fmt::format("Bring both: stewardctl policy push {}\n"
                  "Units then ask to be let in again (stewardctl enroll ls, enroll approve). When "
                  "all are:\n  stewardctl ca retire --dir {}",
                  shown("policy.signed"),
                  arguments.folder));
  return Exit::ok;
}

Result<Exit> retire(Invocation& invocation, const RotationArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  STEWARD_TRY(const auto version, retire_root(folder, ask_root_passphrase, wall_clock()));
  const auto file = (folder / "policy.signed").string();
  invocation.console.out(fmt::format("policy {}  {}\n", version, file));
  invocation.console.note(
      fmt::format("Bring it: stewardctl policy push {}\nThe former root is good for nothing where "
                  "it has come; destroy {}.",
                  file,
                  (folder / "offline/former-root.key").string()));
  return Exit::ok;
}

using RunRotation = Result<Exit> (*)(Invocation& invocation, const RotationArguments& arguments);

Action declare_rotation(Syntax& syntax, RunRotation run) {
  const auto arguments = std::make_shared<RotationArguments>();
  declare_cluster_folder(syntax, arguments->folder);
  return [run, arguments](Invocation& invocation) { return run(invocation, *arguments); };
}

}  // namespace

Verbs ca_rotation_verbs() {
  return {{"ca rotate",
           "make another root, which the present one names",
           "Done where the root's key is; the new one gets its passphrase. Until ca retire\n"
           "both are believed. Writes overlap.signed, by the present root, and\n"
           "policy.signed, by the new one: policy push brings both. Units then ask to\n"
           "be let in again, below the new root (enroll ls). Join strings that were made\n"
           "before and not used are void. Interrupted, it is run again.",
           "stewardctl ca rotate --dir fleet",
           TakesCommand::no,
           [](Syntax& syntax) { return declare_rotation(syntax, rotate); }},
          {"ca retire",
           "end the overlap: only the new root is believed",
           "Writes a policy that names the new root alone. Where it has come, policies of\n"
           "the former root and certificates below it are refused. Interrupted, it is run\n"
           "again.",
           "stewardctl ca retire --dir fleet",
           TakesCommand::no,
           [](Syntax& syntax) { return declare_rotation(syntax, retire); }}};
}

}  // namespace steward::ctl
