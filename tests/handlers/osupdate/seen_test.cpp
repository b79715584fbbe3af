#include "handlers/osupdate/seen.hpp"

#include "tests/handlers/osupdate/rig.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate::seen_test {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;
using wire::CommandState;

constexpr auto kDay = 24h;
const wire::Timestamp kNow{kDay * 20'000};

wire::UpdatePlan plan_of(const Names& packages) {
  wire::UpdatePlan plan;
  for (const auto& package : packages) {
    const auto equals = package.find('=');
    plan.packages.push_back({package.substr(0, equals), "0", package.substr(equals + 1)});
  }
  return plan;
}

Names names_in(const wire::UpdatePlan& plan) {
  Names names;
  for (const auto& package : plan.packages) {
    names.push_back(package.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("osupdate: an update is as old as the first look that saw that version") {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "seen.json";
  const auto plan = plan_of({"web=2", "db=1:5"});
  CHECK(Seen(file).younger(plan, 1ms, kNow) == Names{"web", "db"});
  REQUIRE(Seen(file).note(plan_of({"web=2"}), kNow));
  REQUIRE(Seen(file).note(plan, kNow + kDay));
  CHECK(Seen(file).younger(plan, kDay, kNow + kDay) == Names{"db"});
  CHECK(Seen(file).younger(plan, kDay, kNow + kDay - 1ms) == Names{"web", "db"});
  CHECK(Seen(file).younger(plan, kDay, kNow + 2 * kDay).empty());
  // Another version is new.
  CHECK(Seen(file).younger(plan_of({"web=3"}), kDay, kNow + 9 * kDay) == Names{"web"});
}

TEST_CASE("osupdate: a clock that is behind makes no update older") {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "seen.json";
  const auto plan = plan_of({"web=2"});
  // Not set yet.
  REQUIRE(Seen(file).note(plan, wire::Timestamp(kDay)));
  CHECK(Seen(file).younger(plan, kDay, kNow) == Names{"web"});
  // It was ahead by years, and was put right.
  REQUIRE(Seen(file).note(plan, kNow + 1'000 * kDay));
  REQUIRE(Seen(file).note(plan, kNow));
  CHECK(Seen(file).younger(plan, kDay, kNow + kDay - 1ms) == Names{"web"});
  CHECK(Seen(file).younger(plan, kDay, kNow + kDay).empty());
}

TEST_CASE("osupdate: what is offered no more is forgotten, what still is stays") {
  const tests::TemporaryFolder folder;
  const auto file = folder.path() / "seen.json";
  const auto both = plan_of({"web=2", "db=2"});
  REQUIRE(Seen(file).note(both, kNow));
  REQUIRE(Seen(file).note(plan_of({"web=2"}), kNow + 300 * kDay));
  REQUIRE(Seen(file).note(plan_of({"web=2"}), kNow + 500 * kDay));
  CHECK(Seen(file).younger(both, kDay, kNow + 500 * kDay) == Names{"db"});
  // A file that cannot be read is as none.
  std::ofstream(file) << "[7";
  CHECK(Seen(file).younger(both, kDay, kNow + 500 * kDay) == Names{"web", "db"});
  std::ofstream(file) << R"({"web=2":[1,2],"db=2":["x","y"],"c=1":"z"})";
  CHECK(Seen(file).younger(both, kDay, kNow + 500 * kDay) == Names{"web", "db"});
  REQUIRE(Seen(file).note(both, kNow + 500 * kDay));
  CHECK(Seen(file).younger(both, kDay, kNow + 501 * kDay).empty());
}

TEST_CASE("osupdate: what is too young waits, with its reason, and comes in with its age") {
  constexpr const char* kOld = R"("min_age_ms":604800000)";  // 7 days
  Rig rig;
  rig.make({"web", "1.0"});
  rig.make({"db", "1.0"});
  rig.publish();
  REQUIRE(rig.apt("install web db") == 0);
  rig.make({"web", "2.0"});
  rig.publish();
  CHECK(rig.ask(R"({"op":"check"})").state == CommandState::done);  // has seen web 2.0
  rig.clock.ahead = 6 * kDay;
  rig.make({"db", "2.0"});
  rig.publish();
  auto plan = rig.plan(kOld);
  CHECK(plan.packages.empty());
  REQUIRE(plan.kept_back.size() == 2);
  CHECK(plan.kept_back[0].reason == "age");
  CHECK(rig.plan().packages.size() == 2);

  // Nothing but the time has changed.
  CHECK(rig.ask(R"({"op":"check"})").state == CommandState::done);
  rig.clock.ahead = 8 * kDay;
  plan = rig.plan(kOld);
  CHECK(names_in(plan) == Names{"web"});
  CHECK(plan.kept_back == std::vector<wire::KeptBack>{{"db", "age"}});
  const auto named = rig.plan(std::string(kOld) + R"(,"scope":"packages","packages":["db=2.0"])");
  CHECK(named.packages.empty());
  CHECK(named.kept_back == std::vector<wire::KeptBack>{{"db", "age"}});
  const auto two = rig.plan(std::string(kOld) + R"(,"scope":"packages","packages":["db","web"])");
  CHECK(names_in(two) == Names{"web"});

  // A run does as the plan says, also where another agent ends it.
  const auto id =
      rig.send(R"({"op":"apply",)" + std::string(kOld) + R"(,"plan_hash":")" + plan.hash + "\"}");
  rig.crash();
  const auto ack = rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.version("db") == "1.0");
  rig.clock.ahead = 14 * kDay;
  CHECK(rig.ask(R"({"op":"apply",)" + std::string(kOld) + "}").state == CommandState::done);
  CHECK(rig.version("db") == "2.0");
}

TEST_CASE("osupdate: what is too young is not brought in by what needs it") {
  constexpr const char* kOld = R"("min_age_ms":604800000)";
  Rig rig;
  rig.make({"web", "1.0"});
  rig.make({"db", "1.0"});
  rig.publish();
  REQUIRE(rig.apt("install web db") == 0);
  rig.make({"web", "2.0", "main", "Depends: part"});
  rig.make({"part", "1.0"});
  rig.publish();
  CHECK(rig.plan().packages.size() == 2);
  rig.clock.ahead = 8 * kDay;
  rig.make({"part", "1.1"});
  rig.make({"db", "2.0"});
  rig.publish();
  auto plan = rig.plan(kOld);
  CHECK(plan.packages.empty());
  Names young;
  for (const auto& kept : plan.kept_back) {
    if (kept.reason == "age") {
      young.push_back(kept.name);
    }
  }
  std::sort(young.begin(), young.end());
  CHECK(young == Names{"db", "part"});
  rig.clock.ahead = 16 * kDay;
  CHECK(names_in(rig.plan(kOld)) == Names{"db", "part", "web"});
}

}  // namespace steward::handlers::osupdate::seen_test
