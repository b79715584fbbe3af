#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/passphrase.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

using identity::Policy;

struct CheckArguments {
  std::string file;
  std::string root;
};

struct SignArguments {
  std::string file;
  std::string key;
  std::string out;
};

// What is wrong with a file is wrong with what the person wrote.
tl::unexpected<Error> wrong_in_policy(const std::string& file, const Error& error) {
  return failure(error.code == ErrorCode::denied || error.code == ErrorCode::bad_signature
                     ? error.code
                     : ErrorCode::bad_config,
                 file + ": " + error.message);
}

Result<Policy> read_policy(const CheckArguments& arguments) {
  const auto text = identity::read_file(arguments.file);
  if (!text) {
    return wrong_in_policy(arguments.file, text.error());
  }
  auto body = Result<std::string_view>(identity::body_of(*text));
  if (!arguments.root.empty()) {
    const auto root = identity::PublicKey::parse(arguments.root);
    if (!root) {
      return wrong_in_policy("--root", root.error());
    }
    body = identity::open_document(identity::Purpose::policy, *text, {*root});
  }
  auto policy = body ? Policy::parse(*body) : Result<Policy>(tl::unexpected(body.error()));
  if (!policy) {
    return wrong_in_policy(arguments.file, policy.error());
  }
  return policy;
}

Result<Exit> check(Invocation& invocation, const CheckArguments& arguments) {
  STEWARD_TRY(const auto policy, read_policy(arguments));
  invocation.console.out(fmt::format(
      "good: version {} for the cluster {}, until {}; {} signers, {} rules, {} keys denied\n",
      policy.version(),
      policy.cluster().str(),
      wire::format_time(policy.expires()),
      policy.signers().size(),
      policy.rules().size(),
      policy.denied_keys().size()));
  if (arguments.root.empty()) {
    invocation.console.note("Whose signature it has was not looked at: give --root KEY.");
  }
  return Exit::ok;
}

Result<Exit> show_policy(Invocation& invocation, const CheckArguments& arguments) {
  STEWARD_TRY(const auto policy, read_policy(arguments));
  Table table({{"SIGNER"}, {"ROLES"}, {"KEY ID"}, {"STATE"}});
  nlohmann::json all = nlohmann::json::array();
  for (const auto& signer : policy.signers()) {
    const std::string state = policy.denied_keys().contains(signer.key_id) ? "denied"
                              : signer.expires ? "until " + wire::format_time(*signer.expires)
                                               : "good";
    all.push_back({{"signer", signer.source.str()},
                   {"roles", signer.roles},
                   {"key_id", signer.key_id},
                   {"state", state}});
    table.add({{signer.source.str()},
               {fmt::format("{}", fmt::join(signer.roles, ", "))},
               {signer.key_id},
               {state}});
  }
  Console& console = invocation.console;
  console.out(invocation.is_table() ? table.render(console.look().out, console.width())
                                    : wire::dump_json(all) + "\n");
  return Exit::ok;
}

// Nothing is signed that a unit could not read.
Result<Exit> sign_policy(Invocation& invocation, const SignArguments& arguments) {
  if (arguments.key.empty() || arguments.out.empty()) {
    return failure(ErrorCode::bad_config, "--key and --out are needed");
  }
  STEWARD_TRY(const auto policy, read_policy({arguments.file, ""}));
  const auto text = identity::read_file(arguments.file);
  const auto key = identity::read_key_file(
      arguments.key, [&] { return ask_passphrase("Passphrase of " + arguments.key); });
  if (!text || !key) {
    return wrong_in_policy(text ? arguments.key : arguments.file,
                           text ? key.error() : text.error());
  }
  STEWARD_TRY(const auto document,
              identity::sign_document(identity::Purpose::policy, identity::body_of(*text), *key));
  if (auto written = identity::write_file(
          arguments.out, document, identity::Access::everybody, identity::Existing::replace);
      !written) {
    return wrong_in_policy(arguments.out, written.error());
  }
  invocation.console.note(
      fmt::format("Signed version {} by {}", policy.version(), key->public_key().id()));
  return Exit::ok;
}

template <Result<Exit> (*action)(Invocation&, const CheckArguments&)>
Action declare_reading(Syntax& syntax) {
  const auto arguments = std::make_shared<CheckArguments>();
  syntax.positional("FILE", arguments->file, Syntax::Presence::required);
  syntax.option("--root", arguments->root, "KEY", "the public key that has to have signed it");
  return [arguments](Invocation& invocation) { return action(invocation, *arguments); };
}

Action declare_sign(Syntax& syntax) {
  const auto arguments = std::make_shared<SignArguments>();
  syntax.positional("FILE", arguments->file, Syntax::Presence::required);
  syntax.option("--key", arguments->key, "FILE", "the root's private key");
  syntax.option("--out", arguments->out, "FILE", "where the signed policy goes");
  return [arguments](Invocation& invocation) { return sign_policy(invocation, *arguments); };
}

}  // namespace

Verbs policy_verbs() {
  return {{"policy check",
           "whether a policy can be read, and by --root whose it is",
           "",
           "stewardctl policy check policy.json\nstewardctl policy check policy.signed --root KEY",
           TakesCommand::no,
           declare_reading<check>},
          {"policy sign",
           "sign a policy, on the machine that has the root's key",
           "A unit takes it only if its version is higher than that of the one it has.",
           "stewardctl policy sign policy.json --key root.key --out policy.signed",
           TakesCommand::no,
           declare_sign},
          {"policy show",
           "who may sign, and in which roles",
           "",
           "stewardctl policy show policy.signed",
           TakesCommand::no,
           declare_reading<show_policy>},
          policy_push_verb()};
}

}  // namespace steward::ctl
