#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/join_string.hpp"
#include "subjects/identity/leaf_files.hpp"
#include "subjects/identity/unit_login.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/cluster_folder.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace steward::ctl {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours kLongest{24 * 30};

struct EnrollTokenArguments {
  std::string unit;
  std::string folder;
  std::vector<std::string> brokers;
  std::string broker_ca;
  std::string life = "24h";
};

template <class T>
Result<T> of_bundle(const fs::path& file, Result<T> read) {
  return std::move(read).map_error([&file](const Error& error) {
    return Error{ErrorCode::bad_config, file.string() + ": " + error.message};
  });
}

// Who the station of that folder's cluster is.
Result<identity::NodeIdentity> station_in(const fs::path& folder) {
  const auto file = folder / "cluster.json";
  STEWARD_TRY(const auto text, of_bundle(file, identity::read_file(file)));
  STEWARD_TRY(const auto said, of_bundle(file, wire::parse_json(text)));
  wire::Fields fields(said);
  STEWARD_TRY(auto cluster, of_bundle(file, identity::ClusterName::parse(fields.text("cluster"))));
  STEWARD_TRY(auto name, of_bundle(file, wire::NodeName::parse(fields.text("station"))));
  return identity::NodeIdentity{std::move(cluster), std::move(name)};
}

Result<identity::PublicKey> root_in(const fs::path& folder) {
  const auto file = folder / "root.pub";
  STEWARD_TRY(const auto text, of_bundle(file, identity::read_file(file)));
  return of_bundle(file, identity::PublicKey::parse(text.substr(0, text.find('\n'))));
}

Result<std::string> login_for(const wire::NodeName& unit,
                              const fs::path& folder,
                              std::chrono::milliseconds life) {
  const auto station = folder / "station";
  STEWARD_TRY(const auto keys, of_bundle(station, identity::read_unit_login_keys(station)));
  STEWARD_TRY(const auto user, identity::NkeyPair::generate(identity::NkeyKind::user));
  const auto now = wall_clock();
  STEWARD_TRY(const auto jwt,
              identity::sign_enrolling_login(unit, user.public_key(), keys, now, now + life));
  return std::string(identity::encode_credentials(jwt, user).view());
}

// What the unit needs for a broker that is spoken to by TLS; none where none is.
Result<std::optional<identity::JoinString::Tls>> tls_for(const EnrollTokenArguments& arguments,
                                                         const std::vector<std::string>& brokers,
                                                         const identity::NodeIdentity& issuer,
                                                         const fs::path& folder,
                                                         std::chrono::milliseconds life) {
  if (std::none_of(brokers.begin(), brokers.end(), bus::is_tls_address) &&
      arguments.broker_ca.empty()) {
    return std::nullopt;
  }
  identity::JoinString::Tls tls;
  if (!arguments.broker_ca.empty()) {
    STEWARD_TRY(tls.ca, of_bundle(arguments.broker_ca, identity::read_file(arguments.broker_ca)));
  }
  const auto station = folder / "station";
  std::error_code error;
  if (!fs::exists(station / "authority.crt", error)) {
    return tls;  // a folder from before there was one: for brokers that ask for no certificate
  }
  STEWARD_TRY(auto program, identity::DaemonName::parse("join"));
  STEWARD_TRY(auto made,
              of_bundle(station,
                        identity::issue_told_leaf(
                            {.program = {issuer.cluster, issuer.node, std::move(program)},
                             .authority = station,
                             .life = life},
                            wall_clock())));
  tls.chain = std::move(made.chain);
  tls.key = std::string(made.key.view());
  return tls;
}

Result<Exit> token(Invocation& invocation, const EnrollTokenArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  const auto unit = wire::NodeName::parse(arguments.unit);
  if (!unit) {
    return failure(ErrorCode::bad_config, unit.error().message);
  }
  STEWARD_TRY(const auto life, parse_duration(arguments.life));
  if (life < std::chrono::seconds(1) || life > kLongest) {
    return failure(ErrorCode::bad_config, "--for: from 1s to 720h");
  }
  auto brokers = arguments.brokers;
  if (brokers.empty()) {
    STEWARD_TRY(const auto settings, invocation.settings());
    brokers.push_back(settings.connection.url);
  }
  STEWARD_TRY(auto station, station_in(folder));
  STEWARD_TRY(auto root, root_in(folder));
  STEWARD_TRY(auto login, login_for(*unit, folder, life));
  STEWARD_TRY(auto tls, tls_for(arguments, brokers, station, folder, life));
  const auto text = identity::encode_join_string({std::move(station.cluster),
                                                  *unit,
                                                  std::move(root),
                                                  std::move(brokers),
                                                  std::move(login),
                                                  std::move(tls)});
  invocation.console.out(text + "\n");
  invocation.console.note(fmt::format(
      "On {}: steward-edge join STRING. Good for {}, and for asking alone; then compare "
      "the fingerprint: stewardctl enroll approve {} --dir {}",
      unit->str(),
      arguments.life,
      unit->str(),
      arguments.folder));
  return Exit::ok;
}

}  // namespace

Verb enroll_token_verb() {
  return {"enroll token",
          "a string by which a unit asks to be let in",
          "Prints one word for steward-edge join. Whoever has it can ask under that name\n"
          "until it expires, and nothing else: a person decides by the fingerprint (enroll\n"
          "approve). Made on the machine with the station's keys; the root is not needed.",
          "stewardctl enroll token ship7 --dir fleet\n"
          "stewardctl enroll token ship7 --dir fleet --broker nats://broker:4222 --for 1h",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<EnrollTokenArguments>();
            syntax.positional("UNIT", arguments->unit, Syntax::Presence::required);
            declare_cluster_folder(syntax, arguments->folder);
            syntax.option(
                "--broker", arguments->brokers, "URL", "where the unit finds the broker (ours)");
            syntax.option("--broker-ca",
                          arguments->broker_ca,
                          "FILE",
                          "who has signed the certificate of a tls:// broker");
            syntax.option("--for", arguments->life, "TIME", "how long it is good (24h)");
            return [arguments](Invocation& invocation) { return token(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
