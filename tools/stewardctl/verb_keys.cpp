#include "subjects/identity/key_file.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/passphrase.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

using identity::Existing;
using identity::PrivateKey;

struct NewArguments {
  std::string file;
  bool passphrase = false;
};

void say(Invocation& invocation, const identity::PublicKey& key) {
  invocation.console.out(
      invocation.is_table()
          ? fmt::format("public key   {}\nkey id       {}\nfingerprint  {}\n",
                        key.text(),
                        key.id(),
                        key.fingerprint())
          : wire::dump_json(
                {{"key", key.text()}, {"id", key.id()}, {"fingerprint", key.fingerprint()}}) +
                "\n");
}

Result<void> write_new(const PrivateKey& key, const NewArguments& arguments) {
  if (!arguments.passphrase) {
    return identity::write_key_file(arguments.file, key, Existing::keep);
  }
  STEWARD_TRY(const auto first, ask_passphrase("Passphrase for " + arguments.file));
  STEWARD_TRY(const auto second, ask_passphrase("The same again"));
  if (first.view() != second.view()) {
    return failure(ErrorCode::bad_config, "the two passphrases differ");
  }
  return identity::write_key_file(arguments.file, key, first, Existing::keep);
}

Result<Exit> make(Invocation& invocation, const NewArguments& arguments) {
  STEWARD_TRY(const auto key, PrivateKey::generate());
  if (auto written = write_new(key, arguments); !written) {
    return failure(ErrorCode::bad_config, written.error().message);
  }
  say(invocation, key.public_key());
  return Exit::ok;
}

Result<Exit> show_key(Invocation& invocation, const std::string& file) {
  const auto key =
      identity::read_key_file(file, [&file] { return ask_passphrase("Passphrase of " + file); });
  if (!key) {
    return failure(
        key.error().code == ErrorCode::denied ? ErrorCode::denied : ErrorCode::bad_config,
        key.error().message);
  }
  say(invocation, key->public_key());
  return Exit::ok;
}

}  // namespace

Verbs keys_verbs() {
  return {{"keys new",
           "make a key to sign with; its public half is for the policy",
           "The file (0600) stays on this machine. A file that is there is left alone.",
           "stewardctl keys new ~/.config/steward/anna.key --passphrase",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto arguments = std::make_shared<NewArguments>();
             syntax.positional("FILE", arguments->file, Syntax::Presence::required);
             syntax.flag("--passphrase", arguments->passphrase, "ask for one, and encrypt it");
             return [arguments](Invocation& invocation) { return make(invocation, *arguments); };
           }},
          {"keys show",
           "the public half of a key",
           "",
           "stewardctl keys show anna.key",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto file = std::make_shared<std::string>();
             syntax.positional("FILE", *file, Syntax::Presence::required);
             return [file](Invocation& invocation) { return show_key(invocation, *file); };
           }}};
}

}  // namespace steward::ctl
