#include "subjects/wire/facts.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace steward::wire::facts_test {
namespace {

Facts some_facts(std::mt19937& random) {
  Facts facts;
  const auto count = random() % 12;
  for (std::size_t i = 0; i < count; ++i) {
    facts["p" + std::to_string(random() % 16) + (random() % 2 == 0 ? ".x" : "")] =
        std::to_string(random() % 4);
  }
  return facts;
}

TEST_CASE("facts: objects of the world become paths, lists of values stay lists") {
  Facts facts;
  const auto left = add_facts(facts, "", R"({
    "role": "db", "rack": {"row": 3, "spare": true, "load": 1.5}, "ports": [80, 443],
    "disks": [{"name": "a"}], "nothing": null})");
  REQUIRE(left);
  CHECK(left->empty());
  CHECK(facts == Facts{{"role", "\"db\""},
                       {"rack.row", "3"},
                       {"rack.spare", "true"},
                       {"rack.load", "1.5"},
                       {"ports", "[80,443]"},
                       {"disks", R"("[{\"name\":\"a\"}]")"}});
}

TEST_CASE("facts: what cannot be a fact is named, and the rest is taken") {
  Facts facts;
  const std::string large(kLongestFact + 1, 'x');
  const auto left =
      add_facts(facts, "", R"({"a b": 1, ".x": 2, "ok": 3, "large": ")" + large + R"("})");
  REQUIRE(left);
  CHECK(left->size() == 3);
  CHECK(facts == Facts{{"ok", "3"}});
  CHECK(add_facts(facts, "", "{").error().code == ErrorCode::bad_payload);
}

TEST_CASE("facts: there is room for so many and no more") {
  Facts facts;
  for (std::size_t i = 0; i < kMostFacts; ++i) {
    facts["f" + std::to_string(i)] = "1";
  }
  CHECK(add_facts(facts, "", R"({"one": 1})")->size() == 1);
  Facts wide;
  std::string all = "{";
  for (int i = 0; i < 60; ++i) {
    all += (i == 0 ? "\"w" : ",\"w") + std::to_string(i) + "\":\"" + std::string(4'000, 'x') + "\"";
  }
  CHECK_FALSE(add_facts(wide, "", all + "}")->empty());
  std::size_t bytes = 0;
  for (const auto& [path, value] : wide) {
    bytes += path.size() + value.size();
  }
  CHECK(bytes <= kMostFactBytes);
}

TEST_CASE("facts: the changes from one to the other, put over the one, are the other") {
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    const Facts from = some_facts(random);
    const Facts to = some_facts(random);
    const auto event = difference(from, to);
    const auto travelled = decode_facts_event(encode(event));
    REQUIRE(travelled);
    CHECK(*travelled == event);
    Facts facts = from;
    REQUIRE(apply_facts(*travelled, facts));
    CHECK(facts == to);
    // What is the same does not travel.
    for (const auto& [path, value] : event.facts) {
      const auto old = from.find(path);
      CHECK((event.base.empty() || old == from.end() || old->second != value));
    }
  }
}

TEST_CASE("facts: changes to others than those that are known change nothing") {
  const Facts base{{"a", "1"}, {"b", "2"}};
  const auto event = difference(base, {{"a", "1"}, {"b", "3"}});
  Facts other{{"a", "1"}, {"b", "5"}};
  CHECK(apply_facts(event, other).error().code == ErrorCode::conflict);
  CHECK(other == Facts{{"a", "1"}, {"b", "5"}});
  auto lying = event;
  lying.hash = std::string(16, '0');
  Facts known = base;
  CHECK(apply_facts(lying, known).error().code == ErrorCode::conflict);
  CHECK(known == base);
}

TEST_CASE("facts: all of them are an event of their own, whatever was known") {
  const auto event = difference({}, {{"a", "1"}});
  CHECK(event.base.empty());
  Facts facts{{"z", "9"}};
  REQUIRE(apply_facts(event, facts));
  CHECK(facts == Facts{{"a", "1"}});
}

TEST_CASE("facts: what is malformed is refused") {
  for (const char* wrong :
       {"",
        "[]",
        "{}",
        R"({"hash":5})",
        R"({"hash":"xyz"})",
        R"({"hash":"0123456789abcdef","base":"no"})",
        R"({"hash":"0123456789abcdef","facts":[]})",
        R"({"hash":"0123456789abcdef","facts":{"a b":1}})",
        R"({"hash":"0123456789abcdef","facts":{"a":{"b":1}}})",
        R"({"hash":"0123456789abcdef","facts":{"a":[[1]]}})",
        R"({"hash":"0123456789abcdef","gone":["a"]})",
        R"({"hash":"0123456789abcdef","base":"0123456789abcdef","gone":[".a"]})"}) {
    CAPTURE(wrong);
    const auto event = decode_facts_event(wrong);
    REQUIRE_FALSE(event);
    CHECK(event.error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("facts request: its operations, and what it refuses") {
  CHECK(decode_facts_request("")->op == FactsRequest::Op::get);
  CHECK(decode_facts_request(R"({"op":"refresh","keys":["os"]})")->keys ==
        std::vector<std::string>{"os"});
  const auto set = decode_facts_request(R"({"op":"set","labels":{"site":"oslo","tier":null}})");
  REQUIRE(set);
  CHECK(set->ignored.empty());
  CHECK(set->labels.at("site") == "oslo");
  CHECK(set->labels.at("tier") == std::nullopt);
  for (const char* wrong : {R"({"op":"set","labels":{"Site":"x"}})",
                            R"({"op":"set","labels":{"-a":"x"}})",
                            R"({"op":"set","labels":{"a":5}})",
                            R"({"op":"set","labels":[]})",
                            R"({"keys":["a b"]})",
                            R"({"op":"sell"})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(decode_facts_request(wrong));
  }
}

TEST_CASE("facts: a key has what stands below it, and not what begins alike") {
  CHECK(is_among("os.version", {"os"}));
  CHECK(is_among("os", {"os"}));
  CHECK_FALSE(is_among("osx", {"os"}));
  CHECK(is_among("anything", {}));
  CHECK(is_fact_path("net.eth0:1/x_y-z"));
  CHECK_FALSE(is_fact_path("a b"));
  CHECK_FALSE(is_fact_path(std::string(kLongestFactPath + 1, 'a')));
  CHECK(is_label("example.org-tier_2"));
  CHECK_FALSE(is_label("Tier"));
}

TEST_CASE("facts row: as a station tells it") {
  const FactsRow row{"ship1",
                     "0123456789abcdef",
                     *parse_time("2026-11-22T03:14:52.000000Z"),
                     {{"os", "\"debian\""}, {"cpus", "4"}}};
  CHECK(*decode_facts_row(encode(row)) == row);
}

}  // namespace
}  // namespace steward::wire::facts_test
