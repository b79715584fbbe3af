#include "subjects/wire/selector.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace steward::wire::selector_test {
namespace {

using Values = std::map<std::string, std::vector<std::string>>;

bool means(const std::string& text, const std::string& name, const Values& values) {
  const auto selector = Selector::parse(text);
  INFO(text);
  REQUIRE_MESSAGE(selector, selector.error().text());
  return selector->matches({name, [&values](std::string_view key) {
                              const auto at = values.find(std::string(key));
                              return at == values.end() ? std::vector<std::string>() : at->second;
                            }});
}

const Values kShip{{"os", {"debian"}},
                   {"os.version", {"12"}},
                   {"kernel", {"6.1.10-39-arm64"}},
                   {"site", {"oslo"}},
                   {"load1", {"0.75"}},
                   {"mem_mb", {"4096"}},
                   {"role", {"web", "db"}},
                   {"state", {"up"}},
                   {"empty", {""}},
                   {R"(node_filesystem_avail_bytes{mountpoint="/"})", {"5000"}}};

bool ship1(const std::string& text) { return means(text, "ship1", kShip); }

TEST_CASE("selector: names, lists, ranges and globs are what they were") {
  CHECK(ship1("ship1"));
  CHECK(ship1("ship[1-3],rig7"));
  CHECK(ship1("'ship*'"));
  CHECK_FALSE(ship1("ship2"));
  CHECK(Selector::parse("ship[1-3],rig*")->names_only() != nullptr);
  CHECK(Selector::parse("ship1 or ship2")->names_only() == nullptr);
}

TEST_CASE("selector: a value is compared as what it is") {
  for (const char* yes : {"os=debian",
                          "os==deb*",
                          "os = debian",
                          "os!=ubuntu",
                          "nothing!=x",
                          "os in [debian,ubuntu]",
                          "os in [ubuntu, debian]",
                          "role=db",
                          "role=web",
                          "mem_mb>4000",
                          "mem_mb>=4096",
                          "mem_mb=4096.0",
                          "load1<4",
                          "load1 < 4",
                          "kernel>6.1.9",
                          "kernel<6.1.11",
                          "os.version<=12",
                          "kernel~'^6[.]1'",
                          "os~'debian|ubuntu'",
                          "os!~'^rhel'",
                          "state=up",
                          "site=*",
                          "empty=''",
                          R"(node_filesystem_avail_bytes{mountpoint="/"}>4000)"}) {
    CAPTURE(yes);
    CHECK(ship1(yes));
  }
  for (const char* no : {"os=ubuntu",
                         "os!=debian",
                         "role!=db",
                         "os in [ubuntu]",
                         "nothing=x",
                         "nothing=*",
                         "nothing<5",
                         "nothing~x",
                         "mem_mb<4000",
                         "kernel<6.1.9",
                         "kernel~'^5'",
                         "state=down"}) {
    CAPTURE(no);
    CHECK_FALSE(ship1(no));
  }
}

TEST_CASE("selector: and binds closer than or, not closest; brackets decide") {
  CHECK(ship1("ship1 and os=debian"));
  CHECK(ship1("ship2 or os=debian and site=oslo"));
  CHECK_FALSE(ship1("(ship2 or os=debian) and site=bergen"));
  CHECK(ship1("site=oslo or ship2 and site=bergen"));
  CHECK(ship1("not ship2"));
  CHECK(ship1("not (ship2 or site=bergen)"));
  CHECK_FALSE(ship1("not site=oslo"));
  CHECK(ship1("not not site=oslo"));
  CHECK(ship1("not ship2 and site=oslo"));
}

TEST_CASE("selector: what cannot be read is refused, with its place") {
  for (const char* wrong : {"",
                            "and",
                            "site=oslo and",
                            "site=oslo or or x",
                            "(site=oslo",
                            "site=oslo)",
                            "ship1 ship2",
                            "=x",
                            "site=",
                            "site!oslo",
                            "site='oslo",
                            "site in oslo",
                            "site in",
                            "kernel~'('",
                            "ship[1-",
                            "Ship1",
                            "not"}) {
    CAPTURE(wrong);
    const auto selector = Selector::parse(wrong);
    REQUIRE_FALSE(selector);
    CHECK(selector.error().code == ErrorCode::bad_payload);
    CHECK(selector.error().message.find("; try ") != std::string::npos);
  }
  CHECK(Selector::parse("site=oslo and").error().message.find("at 14") != std::string::npos);
}

TEST_CASE("selector: how much it holds and how deep it nests is bounded") {
  CHECK_FALSE(Selector::parse(std::string(64, '(') + "a" + std::string(64, ')')));
  std::string nots;
  std::string many = "a=1";
  for (int i = 0; i < 300; ++i) {
    nots += "not ";
    many += " or a=1";
  }
  CHECK_FALSE(Selector::parse(nots + "a"));
  CHECK_FALSE(Selector::parse(many));
  CHECK_FALSE(Selector::parse(std::string(65 * 1024, 'a')));
}

TEST_CASE("selector: names the keys that it asks for, each once") {
  CHECK(Selector::parse("os=debian and (load1<4 or load1>9) and ship1")->keys() ==
        std::vector<std::string>{"os", "load1"});
}

TEST_CASE("selector: any tree of and, or, not is worth what its parts are worth") {
  std::mt19937 random(11);
  // Text of a tree over a=0..2, b=0..2, c=0..2, and what it is worth for given values.
  using Worth = std::function<bool(const Values&)>;
  const std::function<std::pair<std::string, Worth>(int)> tree =
      [&](int depth) -> std::pair<std::string, Worth> {
    if (depth == 0 || random() % 4 == 0) {
      const std::string key(1, static_cast<char>('a' + random() % 3));
      const auto wanted = std::to_string(random() % 3);
      return {key + "=" + wanted,
              [key, wanted](const Values& values) { return values.at(key).front() == wanted; }};
    }
    auto [left, left_worth] = tree(depth - 1);
    auto [right, right_worth] = tree(depth - 1);
    switch (random() % 3) {
      case 0:
        return {"(" + left + ") and (" + right + ")",
                [l = left_worth, r = right_worth](const Values& v) { return l(v) && r(v); }};
      case 1:
        return {"(" + left + " or " + right + ")",
                [l = left_worth, r = right_worth](const Values& v) { return l(v) || r(v); }};
      default:
        return {"not (" + left + ")", [l = left_worth](const Values& v) { return !l(v); }};
    }
  };
  for (int round = 0; round < 2'000; ++round) {
    const auto [text, worth] = tree(4);
    const Values values{{"a", {std::to_string(random() % 3)}},
                        {"b", {std::to_string(random() % 3)}},
                        {"c", {std::to_string(random() % 3)}}};
    CHECK(means(text, "ship1", values) == worth(values));
  }
}

TEST_CASE("selector: values are ordered as numbers, else as versions") {
  const std::vector<std::string> in_order{"-1", "0.5", "2", "10", "1e3"};
  for (std::size_t i = 0; i + 1 < in_order.size(); ++i) {
    CHECK(compare_values(in_order[i], in_order[i + 1]) == -1);
    CHECK(compare_values(in_order[i + 1], in_order[i]) == 1);
  }
  CHECK(compare_values("1.0", "1") == 0);
  CHECK(compare_values("6.1.9-1", "6.1.10-1") == -1);
  CHECK(compare_values("6.1", "6.1.1-a") == -1);
  CHECK(compare_values("a", "b") == -1);
  CHECK(compare_values("v007.1x", "v7.1x") == 0);
}

}  // namespace
}  // namespace steward::wire::selector_test
