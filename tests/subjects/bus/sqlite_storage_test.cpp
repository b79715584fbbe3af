#include "subjects/bus/sqlite_storage.hpp"

#include "tests/subjects/bus/unit_room.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace steward::tests::sqlite_storage_test {
namespace {

using bus::CommandStage;
using bus::SqliteStorage;
using namespace std::chrono_literals;
using Words = std::vector<std::string>;

constexpr wire::Timestamp kNow{std::chrono::microseconds(1'790'000'000'000'000)};

// A folder with an edge.db in it.
struct Folder {
  Folder() {
    std::string name = "/tmp/steward-storage.XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }

  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::filesystem::path file() const { return path / "edge.db"; }

  std::unique_ptr<SqliteStorage> open() {
    auto opened = SqliteStorage::open(file(), kNow);
    REQUIRE_MESSAGE(opened, opened.error().text());
    notice = opened->notice;
    return std::move(opened->storage);
  }

  void overwrite(std::uintmax_t from, std::size_t bytes) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(from));
    stream << std::string(bytes, '\x5a');
  }

  std::filesystem::path path;
  std::string notice;
};

}  // namespace

TEST_CASE("storage: keeps what was committed, whole, and nothing else") {
  Folder folder;
  bus::Message message{"ship1.command.work.here", {}, std::string("{\0}", 3), {}};
  message.headers.add("ce-id", "one");
  message.headers.add("empty", "");
  const bus::CommandRow row{.id = id_of(1),
                            .method = "work",
                            .domain = "here",
                            .expires = kNow + 1h,
                            .stage = CommandStage::started,
                            .attempts = 2,
                            .ack = "said"};
  const wire::Position position{id_of(50), 7};
  {
    const auto storage = folder.open();
    REQUIRE(storage->begin());
    REQUIRE(storage->add(row, &message));
    REQUIRE(storage->add_event(position, kNow, message));
    REQUIRE(storage->commit());
    REQUIRE(storage->begin());
    REQUIRE(storage->add(
        bus::CommandRow{
            .id = id_of(2), .method = "work", .domain = "here", .expires = kNow, .ack = ""},
        nullptr));
    REQUIRE(storage->add_event({id_of(51), 1}, kNow, message));
    CHECK(storage->find(id_of(2))->has_value());
    storage->rollback();
    CHECK(!storage->find(id_of(2))->has_value());
    REQUIRE(storage->begin());  // the epoch of the rollback is made anew
    REQUIRE(storage->add_event({id_of(51), 1}, kNow, message));
    REQUIRE(storage->commit());
  }
  const auto storage = folder.open();
  CHECK(folder.notice.empty());
  CHECK(storage->find(id_of(1))->value() == row);
  CHECK(!storage->find(id_of(2))->has_value());
  CHECK(storage->message_of(id_of(1))->value() == message);
  CHECK(storage->event(position)->value() == message);
  CHECK(!storage->event({id_of(50), 8})->has_value());
  CHECK(!storage->event({id_of(52), 1})->has_value());
  CHECK(storage->unfinished()->size() == 1);
  std::vector<wire::Position> seen;
  REQUIRE(storage->visit_events([&seen](const bus::KeptEvent& event) {
    seen.push_back(event.position);
    CHECK(event.recorded == kNow);
    CHECK(event.bytes == 3);
  }));
  CHECK(seen == std::vector{position, wire::Position{id_of(51), 1}});

  struct stat status {};

  REQUIRE(::stat(folder.file().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("storage: a unit's life goes on after a restart") {
  Folder folder;
  {
    const auto storage = folder.open();
    UnitRoom unit(*storage);
    REQUIRE(unit.accept(2, "two"));
    REQUIRE(unit.accept(1, "one"));
    REQUIRE(unit.accept(3, "three"));
    unit.step(1, wire::CommandState::done);
    REQUIRE(storage->begin());
    REQUIRE(storage->erase_events(unit.outbox.epoch(), 1));
    REQUIRE(storage->commit());
  }
  const auto storage = folder.open();
  UnitRoom next(*storage);
  REQUIRE(next.outbox.load(*storage, next.now, next.steady));
  const auto rows = next.ledger.load(*storage);
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).id == id_of(2));
  CHECK(rows->at(1).id == id_of(3));
  CHECK(next.outbox.depth() == 3);
  CHECK(next.accept(1)->verdict == bus::Ledger::Verdict::repeated);
  CHECK(next.accept(4)->verdict == bus::Ledger::Verdict::fresh);
  next.outbox.send_again(next.steady);
  Words resent;
  for (const auto& position : next.outbox.due(next.steady)) {
    const auto message = storage->event(position);
    REQUIRE(message->has_value());
    resent.push_back(std::string(wire::word(wire::decode_ack((*message)->payload)->state)));
  }
  CHECK(resent == Words{"accepted", "accepted", "done", "accepted"});
}

TEST_CASE("storage: after a power cut at any byte of a write, what was committed before is there") {
  constexpr std::uint8_t kCommits = 6;
  Folder written;
  std::vector<std::uintmax_t> ends;
  const auto log = written.path / "edge.db-wal";
  const auto storage = written.open();
  const bus::Message message{"ship1.command.work.here", {}, std::string(3'000, 'x'), {}};
  for (std::uint8_t number = 0; number <= kCommits; ++number) {
    if (number > 0) {
      REQUIRE(storage->begin());
      REQUIRE(storage->add(
          {.id = id_of(number), .method = "work", .domain = "here", .expires = kNow + 1h},
          &message));
      REQUIRE(storage->add_event({id_of(50), number}, kNow, message));
      REQUIRE(storage->commit());
    }
    ends.push_back(std::filesystem::file_size(log));
  }
  REQUIRE(ends.back() > ends.front());
  std::ifstream stream(log, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(stream), {});
  std::mt19937 chance(1);
  enum class Rest { missing, zeros, noise };
  for (auto cut = ends.front(); cut <= ends.back(); cut += 1 + chance() % 2'000) {
    const auto done = static_cast<std::uint64_t>(std::upper_bound(ends.begin(), ends.end(), cut) -
                                                 ends.begin() - 1);
    for (const auto rest : {Rest::missing, Rest::zeros, Rest::noise}) {
      CAPTURE(cut);
      CAPTURE(static_cast<int>(rest));
      std::string left = whole.substr(0, cut);
      while (rest != Rest::missing && left.size() < whole.size()) {
        left += rest == Rest::zeros ? '\0' : static_cast<char>(chance());
      }
      Folder found;
      std::filesystem::copy_file(written.file(), found.file());
      std::ofstream(found.path / "edge.db-wal", std::ios::binary) << left;
      const auto opened = found.open();
      CHECK(found.notice.empty());
      const auto rows = opened->unfinished();
      REQUIRE(rows);
      CHECK(rows->size() == done);
      std::uint64_t events = 0;
      REQUIRE(opened->visit_events([&events](const bus::KeptEvent&) { ++events; }));
      CHECK(events == done);
    }
  }
}

TEST_CASE("storage: a damaged file is moved aside, said, and begun anew") {
  Folder folder;
  {
    const auto storage = folder.open();
    UnitRoom unit(*storage);
    REQUIRE(unit.accept(1, std::string(50'000, 'x')));
  }
  SUBCASE("its head") { folder.overwrite(0, 100); }
  SUBCASE("its tables") {
    folder.overwrite(4096, std::filesystem::file_size(folder.file()) - 4096);
  }
  const auto storage = folder.open();
  CHECK(folder.notice.find("is damaged: it was moved to") != std::string::npos);
  CHECK(storage->unfinished()->empty());
  const auto files = std::distance(std::filesystem::directory_iterator(folder.path), {});
  CHECK(files >= 2);
}

TEST_CASE("storage: a file of a newer version, and one of somebody else's, are left alone") {
  Folder folder;
  static_cast<void>(folder.open());
  std::fstream stream(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
  SUBCASE("newer") {
    stream.seekp(60);  // user_version (sqlite.org/fileformat.html)
    stream << std::string("\0\0\0\x63", 4);
  }
  SUBCASE("not ours") {
    stream.seekp(68);  // application_id
    stream << "abcd";
  }
  stream.close();
  const auto before = std::filesystem::file_size(folder.file());
  const auto opened = SqliteStorage::open(folder.file(), kNow);
  REQUIRE(!opened);
  CHECK(opened.error().code == ErrorCode::unsupported);
  CHECK(std::filesystem::file_size(folder.file()) == before);
}

TEST_CASE("storage: a full disk refuses commands with no_space, loses no step, and heals") {
  Folder folder;
  const auto storage = folder.open();
  UnitRoom unit(*storage);
  REQUIRE(unit.accept(1));
  storage->limit_pages(20);
  const auto refused = unit.accept(2, std::string(200'000, 'x'));
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::no_space);
  CHECK(!storage->find(id_of(2))->has_value());
  const std::string large(150'000, 'y');
  unit.ledger.step(id_of(1), wire::CommandState::done, "done", unit.event(large));
  CHECK(unit.settle() == bus::Journal::Outcome::failed);
  CHECK(unit.ledger.open() == 1);
  CHECK(storage->find(id_of(1))->value().stage == CommandStage::accepted);
  storage->limit_pages(100'000);
  CHECK(unit.settle() == bus::Journal::Outcome::done);
  CHECK(unit.ledger.open() == 0);
  CHECK(unit.published.back().payload == large);
  CHECK(unit.published.back().headers.find("ce-seq") == std::string_view("2"));
}

TEST_CASE("storage: what is finished, acknowledged and expired makes room again") {
  Folder folder;
  const auto storage = folder.open();
  UnitRoom unit(*storage);
  const auto empty = *storage->bytes();
  for (std::uint8_t number = 1; number <= 20; ++number) {
    REQUIRE(unit.accept(number, std::string(100'000, 'x')));
  }
  CHECK(*storage->bytes() > empty + 2'000'000);
  for (std::uint8_t number = 1; number <= 20; ++number) {
    unit.step(number, wire::CommandState::done);
  }
  CHECK(*storage->bytes() < empty + 100'000);
  CHECK(*storage->prune(unit.now + 2h, 15) == 15);
  CHECK(*storage->prune(unit.now + 2h, 15) == 5);
}

TEST_CASE("storage: room that was made is seen by the next command that needs it") {
  Folder folder;
  const auto storage = folder.open();
  UnitRoom unit(*storage, {.bytes = *storage->bytes() + 250'000});
  const std::string large(100'000, 'x');
  REQUIRE(unit.accept(1, large));
  REQUIRE(unit.accept(2, large));
  CHECK(unit.accept(3, large).error().code == ErrorCode::overloaded);
  unit.step(1, wire::CommandState::done);
  unit.step(2, wire::CommandState::done);
  CHECK(unit.accept(4, large));
}

TEST_CASE("storage: nobody else can open the file meanwhile") {
  Folder folder;
  const auto storage = folder.open();
  UnitRoom unit(*storage);
  REQUIRE(unit.accept(1));
  const auto second = SqliteStorage::open(folder.file(), kNow);
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::busy);
}

}  // namespace steward::tests::sqlite_storage_test
