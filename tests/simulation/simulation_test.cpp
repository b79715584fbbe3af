#include "tests/simulation/story.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace steward::simulation::simulation_test {
namespace {

constexpr std::uint64_t kShards = 4;
constexpr std::uint64_t kSeeds = 800;
constexpr std::uint64_t kLongSeeds = 20'000;

// In memory where the machine has such a place: nothing here is about its disk.
class Place {
 public:
  // An empty folder for the next story.
  const std::filesystem::path& next() {
    for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
      std::filesystem::remove_all(file.path());
    }
    return folder_.path();
  }

 private:
  static std::filesystem::path parent() {
    const std::filesystem::path memory = "/dev/shm";
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  }

  const tests::TemporaryFolder folder_{parent()};
};

std::optional<std::uint64_t> asked_for() {
  const char* text = std::getenv("STEWARD_SEED");
  return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 10));
}

// Plays one story; false when a promise was broken.
bool play(std::uint64_t seed, Place& place, std::array<std::uint64_t, kSometimes.size()>& counts) {
  Story story(seed, place.next());
  const auto& broken = story.play();
  for (std::size_t index = 0; index < counts.size(); ++index) {
    counts[index] += story.world().judge.counts()[index];
  }
  CAPTURE(seed);
  for (const auto& sentence : broken) {
    FAIL_CHECK("STEWARD_SEED=", seed, ": ", sentence);
  }
  return broken.empty();
}

// The seeds of one of the shards, or the one that was asked for.
void play_shard(std::uint64_t shard) {
  Place place;
  std::array<std::uint64_t, kSometimes.size()> counts{};
  if (const auto seed = asked_for()) {
    if (*seed % kShards == shard) {
      play(*seed, place, counts);
    }
    return;
  }
  const std::uint64_t seeds =
      (std::getenv("STEWARD_LONG") != nullptr ? kLongSeeds : kSeeds) / kShards;
  int broken = 0;
  for (std::uint64_t number = 0; number < seeds && broken < 5; ++number) {
    broken += play(number * kShards + shard, place, counts) ? 0 : 1;
  }
  for (std::size_t index = 0; index < counts.size(); ++index) {
    CAPTURE(kSometimes[index]);
    CHECK(counts[index] > 0);  // else it proves nothing
  }
}

}  // namespace

TEST_CASE("simulation: no promise is broken by any seed, shard 1 of 4") { play_shard(0); }

TEST_CASE("simulation: no promise is broken by any seed, shard 2 of 4") { play_shard(1); }

TEST_CASE("simulation: no promise is broken by any seed, shard 3 of 4") { play_shard(2); }

TEST_CASE("simulation: no promise is broken by any seed, shard 4 of 4") { play_shard(3); }

TEST_CASE("simulation: a seed plays the same story again, step by step") {
  Place place;
  for (const std::uint64_t seed : {3U, 44U, 555U}) {
    CAPTURE(seed);
    Story first(seed, place.next());
    const auto said = first.play();
    Story second(seed, place.next());
    CHECK(second.play() == said);
    CHECK(second.world().timeline.taken() == first.world().timeline.taken());
    CHECK(second.world().timeline.now() == first.world().timeline.now());
    CHECK(second.world().judge.counts() == first.world().judge.counts());
  }
}

}  // namespace steward::simulation::simulation_test
