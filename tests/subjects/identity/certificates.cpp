#include "tests/subjects/identity/certificates.hpp"

#include "subjects/identity/key_file.hpp"

#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace steward::identity::tests {
namespace {

void must(const Result<void>& done) {
  if (!done) {
    throw std::runtime_error(done.error().text());
  }
}

void put(const Folder& folder, const std::string& name, const std::string& text) {
  must(write_file(folder / name, text, Access::owner_only, Existing::replace));
}

void must_run(const std::string& command_line) {
  const auto said = run(command_line);
  if (said.exit_code != 0) {
    throw std::runtime_error(command_line + ": " + said.text);
  }
}

}  // namespace

NodeIdentity node(std::string_view name) {
  return {ClusterName::parse("demo").value(), wire::NodeName::parse(name).value()};
}

DaemonIdentity daemon(std::string_view name, std::string_view of_node) {
  return {ClusterName::parse("demo").value(),
          wire::NodeName::parse(of_node).value(),
          DaemonName::parse(name).value()};
}

Authorities::Authorities(wire::Timestamp present)
    : now(present + std::chrono::minutes(1)),  // openssl signs from the present second on
      validity{now - std::chrono::hours(1), now + std::chrono::hours(240)},
      root_key(fixed_key(0x11)),
      ship1_key(fixed_key(0x12)),
      ship2_key(fixed_key(0x13)),
      leaf_key(fixed_key(0x14)),
      root(issue_root(node("x").cluster, root_key, validity).value()),
      ship1(
          issue_authority(node("ship1"), ship1_key.public_key(), root, root_key, validity).value()),
      ship2(issue_authority(node("ship2"), ship2_key.public_key(), root, root_key, validity)
                .value()) {
  for (const auto& [name, certificate, key] : {std::tuple("root", &root, &root_key),
                                               std::tuple("ship1", &ship1, &ship1_key),
                                               std::tuple("ship2", &ship2, &ship2_key)}) {
    put(folder, std::string(name) + ".pem", certificate->pem().value());
    must(write_key_file(folder / (std::string(name) + ".key"), *key, Existing::keep));
  }
  must(write_key_file(folder / "leaf.key", leaf_key, Existing::keep));
}

Trust Authorities::trust() const { return {node("x").cluster, {root}, {}}; }

Certificate Authorities::leaf(const DaemonIdentity& of) const {
  const bool first = of.node.str() == "ship1";
  return issue_leaf(of,
                    leaf_key.public_key(),
                    first ? ship1 : ship2,
                    first ? ship1_key : ship2_key,
                    validity)
      .value();
}

Certificate Authorities::made_by_openssl(const std::string& name,
                                         const std::string& subject,
                                         const std::string& issuer,
                                         const std::string& extensions) const {
  put(folder,
      "extensions",
      "[x]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n" + extensions + "\n");
  const auto key = path(name + ".key");
  if (!std::filesystem::exists(key)) {
    must(write_key_file(key, PrivateKey::generate().value(), Existing::keep));
  }
  must_run("openssl req -new -key " + key + " -subj '" + subject + "' -out " + path("request"));
  must_run("openssl x509 -req -in " + path("request") + " -CA " + path(issuer + ".pem") +
           " -CAkey " + path(issuer + ".key") + " -CAcreateserial -days 2 -extfile " +
           path("extensions") + " -extensions x -out " + path(name + ".pem"));
  return Certificate::parse_pem(contents(path(name + ".pem")), 1).value().front();
}

int Authorities::openssl_verdict(const std::vector<Certificate>& chain,
                                 PeerSide side,
                                 wire::Timestamp at) const {
  put(folder, "subject.pem", chain.front().pem().value());
  put(folder, "between.pem", encode_chain({chain.begin() + 1, chain.end()}).value());
  const auto said =
      run("openssl verify -x509_strict -verify_depth 1 -attime " +
          std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()) +
          " -purpose " + (side == PeerSide::client ? "sslclient" : "sslserver") + " -CAfile " +
          path("root.pem") + " -untrusted " + path("between.pem") + " " + path("subject.pem"));
  if (said.exit_code == 0) {
    return 0;
  }
  const auto error = said.text.find("error ");
  return error == std::string::npos ? -1 : std::atoi(said.text.c_str() + error + 6);
}

}  // namespace steward::identity::tests
