#include "subjects/wire/target.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace steward::wire::target_test {
namespace {

using Names = std::vector<std::string>;

const Names kKnown{"rig01", "rig02", "rig12", "ship1", "ship10", "ship2", "ship3", "shop-a"};

Target::Resolved resolved(std::string_view text) {
  return Target::parse(text).value().resolve(kKnown);
}

}  // namespace

TEST_CASE("target: names and lists give the known ones, in the order that they are known in") {
  CHECK(resolved("ship2").units == Names{"ship2"});
  CHECK(resolved("ship2,rig01").units == Names{"rig01", "ship2"});
  CHECK(resolved("ship2,ship2").units == Names{"ship2"});
  CHECK(resolved("ship2").unmatched.empty());
}

TEST_CASE("target: a range spells its numbers out and keeps leading zeros") {
  CHECK(resolved("ship[1-3]").units == Names{"ship1", "ship2", "ship3"});
  CHECK(resolved("rig[01-02]").units == Names{"rig01", "rig02"});
  CHECK(resolved("rig[1-2]").units.empty());
  CHECK(resolved("ship[1,3]").units == Names{"ship1", "ship3"});
  CHECK(resolved("ship[1-2,10]").units == Names{"ship1", "ship10", "ship2"});
  CHECK(resolved("rig[0-1][1-2]").units == Names{"rig01", "rig02", "rig12"});
  CHECK(resolved("rig[0-1]2,ship1").units == Names{"rig02", "rig12", "ship1"});
  CHECK(Target::parse("n[08-11]").value().matches("n09"));
  CHECK(Target::parse("n[08-11]").value().matches("n10"));
  CHECK_FALSE(Target::parse("n[08-11]").value().matches("n9"));
}

TEST_CASE("target: globs match any run with '*' and one character with '?'") {
  CHECK(resolved("*").units == kKnown);
  CHECK(Target::all().resolve(kKnown).units == kKnown);
  CHECK(resolved("ship?").units == Names{"ship1", "ship2", "ship3"});
  CHECK(resolved("s*1*").units == Names{"ship1", "ship10"});
  CHECK(resolved("*-a").units == Names{"shop-a"});
  CHECK(resolved("r?g*2").units == Names{"rig02", "rig12"});
  CHECK(resolved("*[1-2]").units == Names{"rig01", "rig02", "rig12", "ship1", "ship2"});
  CHECK_FALSE(Target::parse("a*b").value().matches("ab c"));
  CHECK(Target::parse("a*b").value().matches("ab"));
  CHECK_FALSE(Target::parse("??").value().matches("a"));
}

TEST_CASE("target: what matches nothing is told as it was written, of a range the missing names") {
  CHECK(resolved("shp1,ship1").unmatched == Names{"shp1"});
  CHECK(resolved("x*").unmatched == Names{"x*"});
  CHECK(resolved("boat[1-9]").unmatched == Names{"boat[1-9]"});
  CHECK(resolved("ship[2-4]").unmatched == Names{"ship4"});
  CHECK(Target::all().resolve({}).unmatched == Names{"*"});
}

TEST_CASE("target: a bad one is refused with an example of a good one") {
  for (const char* bad : {"",          ",",        "a,",
                          ",a",        "a,,b",     "A",
                          "a b",       "a.b",      "@web",
                          "-a",        "a-",       "a[",
                          "a[]",       "a[1",      "a]",
                          "a]1[",      "a[1-]",    "a[-1]",
                          "a[2-1]",    "a[1--2]",  "a[1,]",
                          "a[x]",      "a[1-2-3]", "a[+1]",
                          "a[1 - 2]",  "a[[1]]",   "a[1234567890]",
                          "*.",        "*A",       "'ship1'",
                          "site=oslo", "\xff"}) {
    CAPTURE(bad);
    const auto target = Target::parse(bad);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code == ErrorCode::bad_payload);
    CHECK(target.error().message.find("ship1,rig[1-20]") != std::string::npos);
  }
  CHECK_FALSE(Target::parse(std::string("a\0", 2)).has_value());
}

TEST_CASE("target: a range has exactly the names that it spells out") {
  const auto plain = Target::parse("n[8-12]").value();
  const auto padded = Target::parse("n[008-1012]").value();
  const auto zero = Target::parse("n[0-3]").value();
  int count = 0;
  for (int i = 0; i < 2'000; ++i) {
    const std::string number = std::to_string(i);
    CHECK(plain.matches("n" + number) == (i >= 8 && i <= 12));
    CHECK(zero.matches("n" + number) == (i <= 3));
    for (std::size_t width = 1; width <= 5; ++width) {
      std::string name = number;
      name.insert(0, name.size() < width ? width - name.size() : 0, '0');
      CHECK(padded.matches("n" + name) ==
            (i >= 8 && i <= 1012 && name.size() == std::max<std::size_t>(3, number.size())));
      count += width == 5 && plain.matches("n" + name) ? 1 : 0;
    }
  }
  CHECK(count == 0);
  CHECK_FALSE(plain.matches("n"));
  CHECK_FALSE(plain.matches("n8x"));
  CHECK_FALSE(Target::all().matches(std::string(64, 'a')));
  CHECK(Target::all().matches(std::string(63, 'a')));
}

TEST_CASE("target: names are told where no glob is among them") {
  CHECK(Target::parse("ship2,rig[01-02],ship[1-2]").value().names() ==
        Names{"rig01", "rig02", "ship1", "ship2"});
  CHECK_FALSE(Target::parse("ship2,rig*").value().names());
}

TEST_CASE("target: names are written in few letters") {
  CHECK(target_of({}).empty());
  CHECK(target_of({"ship1"}) == "ship1");
  CHECK(target_of({"ship3", "ship1", "rig", "ship2", "ship2", "ship7"}) == "rig,ship[1-3,7]");
  CHECK(target_of({"n09", "n10", "n08", "n11", "n9"}) == "n[9-11],n[08-09]");
  CHECK(target_of({"a1-b", "a2-b"}) == "a1-b,a2-b");
  Names fleet;
  for (int i = 1; i <= 5'000; ++i) {
    fleet.push_back("ship" + std::to_string(i));
  }
  CHECK(target_of(fleet) == "ship[1-5000]");
}

TEST_CASE("target: names that were written in few letters are those names and no other") {
  std::uint32_t state = 7;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1'664'525 + 1'013'904'223;
    return (state >> 8) % below;
  };
  const Names stems{"ship", "ship1", "rig-", "0", "9"};
  for (int round = 0; round < 300; ++round) {
    Names names;
    for (std::uint32_t i = random(60); i < 70; ++i) {
      auto number = std::to_string(random(random(2) == 0 ? 30 : 2'000'000'000));
      number.insert(0, random(3) == 0 ? random(4) : 0, '0');
      names.push_back(stems[random(5)] + number);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const auto written = target_of(names);
    CAPTURE(written);
    REQUIRE(Target::parse(written));
    CHECK(Target::parse(written)->names() == names);
  }
}

TEST_CASE("target: what it stands for is bounded") {
  CHECK(Target::parse("n[0-99999]").has_value());
  CHECK_FALSE(Target::parse("n[0-100000]").has_value());
  CHECK_FALSE(Target::parse("n[0-999999999]").has_value());
  CHECK_FALSE(Target::parse("n[0-99999],m[1]").has_value());
  CHECK_FALSE(Target::parse("n[0-999][0-999]").has_value());
  CHECK_FALSE(Target::parse("n[1-9][1-9][1-9][1-9][1-9][1-9][1-9]").has_value());
  CHECK(Target::parse("*n[1-100000]").has_value());
  CHECK_FALSE(Target::parse("*n[1-100001]").has_value());
  std::string globs = "a0*";
  for (int i = 1; i < 1'000; ++i) {
    globs += ",a" + std::to_string(i) + "*";
  }
  CHECK(Target::parse(globs).has_value());
  CHECK_FALSE(Target::parse(globs + ",b*").has_value());
  CHECK(Target::parse(std::string(63, 'a')).has_value());
  CHECK_FALSE(Target::parse(std::string(64, 'a')).has_value());
  CHECK_FALSE(Target::parse(std::string(64, '*')).has_value());
  CHECK_FALSE(Target::parse(std::string(64 * 1024 + 1, 'a')).has_value());
}

TEST_CASE("target: a hostile glob takes no long time") {
  const auto target = Target::parse("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b").value();
  const auto numbers = Target::parse("*[0-99]*[0-9]*[0-9]*[0-9]-").value();
  for (int i = 0; i < 1'000; ++i) {
    CHECK_FALSE(target.matches(std::string(63, 'a')));
    CHECK_FALSE(numbers.matches(std::string(63, '1')));
  }
}

TEST_CASE("nearest: few edits or a beginning in common, the nearest one wins") {
  CHECK(nearest("shp1", kKnown) == "ship1");
  CHECK(nearest("ship4", kKnown) == "ship1");
  CHECK(nearest("hsip2", kKnown) == "ship2");
  CHECK(nearest("rig012", kKnown) == "rig01");
  CHECK(nearest("shop", kKnown) == "shop-a");
  CHECK(nearest("ship", kKnown) == "ship1");
  CHECK(nearest("boat", kKnown).empty());
  CHECK(nearest("", kKnown).empty());
  CHECK(nearest("ab", {"xy"}).empty());
  CHECK(nearest(std::string(1'000'000, 'a'), kKnown).empty());
  CHECK(nearest("ship1", {}).empty());
}

}  // namespace steward::wire::target_test
