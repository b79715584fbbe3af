#include "tests/integration/trust/cluster.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::tests::stewardctl_test {
namespace {

TEST_CASE("trust: stewardctl signs with the operator's key; what the policy denies it calls so") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(cluster->carried_out(
      cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"})));
  const std::string order = "run ship1 --wait 60s -- echo hello";
  CHECK(eventually([&] { return cluster->ask("units", "{}").find("ship1") != std::string::npos; }));
  const auto allowed = cluster->ctl_as("anna", order);
  CHECK_MESSAGE(allowed.exit_code == 0, allowed.text);
  CHECK(allowed.text.find("hello") != std::string::npos);
  // Bob may not even ask the station which units there are.
  const auto denied = cluster->ctl_as("bob", order);
  CHECK_MESSAGE(denied.exit_code == 6, denied.text);
}

TEST_CASE("trust: alerts and groups are for those whom the policy lets") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  // Anna's comes behind bob's: once hers is there, his was judged.
  const auto tell =
      [&](const std::string& person, const std::string& what, const std::string& body) {
        const auto& key = person == "anna" ? cluster->anna : cluster->bob;
        cluster->publish(cluster->signed_by(key,
                                            {.source = "/operator/" + person,
                                             .subject = "station.command." + what + ".fleet",
                                             .payload = body}));
      };
  REQUIRE(
      eventually([&] { return cluster->ask("units", "{}").find("ship1") != std::string::npos; }));
  for (const std::string person : {"bob", "anna"}) {
    tell(person, "groups", R"({"op":"set","name":"of-)" + person + R"(","target":"ship1"})");
    tell(person, "alerts", R"({"op":"silence","target":"ship1","note":"by )" + person + R"("})");
  }
  CHECK(eventually(
      [&] { return cluster->ask("silences", "{}").find("by anna") != std::string::npos; }));
  CHECK(cluster->ask("silences", "{}").find("by bob") == std::string::npos);
  CHECK(cluster->ask("groups", "{}").find("of-anna") != std::string::npos);
  for (const std::string order : {"group set web ship1",
                                  "group rm of-anna",
                                  "alerts ack ship1",
                                  "alerts silence ship1 --for 1h",
                                  "alerts drop ship1"}) {
    const auto denied = cluster->ctl_as("bob", order);
    CHECK_MESSAGE(denied.exit_code == 6, order, ": ", denied.text);
  }
  const auto kept = cluster->ctl_as("anna", "group ls -o name");
  CHECK_MESSAGE(kept.text.find("of-anna") != std::string::npos, kept.text);
  CHECK(kept.text.find("of-bob") == std::string::npos);
  CHECK(kept.text.find("web") == std::string::npos);
  const auto silences = cluster->ctl_as("anna", "alerts silence --list -o json");
  CHECK_MESSAGE(silences.text.find("by anna") != std::string::npos, silences.text);
  CHECK(silences.text.find("by bob") == std::string::npos);
}

TEST_CASE("trust: a policy that stewardctl has signed is taken by the unit") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(eventually([&] { return cluster->unit().said("policy version 2 is in force"); }));
  std::ofstream(cluster->path("policy.json")) << cluster->policy_body(5, "");
  const auto file = cluster->path("policy").string();
  const auto text = cluster->path("policy.json").string();
  const auto done = cluster->ctl("policy sign " + text + " --out " + file + " --key " +
                                 cluster->path("root.key").string());
  CHECK_MESSAGE(done.exit_code == 0, done.text);
  CHECK(eventually([&] { return cluster->unit().said("policy version 5 is in force"); }));
  const auto check = [&](const identity::PrivateKey& root) {
    return cluster->ctl("policy check " + file + " --root " + root.public_key().text()).exit_code;
  };
  CHECK(check(cluster->root) == 0);
  CHECK(check(cluster->stranger) == 6);
  CHECK(cluster->ctl("policy show " + file).text.find("/operator/mallory") != std::string::npos);
  std::ofstream(text, std::ios::app) << "nonsense";
  CHECK(cluster->ctl("policy check " + text).exit_code == 2);
}

TEST_CASE("trust: a new key is shown as it was made, and never overwritten") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  const auto file = cluster->path("new.key").string();
  const auto made = cluster->ctl("keys new " + file);
  CHECK_MESSAGE(made.exit_code == 0, made.text);
  CHECK(made.text.find("fingerprint") != std::string::npos);
  CHECK(cluster->ctl("keys show " + file).text == made.text);
  CHECK(cluster->ctl("keys new " + file).exit_code == 2);
  CHECK(cluster->ctl("keys show " + file).text == made.text);
}

}  // namespace
}  // namespace steward::tests::stewardctl_test
