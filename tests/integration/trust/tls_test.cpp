// A broker that speaks TLS and demands certificates: who belongs to the cluster gets one by itself.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::tls_test {
namespace {

namespace fs = std::filesystem;

std::string token_with(const Fleet& fleet, const std::string& unit, const std::string& how) {
  const auto said =
      identity::tests::run(std::string(STEWARD_BIN_DIR) + "/stewardctl enroll token " + unit +
                           " --dir " + fleet.made().string() + how + " 2>/dev/null");
  REQUIRE(said.exit_code == 0);
  return said.text.substr(0, said.text.find('\n'));
}

std::string by(const std::string& broker) { return " --broker " + broker; }

std::string broker_ca(const Fleet& fleet) {
  return " --broker-ca " + fleet.path("broker.pem").string();
}

bool is_up(const Fleet& fleet, const std::string& unit) {
  return eventually([&] { return fleet.ctl("units --state up -o name").text == unit + "\n"; });
}

}  // namespace

TEST_CASE("trust: a unit joins by a broker that demands certificates, and works with it") {
  const auto fleet = Fleet::make_demanding();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto invitation = token_with(*fleet, "ship7", by(fleet->url()) + broker_ca(*fleet));
  {
    const Process asking(
        "steward-edge",
        std::vector<std::string>{"join", "--dir", fleet->path("ship7").string(), invitation},
        fleet->path("join.log"));
    REQUIRE_MESSAGE(
        eventually([&] { return fleet->ctl("enroll ls").text.find("ship7") != std::string::npos; }),
        identity::tests::contents(fleet->path("join.log")));
    const auto approved =
        fleet->ctl("enroll approve ship7 --yes --dir " + fleet->made().string() + " 2>&1");
    REQUIRE_MESSAGE(approved.exit_code == 0, approved.text);
    REQUIRE(eventually([&] { return asking.said("✓ enrolled"); }));
  }
  const auto place = fleet->path("ship7");
  for (const auto* file : {"join.creds", "join.crt", "join.key", "join-ca.crt", "join.string"}) {
    CHECK_FALSE(fs::exists(place / file));
  }

  Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  REQUIRE(is_up(*fleet, "ship7"));
  const auto run = fleet->ctl("run ship7 --wait 60s -- echo carried out 2>&1");
  CHECK_MESSAGE(run.text.find("carried out") != std::string::npos, run.text);

  // One that has expired, or was lost, is made anew, and the next connection shows it.
  agent.end();
  fs::remove(place / "state/tls/chain.pem");
  agent.start();
  CHECK(eventually([&] { return agent.said("a new certificate for the broker"); }));
  const auto again = fleet->ctl("run ship7 --wait 60s -- echo once more 2>&1");
  CHECK_MESSAGE(again.text.find("once more") != std::string::npos, again.text);
}

TEST_CASE("trust: without a certificate of the cluster a broker that demands one is not reached") {
  const auto fleet = Fleet::make_demanding();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  REQUIRE(eventually([&] { return fleet->ctl("units").exit_code == 0; }));
  const auto added = fleet->ctl("context add bare --server " + fleet->url() + " --creds " +
                                (fleet->made() / "people/anna.creds").string() +
                                " --operator anna --ca " + fleet->path("broker.pem").string());
  REQUIRE(added.exit_code == 0);
  const auto refused = fleet->ctl("--context bare --timeout 3s units 2>&1");
  CHECK(refused.exit_code != 0);
  INFO(refused.text);
  CHECK(refused.text.find("certificate") != std::string::npos);
}

TEST_CASE("trust: a broker whose certificate is another's is not believed") {
  const auto fleet = Fleet::make_demanding();
  if (!fleet) {
    return;
  }
  const auto says = [&](const std::string& unit, const std::string& invitation) {
    const auto said =
        our("steward-edge join " + invitation + " --wait 3 --dir " + fleet->path(unit).string());
    CHECK_MESSAGE(said.exit_code == 4, said.text);
    return said.text;
  };
  // Signed by nobody whom the system knows.
  const auto unknown = says("ship8", token_with(*fleet, "ship8", by(fleet->url())));
  CHECK(unknown.find("connected to") == std::string::npos);
  CHECK(unknown.find("certificate") != std::string::npos);
  // For another address.
  const auto other = "tls://localhost:" + std::to_string(fleet->server().port());
  const auto named = says("ship9", token_with(*fleet, "ship9", by(other) + broker_ca(*fleet)));
  CHECK(named.find("connected to") == std::string::npos);
  CHECK_MESSAGE(named.find("hostname mismatch") != std::string::npos, named);
}

}  // namespace steward::tests::tls_test
