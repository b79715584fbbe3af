#include "handlers/syslogforwarding/store.hpp"

#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <utility>

namespace steward::handlers::syslogforwarding::store_test {
namespace {

wire::MessageId id(int number) {
  wire::MessageId::Randomness random{};
  random[9] = static_cast<std::uint8_t>(number);
  return wire::MessageId::make(1, random);
}

Parcel parcel(int number, std::uint64_t first, std::size_t severity) {
  Parcel made(id(number));
  made.domain = "test";
  made.head.source = "udp:x";
  made.head.epoch = id(1).str();
  made.head.first = first;
  made.head.last = first + 9;
  made.head.lines = 10;
  made.counts[severity] = 10;
  made.payload = std::string(100, 'x');
  return made;
}

std::unique_ptr<Store> open(const tests::TemporaryFolder& folder) {
  auto opened = Store::open(folder.path() / "logs.db");
  REQUIRE(opened);
  return std::move(opened->store);
}

}  // namespace

TEST_CASE("store: how far a file was read is there after a restart, each domain's part of it too") {
  const tests::TemporaryFolder folder;
  Feed feed("file:/a", id(7), Feed::Kind::rereadable);
  feed.path = "/a";
  feed.identity = {1, 2, 3, 0xffff'ffff'ffff'fff0U};
  feed.saved = {5, 400, 99, "cursor"};
  feed.lanes["test"].kept = 4;
  {
    const auto store = open(folder);
    REQUIRE(store->add(feed));
  }
  const auto store = open(folder);
  const auto feeds = store->feeds();
  REQUIRE(feeds);
  REQUIRE(feeds->size() == 1);
  const auto& read = *feeds->front();
  CHECK(read.source == "file:/a");
  CHECK(read.epoch == id(7));
  CHECK(read.path == "/a");
  CHECK(read.identity.head == feed.identity.head);
  CHECK(read.mark.offset == 400);
  CHECK(read.mark.cursor == "cursor");
  CHECK(read.next_seq == 5);
  CHECK(read.lanes.at("test").covered == 4);
  REQUIRE(store->remove(read));
  CHECK(store->feeds()->empty());
}

TEST_CASE("store: a batch stays until it is erased, in order") {
  const tests::TemporaryFolder folder;
  {
    const auto store = open(folder);
    for (int number = 1; number <= 3; ++number) {
      auto made = parcel(number, static_cast<std::uint64_t>(number) * 10, 6);
      REQUIRE(store->put(made));
      CHECK(made.spool_row == number);
    }
    REQUIRE(store->erase(2));
  }
  const auto store = open(folder);
  CHECK(store->spool_bytes() == 200);
  CHECK(store->spool_batches() == 2);
  CHECK((*store->next(0))->id == id(1));
  CHECK((*store->next(1))->id == id(3));
  CHECK((*store->next(1))->counts[6] == 10);
  CHECK(*store->next(3) == nullptr);
}

TEST_CASE("store: the least severe batches are dropped first, the oldest of them, and counted") {
  const tests::TemporaryFolder folder;
  const auto store = open(folder);
  std::uint64_t first = 1;
  int number = 0;
  for (const std::size_t severity : {6U, 3U, 7U, 7U, 6U}) {
    auto made = parcel(++number, first, severity);
    first += 10;
    REQUIRE(store->put(made));
  }
  CHECK(*store->drop_one(0) == 10);
  CHECK(*store->drop_one(0) == 10);
  // Both of the least severe are one now, in the place of the later.
  CHECK(store->spool_batches() == 4);
  const auto both = *store->next(2);
  CHECK(both->payload.empty());
  CHECK(both->head.first == 21);
  CHECK(both->head.last == 40);
  CHECK(both->counts[7] == 20);
  // What is on its way is not taken away.
  CHECK(*store->drop_one(4) == 10);
  CHECK(*store->drop_one(4) == 0);
  CHECK(store->spool_bytes() == 200);
}

TEST_CASE("store: a damaged one is put aside, and said") {
  const tests::TemporaryFolder folder;
  std::ofstream(folder.path() / "logs.db") << std::string(8'192, 'x');
  const auto opened = Store::open(folder.path() / "logs.db");
  REQUIRE(opened);
  CHECK(!opened->notice.empty());
  CHECK(std::filesystem::exists(folder.path() / "logs.db.damaged"));
  CHECK(opened->store->feeds()->empty());
}

}  // namespace steward::handlers::syslogforwarding::store_test
