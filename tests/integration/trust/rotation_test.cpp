// One root follows another, in a cluster that goes on meanwhile.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::rotation_test {
namespace {

namespace fs = std::filesystem;
using identity::tests::contents;

std::string made(const Fleet& fleet, const char* name) { return (fleet.made() / name).string(); }

void ca(const Fleet& fleet, const std::string& what) {
  const auto done = our("stewardctl ca " + what + " --dir " + fleet.made().string());
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
}

void push(const Fleet& fleet, const char* name) {
  const auto done = fleet.ctl("policy push --wait 60s " + made(fleet, name) + " 2>&1");
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
}

// What a daemon of ship1 has: its files, new or kept.
void certify(const Fleet& fleet) {
  const auto done = our("steward-edge cert web --dir " + fleet.path("ship1").string() + " --out " +
                        fleet.path("web").string());
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
}

// A peer's judgement of that chain, by both roots and the policy that ship1 has.
int judged(const Fleet& fleet, const fs::path& chain) {
  return our("stewardctl trust verify " + chain.string() + " --cluster fleet --root " +
             fleet.path("both.pem").string() + " --policy " +
             (fleet.path("ship1") / "state/policy.signed").string())
      .exit_code;
}

// Asks by itself, since another root signs than the one below which it is.
void let_in_again(const Fleet& fleet, const std::string& name) {
  const auto root = fleet.path(name) / "root.crt";
  REQUIRE(eventually([&] {
    return fleet.ctl("enroll ls -o jsonl").text.find("\"unit\":\"" + name + "\"") !=
           std::string::npos;
  }));
  REQUIRE(eventually([&] {
    const auto done =
        fleet.ctl("enroll approve " + name + " --yes --dir " + fleet.made().string() + " 2>&1");
    return done.exit_code == 0;
  }));
  CHECK(eventually([&] { return contents(root) == contents(fleet.made() / "root.crt"); }));
}

bool runs(const Fleet& fleet, const std::string& name) {
  const auto run = fleet.ctl("run " + name + " --wait 60s -- echo carried out 2>&1");
  return run.text.find("carried out") != std::string::npos;
}

// A later policy that the former root signs, as whoever has stolen it would.
std::string by_former_root(const Fleet& fleet, int version) {
  auto body = contents(fleet.made() / "policy.json");
  const std::string field = "\"version\": ";
  const auto at = body.find(field) + field.size();
  body.replace(at, body.find(',', at) - at, std::to_string(version));
  const auto file = fleet.path("stolen.json").string();
  const auto out = fleet.path("stolen.signed").string();
  std::ofstream(file) << body;
  const auto done = our("stewardctl policy sign " + file + " --out " + out + " --key " +
                        made(fleet, "offline/former-root.key"));
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
  return out;
}

}  // namespace

TEST_CASE("trust: a root follows another, and a unit that was away throughout follows it too") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  for (const auto* name : {"ship1", "ship2"}) {
    fleet->let_in(name, fleet->url());
  }
  const auto former = contents(fleet->made() / "root.crt");
  Process first("steward-edge", fleet->path("ship1") / "edge.toml", fleet->path("first.log"));
  Process second("steward-edge", fleet->path("ship2") / "edge.toml", fleet->path("second.log"));
  REQUIRE(eventually([&] { return runs(*fleet, "ship1") && runs(*fleet, "ship2"); }));
  second.end();
  certify(*fleet);
  fs::copy_file(fleet->path("web") / "chain.pem", fleet->path("former.pem"));

  // Both are believed.
  ca(*fleet, "rotate");
  CHECK(contents(fleet->made() / "root.crt") != former);
  CHECK(our("stewardctl ca rotate --dir " + fleet->made().string()).exit_code != 0);
  push(*fleet, "policy.signed");
  std::ofstream(fleet->path("both.pem")) << former << contents(fleet->made() / "root.crt");
  CHECK(first.said("policy version 3 is in force"));
  CHECK(runs(*fleet, "ship1"));
  let_in_again(*fleet, "ship1");
  certify(*fleet);
  const auto later = fleet->path("web") / "chain.pem";
  CHECK(contents(later) != contents(fleet->path("former.pem")));
  CHECK(contents(fleet->path("web") / "root.pem").find(former) != std::string::npos);
  CHECK(judged(*fleet, fleet->path("former.pem")) == 0);
  CHECK(judged(*fleet, later) == 0);

  // The new one alone, also for those who were started again since.
  ca(*fleet, "retire");
  ca(*fleet, "retire");
  push(*fleet, "policy.signed");
  CHECK(judged(*fleet, fleet->path("former.pem")) == 6);
  CHECK(judged(*fleet, later) == 0);
  certify(*fleet);
  CHECK(contents(fleet->path("web") / "root.pem") == contents(fleet->made() / "root.crt"));
  fleet->restart_station();
  first.end();
  first.start();
  REQUIRE(eventually([&] { return runs(*fleet, "ship1"); }));
  CHECK(fleet->ctl("policy push --wait 2s " + by_former_root(*fleet, 9) + " 2>&1").exit_code != 0);
  CHECK(eventually([&] { return first.said("was not taken: bad_signature"); }));
  CHECK_FALSE(first.said("policy version 9 is in force"));
  fs::copy_file(fleet->made() / "overlap.signed",
                fleet->path("ship1") / "policy.signed",
                fs::copy_options::overwrite_existing);
  CHECK(eventually([&] { return first.said("ship1/policy.signed was not taken"); }));

  // Who was away is given what it has missed, by the station that was started since.
  second.start();
  CHECK(eventually([&] { return second.said("policy version 4 is in force"); }));
  CHECK(second.said("policy version 2 is in force"));
  CHECK(eventually([&] { return runs(*fleet, "ship2"); }));
  let_in_again(*fleet, "ship2");
}

TEST_CASE("trust: a rotation that was interrupted is run again, and makes no third root") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto offline = fleet->made() / "offline";
  const auto again = [&fleet](const std::string& what) {
    return our("stewardctl ca " + what + " --dir " + fleet->made().string()).exit_code;
  };
  CHECK(again("retire") != 0);  // nothing has begun
  ca(*fleet, "rotate");
  const auto key = contents(offline / "root.key");
  const auto policy = contents(fleet->made() / "policy.signed");
  // Before the new key took its place, and in the midst of it.
  fs::rename(offline / "root.key", offline / "next-root.key");
  for (const bool is_former_in_place : {true, false}) {
    if (is_former_in_place) {
      fs::rename(offline / "former-root.key", offline / "root.key");
    }
    CHECK(again("retire") != 0);
    ca(*fleet, "rotate");
    CHECK(contents(offline / "root.key") == key);
    CHECK(contents(fleet->made() / "policy.signed") == policy);
    CHECK(fs::exists(offline / "former-root.key"));
    fs::rename(offline / "root.key", offline / "next-root.key");
  }
  ca(*fleet, "rotate");
  ca(*fleet, "retire");
}

}  // namespace steward::tests::rotation_test
