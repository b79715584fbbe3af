// A unit joins a cluster over the bus: it asks by a join string, a person approves, and whatever is
// killed in between goes on.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::join_test {
namespace {

namespace fs = std::filesystem;

std::string token(const Fleet& fleet, const std::string& unit) {
  const auto said = identity::tests::run(
      std::string(STEWARD_BIN_DIR) + "/stewardctl enroll token " + unit + " --dir " +
      fleet.made().string() + " --broker " + fleet.url() + " 2>/dev/null");
  REQUIRE(said.exit_code == 0);
  return said.text.substr(0, said.text.find('\n'));
}

identity::tests::Said join(const Fleet& fleet,
                           const std::string& place,
                           const std::string& more,
                           int seconds) {
  return our("steward-edge join " + more + " --wait " + std::to_string(seconds) + " --dir " +
             fleet.path(place).string());
}

// A unit that asks in the background, and what it says.
class Asking {
 public:
  Asking(const Fleet& fleet, const std::string& place, const std::string& more)
      : log_(fleet.path(place + ".log")),
        program_("steward-edge",
                 std::vector<std::string>{
                     "join", "--dir", fleet.path(place).string(), "--wait", "60", more},
                 log_) {}

  bool said(const std::string& text) const { return program_.said(text); }

  std::string fingerprint() const {
    REQUIRE(eventually([this] { return said("fingerprint "); }));
    const auto text = identity::tests::contents(log_);
    return text.substr(text.rfind("fingerprint ") + 12, 39);
  }

  // As after a loss of power.
  void kill() { program_.end(); }

 private:
  const fs::path log_;
  Process program_;
};

identity::tests::Said approve(const Fleet& fleet, const std::string& unit, const std::string& how) {
  return fleet.ctl("enroll approve " + unit + " --dir " + fleet.made().string() + " " + how +
                   " 2>&1");
}

bool is_listed(const Fleet& fleet, const std::string& what) {
  return eventually([&] { return fleet.ctl("enroll ls").text.find(what) != std::string::npos; });
}

TEST_CASE("trust: a unit joins over the bus, whatever is killed on the way") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto invitation = token(*fleet, "ship7");
  std::string fingerprint;
  {
    Asking asking(*fleet, "ship7", invitation);
    fingerprint = asking.fingerprint();
    REQUIRE(eventually([&] { return asking.said("a person compares the fingerprint"); }));
    asking.kill();
  }
  REQUIRE(is_listed(*fleet, fingerprint));
  // The station forgets nothing either.
  fleet->restart_station();
  REQUIRE(is_listed(*fleet, fingerprint));
  CHECK(approve(*fleet, "ship7", "--fingerprint 0000").exit_code == 6);
  CHECK_FALSE(fs::exists(fleet->made() / "station/units/ship7.pub"));
  // While the unit is away, and again.
  for (int turn = 0; turn < 2; ++turn) {
    const auto done = approve(*fleet, "ship7", "--fingerprint " + fingerprint);
    REQUIRE_MESSAGE(done.exit_code == 0, done.text);
  }
  const auto place = fleet->path("ship7");
  const auto joined = join(*fleet, "ship7", "", 60);
  REQUIRE_MESSAGE(joined.exit_code == 0, joined.text);
  CHECK_FALSE(fs::exists(place / "join.creds"));
  CHECK_FALSE(fs::exists(place / "join.string"));
  // Killed in the middle of taking the bundle: what was written by then is there.
  const std::vector<std::string> order{
      "root.crt", "authority.crt", "policy.signed", "renewal.creds", "login.creds", "bundle"};
  for (const std::size_t written : {5, 3, 0}) {
    for (auto at = written; at < order.size(); ++at) {
      REQUIRE(fs::remove(place / order[at]));
    }
    const auto again = join(*fleet, "ship7", invitation, 60);
    CHECK_MESSAGE(again.exit_code == 0, again.text);
    for (const auto& file : order) {
      CHECK(fs::exists(place / file));
    }
  }
  CHECK(join(*fleet, "ship7", "", 1).exit_code == 0);  // and what is done is done

  const Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  REQUIRE(eventually([&] { return fleet->ctl("units --state up -o name").text == "ship7\n"; }));
  const auto run = fleet->ctl("run ship7 --wait 60s -- echo carried out");
  CHECK_MESSAGE(run.text.find("carried out") != std::string::npos, run.text);
  CHECK(fleet->ctl("show ship7").text.find("identity ends  in 364d") != std::string::npos);
}

TEST_CASE(
    "trust: the name of a unit with another key is a conflict, and a rejected one stays out") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto invitation = token(*fleet, "ship7");
  const Asking first(*fleet, "first", invitation);
  const auto fingerprint = first.fingerprint();
  REQUIRE(is_listed(*fleet, fingerprint));
  const Asking second(*fleet, "second", invitation);
  CHECK(eventually([&] { return second.said("the name ship7 has another key"); }));
  CHECK(is_listed(*fleet, "another key asks too: " + second.fingerprint()));
  // Whom a person looks at is whom he lets in.
  CHECK(approve(*fleet, "ship7", "--fingerprint " + second.fingerprint()).exit_code == 6);
  // Nobody may say no but whom the policy names.
  const auto rejected = fleet->ctl("enroll reject ship7 --reason 'not ours' 2>&1");
  CHECK_MESSAGE(rejected.exit_code == 0, rejected.text);
  CHECK(eventually([&] { return first.said("rejected: not ours"); }));
  CHECK(is_listed(*fleet, second.fingerprint()));
  const auto done = approve(*fleet, "ship7", "--fingerprint " + second.fingerprint());
  CHECK_MESSAGE(done.exit_code == 0, done.text);
  CHECK(eventually([&] { return second.said("enrolled"); }));
  CHECK_FALSE(fs::exists(fleet->path("first/login.creds")));
  CHECK(fs::exists(fleet->path("second/login.creds")));
  // Once more with other keys, now that it was let in.
  CHECK(join(*fleet, "third", invitation, 5).text.find("has another key") != std::string::npos);
}

TEST_CASE("trust: a join string that has expired, or is damaged, lets nobody ask") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto said = identity::tests::run(
      std::string(STEWARD_BIN_DIR) + "/stewardctl enroll token ship7 --for 1s " + "--dir " +
      fleet->made().string() + " --broker " + fleet->url() + " 2>/dev/null; sleep 2");
  const auto expired = join(*fleet, "ship7", said.text.substr(0, said.text.find('\n')), 5);
  CHECK(expired.exit_code == 4);
  CHECK_MESSAGE(expired.text.find("does not take the join string's login") != std::string::npos,
                expired.text);
  const auto damaged = join(*fleet, "ship8", said.text.substr(0, 100), 5);
  CHECK(damaged.exit_code == 2);
  CHECK_FALSE(fs::exists(fleet->path("ship8")));
  CHECK(join(*fleet, "ship9", "", 5).exit_code == 2);  // none was given
}

}  // namespace
}  // namespace steward::tests::join_test
