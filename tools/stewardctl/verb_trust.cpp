#include "subjects/identity/files.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/trust.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

using identity::Certificate;
using identity::PeerSide;

struct TrustArguments {
  std::string chain;
  std::string root;
  std::string cluster;
  std::string side = "server";
  std::string expected;
  std::string policy;
};

// What cannot be read is the person's mistake; what does not hold is denied.
Error as_usage(const std::string& file, const Error& error) {
  return Error{ErrorCode::bad_config, file + ": " + error.message};
}

Result<std::vector<Certificate>> certificates_in(const std::string& file, std::size_t most) {
  const auto text = identity::read_file(file);
  auto found = text ? Certificate::parse_pem(*text, most)
                    : Result<std::vector<Certificate>>(tl::unexpected<Error>(text.error()));
  return std::move(found).map_error([&file](const Error& error) { return as_usage(file, error); });
}

// By the policy, where one was named: keys that are denied, and which of the roots are believed.
// One of them has to have signed it.
Result<void> apply_policy(const std::string& file, identity::Trust& trust) {
  if (file.empty()) {
    return {};
  }
  const auto text = identity::read_file(file);
  if (!text) {
    return tl::unexpected<Error>(as_usage(file, text.error()));
  }
  std::vector<identity::PublicKey> keys;
  for (const auto& root : trust.roots) {
    keys.push_back(root.public_key());
  }
  STEWARD_TRY(const auto policy, identity::open_policy(*text, keys, trust.cluster));
  const auto believed = policy.believed_roots();
  std::erase_if(trust.roots, [&believed](const Certificate& root) {
    return std::find(believed.begin(), believed.end(), root.public_key()) == believed.end();
  });
  for (const auto& root : policy.roots()) {
    if (std::find(trust.roots.begin(), trust.roots.end(), root) == trust.roots.end()) {
      trust.roots.push_back(root);
    }
  }
  trust.denied_keys = policy.denied_keys();
  return {};
}

Result<Exit> verify_peer(Invocation& invocation, const TrustArguments& arguments) {
  if (arguments.root.empty() || arguments.cluster.empty()) {
    return failure(ErrorCode::bad_config, "--root and --cluster are needed");
  }
  if (arguments.side != "server" && arguments.side != "client") {
    return failure(ErrorCode::bad_config, "--as: server or client");
  }
  auto cluster = identity::ClusterName::parse(arguments.cluster);
  if (!cluster) {
    return failure(ErrorCode::bad_config, "--cluster: " + cluster.error().message);
  }
  STEWARD_TRY(const auto chain, certificates_in(arguments.chain, 3));
  STEWARD_TRY(auto roots, certificates_in(arguments.root, identity::kMostRoots));
  identity::Trust trust{*std::move(cluster), std::move(roots), {}};
  if (auto applied = apply_policy(arguments.policy, trust); !applied) {
    return tl::unexpected<Error>(std::move(applied).error());
  }
  const auto side = arguments.side == "server" ? PeerSide::server : PeerSide::client;
  const auto peer = identity::verify_peer(chain, trust, side, wall_clock());
  if (!peer) {
    return failure(ErrorCode::denied, arguments.chain + ": " + peer.error().text());
  }
  if (!arguments.expected.empty() && peer->dns() != arguments.expected) {
    return failure(ErrorCode::denied, "this is " + peer->dns() + ", not " + arguments.expected);
  }
  invocation.console.out(invocation.is_table() ? peer->dns() + "\n"
                                               : wire::dump_json({{"cluster", peer->cluster.str()},
                                                                  {"unit", peer->node.str()},
                                                                  {"daemon", peer->daemon.str()},
                                                                  {"name", peer->dns()}}) +
                                                     "\n");
  return Exit::ok;
}

}  // namespace

Verb trust_verify_verb() {
  return {"trust verify",
          "who a daemon with these certificates is, or why not",
          "Reads a chain as a daemon shows it: its own certificate and its unit's. The name is\n"
          "DAEMON.UNIT.CLUSTER.steward; nothing else in the certificates counts.",
          "stewardctl trust verify chain.pem --root root.crt --cluster fleet\n"
          "stewardctl trust verify chain.pem --root root.crt --cluster fleet \\\n"
          "  --is nginx.ship1.fleet.steward",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<TrustArguments>();
            syntax.positional("CHAIN", arguments->chain, Syntax::Presence::required);
            syntax.option("--root", arguments->root, "FILE", "the cluster's root certificate");
            syntax.option("--cluster", arguments->cluster, "NAME", "the cluster");
            syntax.option("--as", arguments->side, "SIDE", "server or client (server)");
            syntax.option("--is", arguments->expected, "NAME", "who it has to be");
            syntax.option("--policy", arguments->policy, "FILE", "whose roots and deny list count");
            return
                [arguments](Invocation& invocation) { return verify_peer(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
