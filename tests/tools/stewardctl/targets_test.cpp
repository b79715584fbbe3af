#include "tools/stewardctl/targets.hpp"

#include <doctest/doctest.h>

namespace steward::tests::targets_test {

using steward::ErrorCode;
using steward::ctl::pick_units;
using steward::ctl::plain_names;
using steward::ctl::Purpose;
using steward::ctl::TargetArguments;
using Names = std::vector<std::string>;

namespace {

const Names kKnown{"ship1", "ship2", "ship3", "rig7"};

TargetArguments target(std::string text) {
  TargetArguments arguments;
  arguments.target = std::move(text);
  return arguments;
}

TargetArguments all() {
  TargetArguments arguments;
  arguments.all = true;
  return arguments;
}

}  // namespace

TEST_CASE("target: names, globs, ranges and --all pick known units in their order") {
  CHECK(*pick_units(target("rig7,ship1"), kKnown, Purpose::act) == Names{"ship1", "rig7"});
  CHECK(*pick_units(target("ship*"), kKnown, Purpose::act) == Names{"ship1", "ship2", "ship3"});
  CHECK(*pick_units(target("ship[2-3]"), kKnown, Purpose::act) == Names{"ship2", "ship3"});
  CHECK(*pick_units(all(), kKnown, Purpose::act) == kKnown);
}

TEST_CASE("target: to act without one, or with two, is an error") {
  CHECK(pick_units(target(""), kKnown, Purpose::act).error().code == ErrorCode::bad_config);
  TargetArguments both = target("ship1");
  both.all = true;
  CHECK(pick_units(both, kKnown, Purpose::act).error().code == ErrorCode::bad_config);
  CHECK(*pick_units(target(""), kKnown, Purpose::look) == kKnown);
}

TEST_CASE("target: a name that is not known stops an action and says what may have been meant") {
  const auto picked = pick_units(target("ship1,shp2"), kKnown, Purpose::act);
  REQUIRE(!picked);
  CHECK(picked.error().code == ErrorCode::not_found);
  CHECK(picked.error().message == "no unit matches 'shp2' (4 known). Did you mean 'ship2'?");
  CHECK(*pick_units(target("ship1,shp2"), kKnown, Purpose::look) == Names{"ship1"});
  CHECK(pick_units(target("nothing*"), kKnown, Purpose::look).error().code == ErrorCode::not_found);
  CHECK(pick_units(all(), {}, Purpose::act).error().code == ErrorCode::not_found);
}

TEST_CASE("target: a limit is a number or a share, at least one unit") {
  TargetArguments arguments = all();
  arguments.limit = "2";
  CHECK(*pick_units(arguments, kKnown, Purpose::act) == Names{"ship1", "ship2"});
  arguments.limit = "50%";
  CHECK(pick_units(arguments, kKnown, Purpose::act)->size() == 2);
  arguments.limit = "1%";
  CHECK(pick_units(arguments, kKnown, Purpose::act)->size() == 1);
  for (const char* wrong : {"0", "x", "-1", "101%", "%", "1.5"}) {
    arguments.limit = wrong;
    CAPTURE(wrong);
    CHECK(pick_units(arguments, kKnown, Purpose::act).error().code == ErrorCode::bad_config);
  }
}

TEST_CASE("target: plain names can be taken without a station, anything else not") {
  CHECK(plain_names("ship1,rig7") == Names{"ship1", "rig7"});
  CHECK(plain_names("ship1,ship1") == Names{"ship1"});
  CHECK(plain_names("ship*").empty());
  CHECK(plain_names("ship[1-3]").empty());
  CHECK(plain_names("").empty());
  CHECK(plain_names("ship1,").empty());
}

}  // namespace steward::tests::targets_test
