#include "steward/policy_rounds.hpp"

#include <doctest/doctest.h>

namespace steward::station::policy_rounds_test {
namespace {

constexpr std::size_t kSmall = 1000;

const PolicyRounds::Steady kStart{std::chrono::hours(1)};

TEST_CASE("policy rounds: a unit with an older version is given the new one, once for a while") {
  PolicyRounds rounds;
  CHECK(rounds.should_give("ship1", 6, 7, kSmall, kStart));
  CHECK_FALSE(rounds.should_give("ship1", 6, 7, kSmall, kStart + std::chrono::seconds(29)));
  CHECK(rounds.should_give("ship1", 6, 7, kSmall, kStart + std::chrono::seconds(30)));
}

TEST_CASE("policy rounds: a unit with that version or a higher one is given nothing") {
  PolicyRounds rounds;
  CHECK_FALSE(rounds.should_give("ship1", 7, 7, kSmall, kStart));
  CHECK_FALSE(rounds.should_give("ship1", 8, 7, kSmall, kStart));
}

TEST_CASE("policy rounds: the next version goes out at once, and so does one that was lost again") {
  PolicyRounds rounds;
  CHECK(rounds.should_give("ship1", 6, 7, kSmall, kStart));
  CHECK(rounds.should_give("ship1", 6, 8, kSmall, kStart));
  CHECK_FALSE(rounds.should_give("ship1", 8, 8, kSmall, kStart));
  CHECK(rounds.should_give("ship1", 0, 8, kSmall, kStart));
}

TEST_CASE("policy rounds: who finds no room in a second has it in the next") {
  PolicyRounds rounds;
  constexpr std::size_t kLarge = PolicyRounds::kBytesPerSecond / 2;
  CHECK(rounds.should_give("ship1", 6, 7, kLarge, kStart));
  CHECK(rounds.should_give("ship2", 6, 7, kLarge, kStart));
  CHECK_FALSE(rounds.should_give("ship3", 6, 7, kLarge, kStart + std::chrono::milliseconds(999)));
  CHECK(rounds.should_give("ship3", 6, 7, kLarge, kStart + std::chrono::seconds(1)));
}

}  // namespace
}  // namespace steward::station::policy_rounds_test
