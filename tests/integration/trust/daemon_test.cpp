// Daemons of two units, each certified by its own unit, before OpenSSL's own tools and ours.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace steward::tests::daemon_test {
namespace {

namespace fs = std::filesystem;

identity::tests::Said cert(const Fleet& fleet,
                           const std::string& unit,
                           const std::string& daemon,
                           const std::string& more = "") {
  return our("steward-edge cert " + daemon + " --dir " + fleet.path(unit).string() + " --out " +
             fleet.path(daemon).string() + " " + more);
}

identity::tests::Said verify(const Fleet& fleet,
                             const std::string& daemon,
                             const std::string& more) {
  return our("stewardctl trust verify " + fleet.path(daemon).string() + "/chain.pem --root " +
             (fleet.made() / "root.crt").string() + " " + more);
}

// One connection of web's server and db's client, which expects that name: the client's exit code,
// and what both have said.
identity::tests::Said meet(const Fleet& fleet, const std::string& expected) {
  const auto web = fleet.path("web").string();
  const auto db = fleet.path("db").string();
  const auto log = fleet.path("server.log").string();
  return identity::tests::run(
      "rm -f " + log + "; openssl s_server -rev -accept 127.0.0.1:0 -naccept 1 -Verify 2 " +
      "-verify_return_error -CAfile " + web + "/root.pem -cert_chain " + web + "/chain.pem -cert " +
      web + "/chain.pem -key " + web + "/key.pem >" + log + " 2>&1 </dev/null & server=$!; " +
      "for turn in $(seq 1 300); do grep -q ^ACCEPT " + log + " && break; sleep 0.1; done; " +
      "port=$(sed -n 's/^ACCEPT .*:\\([0-9]*\\)$/\\1/p' " + log + " | head -n 1); " +
      "echo hello | openssl s_client -connect 127.0.0.1:$port -verify_hostname " + expected +
      " -verify_return_error -CAfile " + db + "/root.pem -cert_chain " + db + "/chain.pem -cert " +
      db + "/chain.pem -key " + db + "/key.pem 2>&1; code=$?; " +
      "kill $server 2>/dev/null; wait $server 2>/dev/null; cat " + log + "; exit $code");
}

TEST_CASE("trust: daemons of two units authenticate each other by OpenSSL's own tools") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->let_in("ship1");
  fleet->let_in("ship2");
  REQUIRE(cert(*fleet, "ship1", "web").exit_code == 0);
  REQUIRE(cert(*fleet, "ship2", "db").exit_code == 0);
  const auto met = meet(*fleet, "web.ship1.fleet.steward");
  CHECK_MESSAGE(met.exit_code == 0, met.text);
  CHECK_MESSAGE(met.text.find("Verification: OK") != std::string::npos, met.text);
  const auto other = meet(*fleet, "web.ship2.fleet.steward");
  CHECK_MESSAGE(other.exit_code != 0, other.text);

  const auto said = verify(*fleet, "web", "--cluster fleet");
  CHECK_MESSAGE(said.exit_code == 0, said.text);
  CHECK(said.text == "web.ship1.fleet.steward\n");
  CHECK(verify(*fleet, "db", "--cluster fleet --as client --is db.ship2.fleet.steward").exit_code ==
        0);
  CHECK(verify(*fleet, "db", "--cluster fleet --is db.ship1.fleet.steward").exit_code == 6);
  CHECK(verify(*fleet, "web", "--cluster other").exit_code == 6);
}

TEST_CASE("trust: a daemon's certificate is kept while it is good, and its key stays") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->let_in("ship1");
  const auto told = fleet->path("told").string();
  const auto hook = "--notify 'echo new >> " + told + "'";
  REQUIRE(cert(*fleet, "ship1", "web", hook).exit_code == 0);
  const auto key = identity::tests::contents(fleet->path("web") / "key.pem");
  const auto chain = identity::tests::contents(fleet->path("web") / "chain.pem");
  CHECK(cert(*fleet, "ship1", "web", hook).exit_code == 0);
  CHECK(identity::tests::contents(fleet->path("web") / "chain.pem") == chain);
  CHECK(identity::tests::contents(told) == "new\n");
  fs::remove(fleet->path("web") / "chain.pem");
  CHECK(cert(*fleet, "ship1", "web", hook).exit_code == 0);
  CHECK(identity::tests::contents(fleet->path("web") / "key.pem") == key);
  CHECK(identity::tests::contents(fleet->path("web") / "chain.pem") != chain);
  CHECK(identity::tests::contents(told) == "new\nnew\n");
  CHECK(cert(*fleet, "ship1", "web", "--notify false --owner nobody-of-that-name").exit_code == 2);
  CHECK(cert(*fleet, "ship1", "'*'").exit_code == 2);
}

}  // namespace
}  // namespace steward::tests::daemon_test
