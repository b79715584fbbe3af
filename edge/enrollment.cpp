#include "edge/enrollment.hpp"

#include "edge/config.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace steward::edge {
namespace {

using identity::Access;
using identity::Existing;
using identity::NkeyKind;
using identity::NkeyPair;
using identity::NodeIdentity;
using identity::PrivateKey;
using identity::UnitKeys;
using std::filesystem::path;

constexpr const char* kTaken = "bundle";  // the last file of an enrollment

bool is_there(const path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

enum class Missing { make, refuse };

Result<PrivateKey> key_of(const path& file, Missing missing) {
  return missing == Missing::make ? identity::own_key_file(file)
                                  : identity::read_key_file(file, identity::no_passphrase);
}

Result<NkeyPair> login_key_of(const path& file, Missing missing) {
  if (missing == Missing::make && !is_there(file)) {
    STEWARD_TRY(const auto pair, NkeyPair::generate(NkeyKind::user));
    const auto seed = pair.seed_text();
    if (auto written = identity::write_file(file, seed.view(), Access::owner_only, Existing::keep);
        !written) {
      return tl::unexpected(std::move(written).error());
    }
  }
  STEWARD_TRY(const auto seed, identity::read_secret_file(file));
  return NkeyPair::parse_seed(seed.view());
}

Result<UnitKeys> keys_in(const path& folder, Missing missing) {
  STEWARD_TRY(auto message, key_of(folder / "message.key", missing));
  STEWARD_TRY(auto login, login_key_of(folder / "login.seed", missing));
  STEWARD_TRY(auto authority, key_of(folder / "authority.key", missing));
  return UnitKeys{std::move(message), std::move(login), std::move(authority)};
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

std::string configuration(const JoinPlan& plan) {
  const auto in_folder = [&plan](const char* file) {
    return quoted((plan.folder / file).string());
  };
  return "name = " + quoted(plan.name) + "\nbroker = " + nlohmann::json(plan.brokers).dump() +
         "\nstate_dir = " + in_folder("state") + "\ncredentials = " + in_folder("login.creds") +
         "\n\n[trust]\ncluster = " + quoted(plan.cluster) + "\nroots = [" + quoted(plan.root) +
         "]\nkey = " + in_folder("message.key") + "\npolicy = " + in_folder("policy.signed") +
         "\n" + (plan.tls_ca ? "\n[tls]\nown = true\n" : "") +
         (plan.tls_ca.value_or("").empty() ? "" : "ca = " + in_folder(kBrokerCa) + "\n");
}

// Who this unit is, by its configuration.
struct Self {
  NodeIdentity node;
  bus::BelievedRoots roots;
};

Result<Self> self_in(const path& folder) {
  Flags flags;
  flags.config = (folder / "edge.toml").string();
  STEWARD_TRY(const auto config, read_config(flags, this_machine()));
  if (!config.trust) {
    return failure(ErrorCode::bad_config, flags.config + ": [trust] is missing");
  }
  STEWARD_TRY(auto cluster, identity::ClusterName::parse(config.trust->cluster));
  STEWARD_TRY(auto roots, bus::read_roots(*config.trust));
  return Self{{std::move(cluster), config.node}, std::move(roots)};
}

Result<void> make_folder(const path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return failure(ErrorCode::io, "make " + folder.string() + ": " + error.message());
  }
  return {};
}

Result<void> write(const path& file, std::string_view bytes, Access access) {
  return identity::write_file(file, bytes, access, Existing::replace);
}

}  // namespace

Result<Request> begin_enrollment(const JoinPlan& given, wire::Timestamp now) {
  auto plan = given;
  std::error_code error;
  plan.folder = std::filesystem::absolute(given.folder, error).lexically_normal();
  const auto cluster = identity::ClusterName::parse(plan.cluster);
  const auto name = wire::NodeName::parse(plan.name);
  const auto root = identity::PublicKey::parse(plan.root);
  if (!cluster || !name || !root) {
    return failure(ErrorCode::bad_config,
                   !cluster ? "--cluster: " + cluster.error().message
                   : !name  ? "--name: " + name.error().message
                            : "--root: " + root.error().message);
  }
  if (auto made = make_folder(plan.folder); !made) {
    return tl::unexpected(std::move(made).error());
  }
  if (!plan.tls_ca.value_or("").empty()) {
    if (auto kept = write(plan.folder / kBrokerCa, *plan.tls_ca, Access::everybody); !kept) {
      return tl::unexpected(std::move(kept).error());
    }
  }
  const auto config = plan.folder / "edge.toml";
  if (!is_there(config)) {
    auto written =
        identity::write_file(config, configuration(plan), Access::owner_only, Existing::keep);
    if (!written) {
      return tl::unexpected(std::move(written).error());
    }
  }
  STEWARD_TRY(const auto self, self_in(plan.folder));
  const auto& believed = self.roots.keys;
  if (std::find(believed.begin(), believed.end(), *root) == believed.end()) {
    return failure(ErrorCode::conflict, config.string() + " names another root");
  }
  if (self.node != NodeIdentity{*cluster, *name}) {
    return failure(
        ErrorCode::conflict,
        plan.folder.string() + " is the folder of " + self.node.dns() + ": each unit has its own");
  }
  STEWARD_TRY(const auto keys, keys_in(plan.folder, Missing::make));
  const auto file = plan.folder / (plan.name + ".req");
  if (!is_there(file)) {
    STEWARD_TRY(const auto document, identity::make_enrollment_request(self.node, keys, now));
    auto written = identity::write_file(file, document, Access::everybody, Existing::keep);
    if (!written) {
      return tl::unexpected(std::move(written).error());
    }
  }
  STEWARD_TRY(const auto document, identity::read_file(file));
  return Request{file, identity::enrollment_fingerprint(document), document};
}

Result<NodeIdentity> identity_in(const path& folder) {
  return self_in(folder).map([](const Self& self) { return self.node; });
}

Result<void> finish_enrollment(const path& folder, const path& file, wire::Timestamp now) {
  STEWARD_TRY([[maybe_unused]] const auto self, self_in(folder));
  STEWARD_TRY(const auto document, identity::read_file(file));
  return take_bundle(folder, document, now);
}

Result<std::string> roots_in(const path& folder) {
  STEWARD_TRY(const auto self, self_in(folder));
  if (self.roots.certificates.empty()) {
    return identity::read_file(folder / "root.crt");
  }
  return identity::encode_chain(self.roots.certificates);
}

bool is_enrolled(const path& folder) { return is_there(folder / kTaken); }

Result<void> take_bundle(const path& given, const std::string& document, wire::Timestamp now) {
  std::error_code error;
  const auto folder = std::filesystem::absolute(given, error).lexically_normal();
  STEWARD_TRY(const auto self, self_in(folder));
  STEWARD_TRY(const auto keys, keys_in(folder, Missing::refuse));
  const auto open = [&](std::string_view text) {
    return identity::open_enrollment_bundle(text, self.node, keys, self.roots.keys, now);
  };
  STEWARD_TRY(const auto bundle, open(document));
  const auto taken = folder / kTaken;
  if (const auto before = identity::read_file(taken)) {
    const auto older = open(*before);
    if (older && older->issued > bundle.issued) {
      return failure(ErrorCode::denied, "a later bundle was taken already");
    }
  }
  STEWARD_TRY(const auto root, bundle.root.pem());
  STEWARD_TRY(const auto authority, bundle.authority.pem());
  const auto login = identity::encode_credentials(bundle.login_jwt, keys.login);
  const auto renewal = bundle.renewal_jwt.empty()
                           ? identity::Secret()
                           : identity::encode_credentials(bundle.renewal_jwt, keys.login);
  for (const auto& [name, bytes, access] :
       {std::tuple{"root.crt", std::string_view(root), Access::everybody},
        std::tuple{"authority.crt", std::string_view(authority), Access::everybody},
        std::tuple{"policy.signed", std::string_view(bundle.policy), Access::everybody},
        std::tuple{"renewal.creds", renewal.view(), Access::owner_only},
        std::tuple{"login.creds", login.view(), Access::owner_only},
        std::tuple{kTaken, std::string_view(document), Access::everybody}}) {
    if (bytes.empty()) {
      continue;  // no policy came: the station brings one; or no second login
    }
    if (auto written = write(folder / name, bytes, access); !written) {
      return written;
    }
  }
  return {};
}

}  // namespace steward::edge
