// A unit joins a cluster by files: its request goes to the root, the bundle comes back.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace steward::tests::enroll_test {
namespace {

namespace fs = std::filesystem;

identity::tests::Said init(const Fleet& fleet, const std::string& name, const std::string& place) {
  return our("steward-edge init --name " + name + " --cluster fleet --root " + fleet.root() +
             " --broker " + fleet.server().url() + " --dir " + fleet.path(place).string());
}

identity::tests::Said sign(const Fleet& fleet, const fs::path& request, const std::string& how) {
  return our("stewardctl ca sign " + request.string() + " --dir " + fleet.made().string() + " " +
             how);
}

identity::tests::Said enroll(const Fleet& fleet, const fs::path& bundle, const std::string& place) {
  return our("steward-edge enroll " + bundle.string() + " --dir " + fleet.path(place).string());
}

TEST_CASE("trust: a unit is let in by file, each step again and again, and its name is its own") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto asked = init(*fleet, "ship7", "ship7");
  REQUIRE_MESSAGE(asked.exit_code == 0, asked.text);
  const auto again = init(*fleet, "ship7", "ship7");
  CHECK(again.text == asked.text);
  const auto request = fleet->path("ship7/ship7.req");
  const auto at = asked.text.find("fingerprint ");
  const auto fingerprint = asked.text.substr(at + 12, 39);

  CHECK(sign(*fleet, request, "--fingerprint 0000").exit_code == 6);
  CHECK_FALSE(fs::exists(fleet->path("ship7/ship7.bundle")));
  const auto let_in = sign(*fleet, request, "--fingerprint " + fingerprint);
  REQUIRE_MESSAGE(let_in.exit_code == 0, let_in.text);
  CHECK(sign(*fleet, request, "--yes").exit_code == 0);

  // The same name with other keys.
  REQUIRE(init(*fleet, "ship7", "impostor").exit_code == 0);
  const auto impostor = sign(*fleet, fleet->path("impostor/ship7.req"), "--yes");
  CHECK(impostor.exit_code == 2);
  CHECK_MESSAGE(impostor.text.find("has another key already") != std::string::npos, impostor.text);
  CHECK_FALSE(fs::exists(fleet->path("impostor/ship7.bundle")));

  const auto bundle = fleet->path("ship7/ship7.bundle");
  CHECK(enroll(*fleet, bundle, "impostor").exit_code == 2);
  CHECK_FALSE(fs::exists(fleet->path("impostor/login.creds")));
  for (int turn = 0; turn < 2; ++turn) {
    const auto done = enroll(*fleet, bundle, "ship7");
    CHECK_MESSAGE(done.exit_code == 0, done.text);
  }
  const auto checked =
      our("steward-edge run --check-config --config " + (fleet->path("ship7/edge.toml")).string());
  CHECK_MESSAGE(
      checked.text.find("trust: cluster fleet, policy version 1 until") != std::string::npos,
      checked.text);
  const auto chain =
      identity::tests::run("openssl verify -CAfile " + (fleet->path("ship7/root.crt")).string() +
                           " " + (fleet->path("ship7/authority.crt")).string());
  CHECK_MESSAGE(chain.exit_code == 0, chain.text);
}

TEST_CASE("trust: a bundle that is older than the one taken does not come back") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  REQUIRE(init(*fleet, "ship7", "ship7").exit_code == 0);
  const auto request = fleet->path("ship7/ship7.req");
  const auto bundle = fleet->path("ship7/ship7.bundle");
  REQUIRE(sign(*fleet, request, "--yes").exit_code == 0);
  fs::copy(bundle, fleet->path("older"));
  REQUIRE(sign(*fleet, request, "--yes").exit_code == 0);
  REQUIRE(enroll(*fleet, bundle, "ship7").exit_code == 0);
  const auto older = enroll(*fleet, fleet->path("older"), "ship7");
  CHECK(older.exit_code == 2);
  CHECK_MESSAGE(older.text.find("a later bundle was taken already") != std::string::npos,
                older.text);
}

TEST_CASE("trust: a unit that was let in by file works on the cluster's broker") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto place = fleet->path("ship7");
  REQUIRE(init(*fleet, "ship7", "ship7").exit_code == 0);
  REQUIRE(sign(*fleet, place / "ship7.req", "--yes").exit_code == 0);
  REQUIRE(enroll(*fleet, place / "ship7.bundle", "ship7").exit_code == 0);
  fleet->start_station();
  const Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  REQUIRE(eventually([&] { return fleet->ctl("units --state up -o name").text == "ship7\n"; }));
  const auto run = fleet->ctl("run ship7 --wait 60s -- echo carried out");
  CHECK_MESSAGE(run.exit_code == 0, run.text);
  CHECK(run.text.find("carried out") != std::string::npos);
}

}  // namespace
}  // namespace steward::tests::enroll_test
