#include "tests/integration/trust/cluster.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::tests::policy_test {
namespace {

// Signs a policy into a file that nobody looks at but stewardctl.
std::string sign(const Cluster& cluster, int version, const std::string& denied = "") {
  const auto body = cluster.path("policy.json").string();
  const auto file = cluster.path("pushed-" + std::to_string(version)).string();
  std::ofstream(body) << cluster.policy_body(version, denied);
  const auto done = cluster.ctl("policy sign " + body + " --out " + file + " --key " +
                                cluster.path("root.key").string());
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
  return file;
}

bool knows_ship1(const Cluster& cluster) {
  return eventually(
      [&] { return cluster.ask("units", "{}").find("\"ship1\"") != std::string::npos; });
}

TEST_CASE("trust: a policy that is pushed goes to station and units, and only forward") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(knows_ship1(*cluster));
  const auto newer = sign(*cluster, 5);
  const auto older = sign(*cluster, 4);
  const auto pushed = cluster->ctl_as("anna", "policy push --wait 60s " + newer);
  CHECK_MESSAGE(pushed.exit_code == 0, pushed.text);
  CHECK_MESSAGE(pushed.text.find("on 1 unit, 0 there without it") != std::string::npos,
                pushed.text);
  CHECK(cluster->unit().said("policy version 5 is in force"));
  CHECK(cluster->station().said("policy version 5 is in force"));
  CHECK(cluster->ctl_as("anna", "policy push " + older).exit_code == 6);

  // Brought past stewardctl, the older one is refused by both.
  auto letter = cluster->signed_by(
      cluster->anna,
      {.subject = "@all.command.policy.document", .payload = identity::tests::contents(older)});
  cluster->publish(letter);
  CHECK(eventually([&] {
    return cluster->unit().said("was not taken: denied") &&
           cluster->station().said("was not taken: denied");
  }));
  CHECK_FALSE(cluster->unit().said("policy version 4 is in force"));
}

TEST_CASE("trust: a unit that was away when a policy was pushed is given it by the station") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(knows_ship1(*cluster));
  cluster->unit().end();
  const auto file = sign(*cluster, 5, cluster->bob.public_key().id());
  cluster->publish(cluster->signed_by(
      cluster->anna,
      {.subject = "@all.command.policy.document", .payload = identity::tests::contents(file)}));
  REQUIRE(eventually([&] { return cluster->station().said("policy version 5 is in force"); }));
  cluster->unit().start();
  CHECK(eventually([&] { return cluster->unit().said("policy version 5 is in force"); }));
}

TEST_CASE("trust: before it is sent, stewardctl says which rule allows or denies a command") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(knows_ship1(*cluster));
  const auto allowed = cluster->ctl_as("anna", "run ship1 --dry-run -- true");
  CHECK_MESSAGE(allowed.exit_code == 0, allowed.text);
  CHECK_MESSAGE(allowed.text.find("allowed: rule admins") != std::string::npos, allowed.text);
  // Bob may look at the station's table in this one, and still not run anything.
  auto body = cluster->policy_body(6, "");
  body.replace(body.find(R"("method": "hello", "domain": "agent"},)"),
               std::string(R"("method": "hello", "domain": "agent")").size(),
               R"("method": "query", "domain": "*")");
  std::ofstream(cluster->path("policy.json")) << body;
  const auto signed_one = cluster->ctl("policy sign " + cluster->path("policy.json").string() +
                                       " --out " + cluster->path("policy").string() + " --key " +
                                       cluster->path("root.key").string());
  REQUIRE_MESSAGE(signed_one.exit_code == 0, signed_one.text);
  REQUIRE(eventually([&] { return cluster->station().said("policy version 6 is in force"); }));
  const auto denied = cluster->ctl_as("bob", "run ship1 --dry-run -- true");
  CHECK_MESSAGE(denied.exit_code == 6, denied.text);
  CHECK_MESSAGE(denied.text.find("denied: no rule allows it; nearest is look") != std::string::npos,
                denied.text);
}

TEST_CASE("trust: --check-config reads the files of trust and says what is wrong with them") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  const auto check = [&](const std::string& program, const std::string& file) {
    return identity::tests::run(std::string(STEWARD_BIN_DIR) + "/" + program +
                                " run --check-config --config " + cluster->path(file).string() +
                                " 2>&1");
  };
  for (const auto& [program, file] :
       {std::pair{"steward", "steward.toml"}, std::pair{"steward-edge", "edge.toml"}}) {
    const auto good = check(program, file);
    CHECK_MESSAGE(good.exit_code == 0, good.text);
    CHECK_MESSAGE(good.text.find("policy version 2 until") != std::string::npos, good.text);
  }
  std::ofstream(cluster->path("policy"), std::ios::app) << " ";
  for (const auto& [program, file] :
       {std::pair{"steward", "steward.toml"}, std::pair{"steward-edge", "edge.toml"}}) {
    const auto bad = check(program, file);
    CHECK_MESSAGE(bad.exit_code == 2, bad.text);
    CHECK_MESSAGE(bad.text.find("signature does not hold") != std::string::npos, bad.text);
  }
}

}  // namespace
}  // namespace steward::tests::policy_test
