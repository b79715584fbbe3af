#include "steward/logs/file_outlet.hpp"

#include "tests/support/temporary_folder.hpp"
#include "tests/support/text.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <string>

namespace steward::station::file_outlet_test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNever = 1'000'000;

// A store and an outlet on a folder, which may end and begin again.
struct World {
  explicit World(std::uint64_t bytes = kNever, int keep = 10) : bytes_(bytes), keep_(keep) {
    begin();
  }

  // As after a kill: nothing is said to anybody.
  void begin() {
    outlet.reset();
    store.reset();
    store = HandOnStore::open(folder.path() / "name.db", {}).value();
    outlet = std::make_unique<FileOutlet>(
        LogFolder{folder.path() / "logs", bytes_, keep_, LineForm::raw}, *store);
  }

  LogGroup group(const std::string& text, std::uint64_t seq) const {
    LogGroup made;
    wire::LogLine line;
    line.line = text;
    made.items.push_back({0, "ship1", "web", "s", line, ""});
    made.upto = {seq, {}, "id"};
    return made;
  }

  // Written, and not on record: what a kill leaves.
  LogGroup write(const std::string& text, std::uint64_t seq) {
    auto made = group(text, seq);
    REQUIRE(outlet->take(made, {}));
    CHECK(outlet->settled({}) == 1);
    return made;
  }

  void hand_on(const std::string& text, std::uint64_t seq) {
    REQUIRE(store->commit(write(text, seq), {}));
    REQUIRE(outlet->committed());
  }

  fs::path file(const std::string& more = "") const {
    return folder.path() / "logs/ship1" / ("web.log" + more);
  }

  tests::TemporaryFolder folder;
  std::unique_ptr<HandOnStore> store;
  std::unique_ptr<FileOutlet> outlet;

 private:
  const std::uint64_t bytes_;
  const int keep_;
};

using tests::text_of;

}  // namespace

TEST_CASE("file outlet: what was written and is not on record is cut off and written again, once") {
  World world;
  world.hand_on("one", 1);
  world.write("two", 2);
  world.begin();
  CHECK(world.store->position()->seq == 1);
  world.hand_on("two", 2);
  CHECK(text_of(world.file()) == "one\ntwo\n");
  CHECK(world.store->position()->seq == 2);
}

TEST_CASE("file outlet: a kill before the very first note repeats nothing") {
  World world;
  world.write("one", 1);
  world.begin();
  world.hand_on("one", 1);
  CHECK(text_of(world.file()) == "one\n");
}

TEST_CASE("file outlet: what somebody else has written is not cut off") {
  World world;
  fs::create_directories(world.file().parent_path());
  std::ofstream(world.file()) << "of an earlier time\n";
  world.hand_on("one", 1);
  CHECK(text_of(world.file()) == "of an earlier time\none\n");
}

TEST_CASE("file outlet: a full file is put aside, and only so many are kept") {
  World world(4, 2);
  for (int number = 1; number <= 5; ++number) {
    world.hand_on("line" + std::to_string(number), static_cast<std::uint64_t>(number));
  }
  CHECK_FALSE(fs::exists(world.file()));
  CHECK_FALSE(fs::exists(world.file(".3")));
  CHECK(text_of(world.file(".4")) == "line4\n");
  CHECK(text_of(world.file(".5")) == "line5\n");
}

TEST_CASE(
    "file outlet: a kill between a full file's renaming and its note loses and repeats nothing") {
  World world;
  world.hand_on("one", 1);
  fs::rename(world.file(), world.file(".1"));
  world.begin();
  world.write("two", 2);
  world.begin();
  world.hand_on("two", 2);
  CHECK(text_of(world.file(".1")) == "one\n");
  CHECK(text_of(world.file()) == "two\n");
  world.hand_on("three", 3);
  CHECK(text_of(world.file()) == "two\nthree\n");
}

TEST_CASE("file outlet: a file that somebody takes away, or empties, is begun anew") {
  World world;
  world.hand_on("one", 1);
  fs::rename(world.file(), world.file(".mine"));
  world.hand_on("two", 2);
  CHECK(text_of(world.file(".mine")) == "one\n");
  CHECK(text_of(world.file()) == "two\n");
  world.begin();
  fs::resize_file(world.file(), 0);
  world.hand_on("three", 3);
  CHECK(text_of(world.file()) == "three\n");
}

TEST_CASE("file outlet: a folder that cannot be made is an error, and all is well once it can") {
  World world;
  std::ofstream(world.folder.path() / "logs") << "in the way";
  auto group = world.group("one", 1);
  CHECK_FALSE(world.outlet->take(group, {}));
  CHECK(world.outlet->settled({}) == 0);
  fs::remove(world.folder.path() / "logs");
  world.hand_on("one", 1);
  CHECK(text_of(world.file()) == "one\n");
}

TEST_CASE("hand-on store: position, lanes and their holes are there again") {
  World world;
  const LogLane lane{"ship1", "web", "s", "e"};
  LogGroup group;
  group.upto = {7, wire::Timestamp(std::chrono::microseconds(5)), "id"};
  group.lanes[lane] = LaneCourse("1-5,9-9", 3, "a gap");
  REQUIRE(world.store->commit(group, wire::Timestamp(std::chrono::hours(10))));
  world.begin();
  CHECK(*world.store->position() == group.upto);
  CHECK(world.store->lane(lane)->ranges_text() == "1-5,9-9");
  CHECK(world.store->lane(lane)->said_upto() == 3);
  CHECK(world.store->lane(lane)->notice() == "a gap");
  CHECK(*world.store->lanes_with_holes() == std::vector<LogLane>{lane});
  REQUIRE(world.store->forget_lanes(wire::Timestamp(std::chrono::hours(9))));
  CHECK(world.store->lanes_with_holes()->size() == 1);
  REQUIRE(world.store->forget_lanes(wire::Timestamp(std::chrono::hours(11))));
  CHECK(world.store->lane(lane)->ranges_text().empty());
}

}  // namespace steward::station::file_outlet_test
