// Unit and station record who asked what, and a record that is changed afterwards shows.
#include "tests/integration/trust/cluster.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::audit_test {
namespace {

std::string id_of(const bus::Message& message) {
  return std::string(*message.headers.find("ce-id"));
}

TEST_CASE(
    "trust: unit and station record who asked, the verdict and the outcome, without secrets") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  const auto good = cluster->signed_by(
      cluster->anna,
      {.payload =
           R"({"shell": "true", "env": {"TOKEN": "do-not-keep-me"}, "secret_env": ["TOKEN"]})"});
  REQUIRE(cluster->carried_out(good));
  const auto denied = cluster->signed_by(
      cluster->bob, {.source = "/operator/bob", .payload = R"({"shell": "true"})"});
  cluster->publish(denied);
  REQUIRE(eventually([&] { return cluster->has_said(id_of(denied), "refused denied"); }));
  const auto unit = cluster->path("unit").string();
  const auto station = cluster->path("station").string();
  const auto has = [&](const std::string& folder, const std::string& id, const std::string& what) {
    return eventually([&] {
      const auto lines = cluster->ctl("audit ls " + folder + " -o jsonl").text;
      for (auto at = lines.find(id); at != std::string::npos; at = lines.find(id, at + 1)) {
        const auto line = lines.substr(lines.rfind('\n', at) + 1, lines.find('\n', at) - at + 400);
        if (line.substr(0, line.find('\n')).find(what) != std::string::npos) {
          return true;
        }
      }
      return false;
    });
  };
  CHECK(has(unit, id_of(good), R"("verdict":"allowed")"));
  CHECK(has(unit, id_of(good), R"("verdict":"done")"));
  CHECK(has(unit, id_of(denied), R"("verdict":"denied")"));
  CHECK(has(unit, id_of(denied), R"("by":"/operator/bob")"));
  CHECK(has(station, id_of(good), R"("verdict":"relayed")"));
  CHECK(has(station, id_of(good), R"("verdict":"done")"));
  for (const auto& folder : {unit, station}) {
    CHECK(identity::tests::contents(folder + "/audit.log").find("do-not-keep-me") ==
          std::string::npos);
  }

  const auto verify = [&](const identity::PrivateKey& key) {
    return cluster->ctl("audit verify " + unit + " --key " + key.public_key().text() + " 2>&1");
  };
  // Killed, not ended: what was recorded is there, and the next agent goes on.
  cluster->unit().end();
  cluster->unit().start();
  CHECK(eventually([&] { return verify(cluster->unit_key).text.find("whole: ") == 0; }));
  CHECK_MESSAGE(verify(cluster->unit_key).exit_code == 0, verify(cluster->unit_key).text);
  CHECK(cluster->ctl("audit verify " + unit).exit_code == 0);
  // The chain holds, but that key stands for none of it.
  const auto foreign = verify(cluster->stranger);
  CHECK(foreign.exit_code == 1);
  CHECK_MESSAGE(foreign.text.find("nothing sealed by") != std::string::npos, foreign.text);
  cluster->unit().end();
  auto text = identity::tests::contents(unit + "/audit.log");
  text.replace(text.find("/operator/bob"), 13, "/operator/eve");
  std::ofstream(unit + "/audit.log", std::ios::binary) << text;
  const auto altered = verify(cluster->unit_key);
  CHECK(altered.exit_code == 1);
  CHECK_MESSAGE(altered.text.find("was altered") != std::string::npos, altered.text);
}

}  // namespace
}  // namespace steward::tests::audit_test
