#include "tests/fuzz/round_trip.hpp"
#include "tests/subjects/wire/golden.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace steward::wire::malformed_test {
namespace {

// Bytes that parsers trip over.
constexpr std::array<std::string_view, 16> kNasty{"\"",
                                                  "\\u0000",
                                                  "\xff",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ":",
                                                  ",",
                                                  ".",
                                                  "*",
                                                  "9223372036854775808",
                                                  "-1",
                                                  "null",
                                                  "1e999",
                                                  "\xed\xa0\x80"};

// One to four changes at random places: a byte, a piece cut, doubled or put in.
void mutate(std::string& text, std::mt19937_64& random) {
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = random() % (text.size() + 1);
    const std::size_t length = random() % 24;
    switch (random() % 5) {
      case 0:
        if (at < text.size()) {
          text[at] = static_cast<char>(random());
        }
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(at, kNasty[random() % kNasty.size()]);
        break;
      default:
        text.resize(at);
        break;
    }
  }
}

std::vector<std::string> seeds() {
  std::vector<std::string> out{"ship1.command.shellcommand.operatingsystem",
                               "2026-11-21T07:47:28.123456+01:00",
                               "ship1,rig[01-12],'shop*'",
                               "^[a-z]{2,5}(x|y)+$\nabcxy"};
  for (const auto& message : golden::messages()) {
    out.push_back(message.text);
    out.push_back(message.payload);
  }
  return out;
}

// A million takes most of a minute under sanitizers, so the usual run takes fewer;
// STEWARD_MALFORMED=1000000 asks for them all.
int how_many() {
  const char* asked = std::getenv("STEWARD_MALFORMED");
  return asked != nullptr ? std::atoi(asked) : 10'000;
}

}  // namespace

TEST_CASE("malformed: no parser breaks its promise on mutated messages, whichever gets them") {
  const auto originals = seeds();
  const auto checks = fuzz::checks();
  std::mt19937_64 random(20'261'121);
  for (int i = 0; i < how_many(); ++i) {
    std::string bytes = originals[random() % originals.size()];
    mutate(bytes, random);
    const auto& check = checks[static_cast<std::size_t>(i) % checks.size()];
    if (!check.holds(bytes)) {
      CAPTURE(check.name);
      CAPTURE(bytes);
      FAIL("a promise of round_trip.hpp is broken");
    }
  }
}

TEST_CASE("malformed: the messages that the mutations begin with keep every promise") {
  for (const auto& check : fuzz::checks()) {
    CAPTURE(check.name);
    CHECK(check.holds(""));
    for (const auto& seed : seeds()) {
      CHECK(check.holds(seed));
    }
  }
}

}  // namespace steward::wire::malformed_test
