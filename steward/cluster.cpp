#include "steward/cluster.hpp"

#include "steward/cluster_files.hpp"
#include "steward/files.hpp"
#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/leaf_files.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <utility>

namespace steward::station {
namespace {

using identity::Access;
using identity::Existing;
using identity::NkeyKind;
using identity::NkeyPair;
using identity::PrivateKey;
using identity::Purpose;
using Path = std::filesystem::path;

constexpr std::chrono::hours kPolicyLife{24 * 365};
constexpr std::chrono::hours kRootLife{24 * 365 * 20};
constexpr std::chrono::hours kOperatorLife{24 * 365};
constexpr std::string_view kRootKey = "offline/root.key";
constexpr std::string_view kRevoker = "revoker";      // by which stewardctl brings revocations
constexpr std::string_view kRootPublic = "root.pub";  // the last one to be made

Result<LoginKeys> login_keys(const Cluster& cluster) {
  const auto of = [&cluster](std::string_view file, NkeyKind kind) {
    return nkey_of(cluster.path(file), kind);
  };
  STEWARD_TRY(auto own, of("offline/operator.seed", NkeyKind::operator_));
  STEWARD_TRY(auto signing, of("offline/operator-signing.seed", NkeyKind::operator_));
  STEWARD_TRY(auto account, of("offline/account.seed", NkeyKind::account));
  STEWARD_TRY(auto people, of("offline/people-signing.seed", NkeyKind::account));
  STEWARD_TRY(auto system, of("offline/system.seed", NkeyKind::account));
  STEWARD_TRY(auto system_signing, of("offline/system-signing.seed", NkeyKind::account));
  STEWARD_TRY(auto scope, of("station/unit-login.seed", NkeyKind::account));
  STEWARD_TRY(auto enrolling, of("station/enrolling-login.seed", NkeyKind::account));
  return LoginKeys{std::move(own),
                   std::move(signing),
                   std::move(account),
                   std::move(people),
                   std::move(scope),
                   std::move(enrolling),
                   std::move(system),
                   std::move(system_signing)};
}

std::string described(const ClusterPlan& plan) {
  return nlohmann::json(
             {{"cluster", plan.name}, {"station", plan.station}, {"person", plan.person}})
             .dump() +
         "\n";
}

Result<void> check_names(const ClusterPlan& plan) {
  STEWARD_TRY([[maybe_unused]] const auto cluster, identity::ClusterName::parse(plan.name));
  STEWARD_TRY([[maybe_unused]] const auto station, wire::NodeName::parse(plan.station));
  STEWARD_TRY([[maybe_unused]] const auto person, wire::NodeName::parse(plan.person));
  if (plan.station == plan.person) {
    return failure(ErrorCode::bad_config, "station and operator need names of their own");
  }
  return {};
}

std::string broker_head(const std::string& cluster, const Path& root) {
  return "# For a nats-server of your own. Complete the places, and TLS.\n"
         "server_name: " +
         quoted(cluster + "-broker") +
         "\n"
         "listen: \"0.0.0.0:4222\"\n"
         "max_payload: 2097152\n"
         "jetstream { store_dir: \"/var/lib/nats/jetstream\" }\n"
         "# With verify clients have to show a certificate: units, station and operators have some "
         "below root.crt.\n"
         "# tls { cert_file: \"...\", key_file: \"...\", ca_file: " +
         quoted(root.string()) + ", verify: true }\n";
}

}  // namespace

Result<Cluster> Cluster::make(ClusterPlan plan, wire::Timestamp now) {
  if (auto good = check_names(plan); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  std::error_code error;
  plan.folder = std::filesystem::absolute(plan.folder, error).lexically_normal();
  const Cluster cluster(plan);
  for (const auto* folder : {"offline", "station/units", "people", "broker"}) {
    if (auto made = make_private_folder(cluster.path(folder)); !made) {
      return tl::unexpected(std::move(made).error());
    }
  }
  const auto description = cluster.path("cluster.json");
  if (auto made = make_once(description,
                            Access::everybody,
                            [&plan]() -> Result<Text> { return Text{described(plan)}; });
      !made) {
    return tl::unexpected(std::move(made).error());
  }
  STEWARD_TRY(const auto found, identity::read_file(description));
  if (found != described(plan)) {
    return failure(ErrorCode::conflict,
                   plan.folder.string() + " is the folder of another cluster: " + found);
  }
  if (is_there(cluster.path(kRootPublic))) {
    return cluster;
  }
  STEWARD_TRY(const auto keys, login_keys(cluster));
  if (auto made = cluster.make_files(keys, now); !made) {
    return tl::unexpected(std::move(made).error());
  }
  return cluster;
}

Result<Cluster> Cluster::open(const Path& folder) {
  const auto text = identity::read_file(folder / "cluster.json");
  if (!text) {
    return failure(text.error().code,
                   folder.string() + " is no folder of a cluster (steward init makes one)");
  }
  const auto said = nlohmann::json::parse(*text, nullptr, false);
  const auto word = [&said](const char* name) {
    return said.is_object() && said.contains(name) && said[name].is_string()
               ? said[name].get<std::string>()
               : std::string();
  };
  ClusterPlan plan{folder, word("cluster"), word("station"), word("person")};
  if (!check_names(plan)) {
    return failure(ErrorCode::bad_config, (folder / "cluster.json").string() + " is damaged");
  }
  return Cluster(std::move(plan));
}

Result<void> Cluster::make_files(const LoginKeys& keys, wire::Timestamp now) const {
  const auto& account = keys.account.public_key();
  const auto login = [&](const std::string& name, const auto& rights) {
    return [&, name]() -> Result<identity::Secret> {
      STEWARD_TRY(const auto node, wire::NodeName::parse(name));
      return make_login(node, rights(node), account, keys.people_signing, now);
    };
  };
  const auto configuration = [&](std::string head, const Resolver& resolver) {
    return [&, head = std::move(head), resolver]() -> Result<Text> {
      STEWARD_TRY(auto text, login_configuration(plan_.name, keys, resolver, now));
      return Text{head + text};
    };
  };
  const std::string person = "people/" + plan_.person;
  for (const auto& file : {std::string("station/message.key"), person + ".key"}) {
    if (auto key = identity::own_key_file(path(file)); !key) {
      return tl::unexpected(std::move(key).error());
    }
  }
  for (const auto& step : std::initializer_list<std::function<Result<void>()>>{
           [&] {
             return make_once(path("station/login.creds"),
                              Access::owner_only,
                              login(plan_.station, station_rights));
           },
           [&] {
             return make_once(
                 path(person + ".creds"), Access::owner_only, login(plan_.person, person_rights));
           },
           [&] { return make_known_login(person); },
           [&] { return make_system_login(keys, now); },
           [&] {
             return make_once(path("station/account"), Access::everybody, [&]() -> Result<Text> {
               return Text{account.text() + "\n"};
             });
           },
           [&] {
             return make_once(
                 path("broker/logins.conf"), Access::everybody, configuration("", Resolver{}));
           },
           [&] {
             return make_once(path("broker/nats-server.conf"),
                              Access::everybody,
                              configuration(broker_head(plan_.name, path("root.crt")),
                                            {"/var/lib/nats/accounts"}));
           },
           [&] { return make_root_certificate(now); },
           [&] { return make_station_authority(now); },
           [&] { return make_transport(plan_.person, now); },
           [&] { return make_policy(now); },
           [&] { return make_station_configuration(); },
           [&] { return make_root_public(); }}) {
    if (auto done = step(); !done) {
      return done;
    }
  }
  return {};
}

// Whoever revokes a person's login has its name and not its key.
Result<void> Cluster::make_known_login(const std::string& person) const {
  return make_once(path(person + ".login"), Access::everybody, [&]() -> Result<Text> {
    STEWARD_TRY(const auto user, user_in(path(person + ".creds")));
    return Text{user.public_key().text() + "\n"};
  });
}

Result<void> Cluster::make_system_login(const LoginKeys& keys, wire::Timestamp now) const {
  return make_once(
      path("offline/system.creds"), Access::owner_only, [&]() -> Result<identity::Secret> {
        STEWARD_TRY(const auto name, wire::NodeName::parse(kRevoker));
        return make_login(name,
                          revoking_rights(name, keys.account.public_key()),
                          keys.system.public_key(),
                          keys.system_signing,
                          now);
      });
}

Result<void> Cluster::make_root_certificate(wire::Timestamp now) const {
  STEWARD_TRY(const auto root_key, identity::own_key_file(path(kRootKey)));
  return make_once(path("root.crt"), Access::everybody, [&]() -> Result<Text> {
    STEWARD_TRY(const auto cluster, identity::ClusterName::parse(plan_.name));
    STEWARD_TRY(const auto root, identity::issue_root(cluster, root_key, {now, now + kRootLife}));
    STEWARD_TRY(auto pem, root.pem());
    return Text{std::move(pem)};
  });
}

// By it the station certifies itself, operators, and units that are about to join.
Result<void> Cluster::make_station_authority(wire::Timestamp now) const {
  STEWARD_TRY(const auto root_key, identity::own_key_file(path(kRootKey)));
  STEWARD_TRY(const auto key, identity::own_key_file(path("station/authority.key")));
  return make_once(path("station/authority.crt"), Access::everybody, [&]() -> Result<Text> {
    STEWARD_TRY(const auto pem, identity::read_file(path("root.crt")));
    STEWARD_TRY(const auto root, identity::Certificate::parse_pem(pem, 1));
    STEWARD_TRY(auto cluster, identity::ClusterName::parse(plan_.name));
    STEWARD_TRY(auto station, wire::NodeName::parse(plan_.station));
    STEWARD_TRY(const auto made,
                identity::issue_authority({std::move(cluster), std::move(station)},
                                          key.public_key(),
                                          root.front(),
                                          root_key,
                                          {now, now + kRootLife}));
    STEWARD_TRY(auto text, made.pem());
    return Text{std::move(text)};
  });
}

// What an operator shows to a broker that asks for certificates.
Result<void> Cluster::make_transport(const std::string& person, wire::Timestamp now) const {
  if (!is_there(path("station/authority.key"))) {
    return {};  // made before there was one
  }
  STEWARD_TRY(auto cluster, identity::ClusterName::parse(plan_.name));
  STEWARD_TRY(auto station, wire::NodeName::parse(plan_.station));
  STEWARD_TRY(auto name, identity::DaemonName::parse(person));
  return identity::issue_leaf_files(
             {.program = {std::move(cluster), std::move(station), std::move(name)},
              .authority = path("station"),
              .out = path("people/" + person + ".tls"),
              .life = kOperatorLife},
             now)
      .map([](identity::Issued) {});
}

// The first one: its operator may do everything, the station what it needs.
Result<void> Cluster::make_policy(wire::Timestamp now) const {
  STEWARD_TRY(const auto root_key, identity::own_key_file(path(kRootKey)));
  STEWARD_TRY(const auto person, identity::own_key_file(path("people/" + plan_.person + ".key")));
  STEWARD_TRY(const auto station, identity::own_key_file(path("station/message.key")));
  const auto rule = [](const char* id, const char* role, const char* method, const char* domain) {
    return nlohmann::json{
        {"id", id}, {"role", role}, {"nodes", {"*"}}, {"method", method}, {"domain", domain}};
  };
  auto schemas = rule("metrics", "automation", "metrics", "system");
  schemas["args"] = {{"op", {"schema"}}};
  auto facts = rule("facts", "automation", "facts", "system");
  facts["args"] = {{"op", {"tell"}}};
  auto leases = rule("reboots", "automation", "osupdate", "*");
  leases["args"] = {{"op", {"grant"}}, {"run", {"*"}}};
  const nlohmann::json policy = {
      {"cluster", plan_.name},
      {"version", 1},
      {"issued", wire::format_time(now)},
      {"expires", wire::format_time(now + kPolicyLife)},
      {"roles", {"admins", "automation"}},
      {"operators",
       {{{"id", plan_.person}, {"key", person.public_key().text()}, {"roles", {"admins"}}}}},
      {"stations",
       {{{"name", plan_.station},
         {"key", station.public_key().text()},
         {"roles", {"automation"}}}}},
      {"rules",
       {rule("everything", "admins", "*", "*"),
        rule("hello", "automation", "hello", "agent"),
        rule("outbox", "automation", "outbox", "events"),
        std::move(schemas),
        std::move(facts),
        std::move(leases)}},
      {"deny", nlohmann::json::array()}};
  auto made = make_once(path("policy.json"), Access::everybody, [&policy]() -> Result<Text> {
    return Text{policy.dump(2) + "\n"};
  });
  if (!made) {
    return made;
  }
  return make_once(path("policy.signed"), Access::everybody, [&]() -> Result<Text> {
    STEWARD_TRY(const auto body, identity::read_file(path("policy.json")));
    STEWARD_TRY([[maybe_unused]] const auto readable, identity::Policy::parse(body));
    STEWARD_TRY(auto document, identity::sign_document(Purpose::policy, body, root_key));
    return Text{std::move(document)};
  });
}

Result<void> Cluster::make_station_configuration() const {
  return make_once(path("station/steward.toml"), Access::everybody, [this]() -> Result<Text> {
    STEWARD_TRY(const auto key, identity::read_key_file(path(kRootKey), identity::no_passphrase));
    return Text{"name = " + quoted(plan_.station) +
                "\nstate_dir = " + quoted(path(kStationState).string()) +
                "\ncredentials = " + quoted(path("station/login.creds").string()) +
                "\n\n[managed_broker]\nlogins = " + quoted(path("broker/logins.conf").string()) +
                "\n\n[logins]\nkeys = " + quoted(path("station").string()) + "\n" +
                trust_section(key.public_key().text()) +
                "key = " + quoted(path("station/message.key").string()) +
                "\nunits = " + quoted(path("station/units").string()) + "\n"};
  });
}

Result<void> Cluster::make_root_public() const {
  return make_once(path(kRootPublic), Access::everybody, [this]() -> Result<Text> {
    STEWARD_TRY(const auto key, identity::read_key_file(path(kRootKey), identity::no_passphrase));
    return Text{key.public_key().text() + "\n"};
  });
}

Result<std::string> Cluster::root() const {
  STEWARD_TRY(auto text, identity::read_file(path(kRootPublic)));
  return text.substr(0, text.find('\n'));
}

std::string Cluster::trust_section(const std::string& root) const {
  return "\n[trust]\ncluster = " + quoted(plan_.name) + "\nroots = [" + quoted(root) +
         "]\npolicy = " + quoted(path("policy.signed").string()) + "\n";
}

Result<bus::TrustFiles> Cluster::station_trust(const std::filesystem::path& state_dir) const {
  STEWARD_TRY(auto root_key, root());
  return bus::TrustFiles{.cluster = plan_.name,
                         .roots = {std::move(root_key)},
                         .key = path("station/message.key"),
                         .policy = path("policy.signed"),
                         .kept = state_dir / "policy.signed",
                         .units = path("station/units")};
}

}  // namespace steward::station
