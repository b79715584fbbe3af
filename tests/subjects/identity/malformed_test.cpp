#include "tests/fuzz/identity_checks.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::malformed_test {
namespace {

// One to four changes at random places: a byte, a piece cut, doubled or put in.
void mutate(std::string& text, std::mt19937_64& random) {
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = random() % (text.size() + 1);
    const std::size_t length = random() % 24;
    switch (random() % 4) {
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
      default:
        text.resize(at);
        break;
    }
  }
}

// What the fuzz targets begin with.
void write_corpus(std::string_view name, const std::vector<std::string>& seeds) {
  const auto folder = std::filesystem::path(STEWARD_SOURCE_DIR) / "tests/fuzz/corpus" / name;
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(folder / std::to_string(i), std::ios::binary) << seeds[i];
  }
}

// As for the wire: STEWARD_MALFORMED=1000000 asks for a million of each.
int how_many() {
  const char* asked = std::getenv("STEWARD_MALFORMED");
  return asked != nullptr ? std::atoi(asked) : 400;
}

}  // namespace

TEST_CASE("malformed: no parser of identity breaks its promise on mutated inputs") {
  std::mt19937_64 random(20'261'121);
  for (const auto& check : fuzz::identity_checks()) {
    CAPTURE(check.name);
    const auto seeds = fuzz::identity_seeds(check.name);
    if (std::getenv("STEWARD_WRITE_GOLDEN") != nullptr) {
      write_corpus(check.name, seeds);
    }
    CHECK(check.holds(""));
    for (const auto& seed : seeds) {
      CHECK(check.holds(seed));
    }
    for (int i = 0; i < how_many(); ++i) {
      std::string bytes = seeds[random() % seeds.size()];
      mutate(bytes, random);
      if (!check.holds(bytes)) {
        CAPTURE(bytes);
        FAIL("a promise of identity_checks.hpp is broken");
      }
    }
  }
}

}  // namespace steward::identity::malformed_test
