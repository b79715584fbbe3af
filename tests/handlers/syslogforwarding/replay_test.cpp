#include "handlers/syslogforwarding/replay.hpp"

#include "handlers/runtime/system_clock.hpp"
#include "handlers/syslogforwarding/sources/followed_file.hpp"
#include "handlers/syslogforwarding/spool_check.hpp"
#include "subjects/wire/compression.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>

namespace steward::handlers::syslogforwarding::replay_test {
namespace {

constexpr const char* kLines =
    "2026-11-22T01:00:00Z h app: one\n"
    "no time of its own\n"
    "2026-11-22T02:00:00Z h app: two\n"
    "2026-11-22T03:00:00Z h app: three\n";
constexpr std::uint64_t kSecond = 32 + 19;  // where the line of two o'clock begins

LineParser parser() {
  return LineParser([](std::int64_t) { return std::int64_t{0}; });
}

// A file that was read to its end, numbered from that number on.
struct World {
  explicit World(std::uint64_t first = 1) {
    std::ofstream(path()) << kLines;
    store = Store::open(folder.path() / "logs.db").value().store;
    Feed feed("file:" + path(), clock.new_id(), Feed::Kind::rereadable);

    struct stat found {};

    REQUIRE(::stat(path().c_str(), &found) == 0);
    feed.identity = {found.st_dev, found.st_ino, 0, 0};
    feed.path = path();
    const runtime::Fd file(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
    const auto end = std::string_view(kLines).size();
    feed.mark = {first + 4, end, *hash_of_tail(file.get(), end), ""};
    feed.saved = feed.mark;
    feed.lanes["test"].kept = feed.mark.seq - 1;
    REQUIRE(store->add(feed));
    epoch = feed.epoch.str();
  }

  std::string path() const { return (folder.path() / "app.log").string(); }

  std::vector<Replayed> replay(const std::string& since, const std::string& source = "*") {
    wire::LogRequest request;
    request.source = source;
    if (!since.empty()) {
      request.since = *wire::parse_time(since);
    }
    auto lines = parser();
    return set_back(*store, request, Settings{}, clock, lines).value();
  }

  tests::TemporaryFolder folder;
  runtime::SystemClock clock;
  std::unique_ptr<Store> store;
  std::string epoch;
};

}  // namespace

TEST_CASE("replay: a file is read again from a time on, under the numbers that its lines had") {
  World world;
  const auto done = world.replay("2026-11-22T01:30:00Z");
  REQUIRE(done.size() == 1);
  CHECK(done[0].note.empty());
  CHECK(done[0].from == 3);
  CHECK(done[0].epoch == world.epoch);
  const auto feeds = world.store->feeds().value();
  REQUIRE(feeds.size() == 1);
  CHECK(feeds[0]->mark.seq == 3);
  CHECK(feeds[0]->mark.offset == kSecond);
  CHECK(feeds[0]->lanes.at("test").kept == 2);
  const runtime::Fd file(::open(world.path().c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(is_same_file(
      file.get(), std::string_view(kLines).size(), feeds[0]->identity, feeds[0]->mark));
}

TEST_CASE(
    "replay: without a time from the beginning; what is too early or another source is left") {
  World world;
  CHECK(world.replay("", "journal*").empty());
  CHECK(world.replay("2026-11-22T04:00:00Z")[0].note.find("so late") != std::string::npos);
  CHECK(world.store->feeds().value()[0]->mark.seq == 5);
  CHECK(world.replay("")[0].from == 1);
  CHECK(world.store->feeds().value()[0]->mark.offset == 0);
}

TEST_CASE("replay: where the numbers do not count from the beginning they begin anew") {
  World world(2);
  const auto done = world.replay("");
  CHECK(done[0].from == 1);
  CHECK(done[0].epoch != world.epoch);
  const auto feeds = world.store->feeds().value();
  REQUIRE(feeds.size() == 1);
  CHECK(feeds[0]->epoch.str() == done[0].epoch);
  CHECK(feeds[0]->path == world.path());
  CHECK(feeds[0]->lanes.empty());
}

TEST_CASE("replay: a file that was written anew is not the one that was read") {
  World world;
  std::ofstream(world.path())
      << "something else that is as long as what there was before it, and longer: " << kLines;
  CHECK(world.replay("")[0].note.find("written anew") != std::string::npos);
  CHECK(world.store->feeds().value()[0]->mark.seq == 5);
}

TEST_CASE("spool check: what is good is counted, what is damaged is said as dropped") {
  World world;
  wire::Compressor compressor;
  const auto put = [&](std::uint64_t first, bool good) {
    Parcel made(world.clock.new_id());
    made.domain = "test";
    made.head = {"udp:x", world.epoch, first, first + 1, 2};
    made.counts[6] = 2;
    made.payload = compressor.compress(encode(made.head) + "{}\n{}\n");
    if (!good) {
      made.payload[made.payload.size() / 2] ^= 1;
    }
    REQUIRE(world.store->put(made));
  };
  put(1, true);
  put(3, false);
  put(5, true);
  auto check = check_spool(*world.store).value();
  CHECK(check.batches == 3);
  CHECK(check.lines == 4);
  CHECK(check.damaged == 2);
  CHECK(check.dropped == 0);
  CHECK(check.oldest);
  check = check_spool(*world.store).value();
  CHECK(check.batches == 3);
  CHECK(check.damaged == 0);
  CHECK(check.dropped == 2);
  CHECK(check.bytes == world.store->spool_bytes());
  const auto last = *world.store->next(3);
  CHECK(last->payload.empty());
  CHECK(last->head.first == 3);
}

}  // namespace steward::handlers::syslogforwarding::replay_test
