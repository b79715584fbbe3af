#include "subjects/bus/audit_log.hpp"

#include "tests/subjects/identity/identities.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace steward::bus::audit_log_test {
namespace {

using identity::AuditReader;
using identity::AuditRecord;
using identity::tests::contents;
using identity::tests::fixed_key;
using std::chrono::seconds;

const wire::Timestamp kNow = wire::parse_time("2026-11-21T12:00:00Z").value();

AuditRecord asked(const std::string& id, wire::Timestamp at = kNow) {
  return {.at = at,
          .kind = "asked",
          .id = id,
          .by = "/operator/anna",
          .key = "9f86",
          .subject = "ship1.command.shellcommand.operatingsystem",
          .verdict = "allowed"};
}

struct World {
  identity::tests::Folder folder;
  identity::PrivateKey key = fixed_key(60);
  std::string notice;
  std::uint64_t unsealed = 0;

  std::filesystem::path file() const { return folder / "audit.log"; }

  std::unique_ptr<AuditLog> open(std::uintmax_t largest = AuditLog::kLargest) {
    auto opened = AuditLog::open(file(), &key, kNow, largest);
    REQUIRE_MESSAGE(opened, opened.error().message);
    notice = opened->notice;
    unsealed = opened->unsealed;
    return std::move(opened->log);
  }

  // The kinds of all records, "begun asked seal"; or what is wrong.
  std::string read(AuditReader& reader) const {
    std::string kinds;
    for (const auto& path : audit_files(file())) {
      std::istringstream lines(contents(path));
      for (std::string line; std::getline(lines, line);) {
        const auto record = reader.take(line);
        if (!record) {
          return std::string(word(record.error().code)) + ": " + record.error().message;
        }
        kinds += (kinds.empty() ? "" : " ") + record->kind;
      }
    }
    return kinds;
  }

  std::string read() const {
    AuditReader reader(key.public_key());
    return read(reader);
  }
};

void replace_in(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  auto text = contents(file);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("audit: records are tied to each other and sealed, also over a restart") {
  World world;
  {
    const auto log = world.open();
    REQUIRE(log->append(asked("a")));
    REQUIRE(log->append(asked("b")));
    REQUIRE(log->append(asked("c", kNow + seconds(61))));
    REQUIRE(log->append(asked("d", kNow + seconds(62))));
  }
  CHECK(world.read() == "begun asked seal asked asked seal asked seal");
  {
    const auto log = world.open();
    REQUIRE(log->append(asked("e")));
  }
  AuditReader reader(world.key.public_key());
  CHECK(world.read(reader) == "begun asked seal asked asked seal asked seal begun asked seal");
  CHECK(reader.first() == 1);
  CHECK(reader.end().sealed == 10);
}

TEST_CASE("audit: a record that was altered, left out, put in or sealed by another key shows") {
  World world;
  {
    const auto log = world.open();
    for (const auto* id : {"a", "b", "c"}) {
      REQUIRE(log->append(asked(id)));
    }
  }
  const auto good = contents(world.file());
  const auto damaged = [&](auto change) {
    std::ofstream(world.file(), std::ios::binary) << good;
    change();
    return world.read().substr(0, 8);
  };
  CHECK(damaged([&] { replace_in(world.file(), "anna", "eve"); }) == "conflict");
  std::vector<std::string> lines;
  std::istringstream text(good);
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line + "\n");
  }
  REQUIRE(lines.size() == 6);
  CHECK(damaged([&] { replace_in(world.file(), lines[3], ""); }) == "conflict");
  CHECK(damaged([&] { replace_in(world.file(), lines[3], lines[3] + lines[3]); }) == "conflict");
  CHECK(damaged([&] { replace_in(world.file(), lines[3] + lines[4], lines[4] + lines[3]); }) ==
        "conflict");
  CHECK(damaged([&] { replace_in(world.file(), lines[0], "nonsense\n"); }) == "bad_payl");
  // Made anew as a whole by somebody without the key.
  std::filesystem::remove(world.file());
  const auto other = fixed_key(61);
  {
    const auto forged = AuditLog::open(world.file(), &other, kNow).value().log;
    REQUIRE(forged->append(asked("a")));
  }
  AuditReader reader(world.key.public_key());
  CHECK(world.read(reader) == "begun asked seal");
  CHECK(reader.end().sealed == 0);
  // Its seals in the name of the right key.
  replace_in(world.file(), other.public_key().id(), world.key.public_key().id());
  CHECK(world.read().starts_with("conflict"));
}

TEST_CASE("audit: killed in the middle of a line it goes on, and says so") {
  World world;
  {
    const auto log = world.open();
    REQUIRE(log->append(asked("a")));
  }
  std::ofstream(world.file(), std::ios::app) << "0123456789abcdef {\"n\":";
  {
    const auto log = world.open();
    CHECK(world.notice.empty());
    REQUIRE(log->append(asked("b")));
  }
  CHECK(world.read() == "begun asked seal begun asked seal");
  CHECK(contents(world.file()).find("\"verdict\":\"torn\"") != std::string::npos);
}

TEST_CASE("audit: what waits for a seal gets it, though nothing follows") {
  World world;
  const auto log = world.open();
  REQUIRE(log->append(asked("a")));
  REQUIRE(log->append(asked("b", kNow + seconds(1))));
  log->tend(kNow + seconds(59));
  CHECK(world.read() == "begun asked seal asked");
  log->tend(kNow + seconds(60));
  log->tend(kNow + seconds(600));
  CHECK(world.read() == "begun asked seal asked seal");
}

TEST_CASE("audit: after a kill the next start says how many records no seal covers") {
  World world;
  world.open().reset();
  CHECK(world.unsealed == 0);
  std::string killed;
  {
    const auto log = world.open();
    CHECK(world.unsealed == 0);  // a clean end seals
    for (const auto* id : {"a", "b", "c", "d"}) {
      REQUIRE(log->append(asked(id)));
    }
    killed = contents(world.file());
  }
  std::ofstream(world.file(), std::ios::binary) << killed;
  world.open().reset();
  CHECK(world.unsealed == 3);
  CHECK(contents(world.file()).find(R"("summary":"3 records before it unsealed")") !=
        std::string::npos);
  CHECK(world.read().ends_with("asked asked asked begun seal"));
  world.open().reset();
  CHECK(world.unsealed == 0);
}

TEST_CASE("audit: seals of another key cover nothing, and a forged one is damage") {
  World world;
  const auto other = fixed_key(61);
  {
    const auto forged = AuditLog::open(world.file(), &other, kNow).value().log;
    REQUIRE(forged->append(asked("a")));
  }
  world.open().reset();
  CHECK(world.notice.empty());
  CHECK(world.unsealed == 3);
  // One who can write the file makes a chain anew, with seals in the name of the key.
  identity::AuditEnd end;
  auto made = identity::next_audit_line(end, asked("a"));
  made += identity::next_audit_line(end,
                                    {.at = kNow,
                                     .kind = "seal",
                                     .key = world.key.public_key().id(),
                                     .digest = std::string(86, 'A')});
  std::ofstream(world.file(), std::ios::binary) << made;
  world.open().reset();
  CHECK(world.notice.find("seal of record 2 does not hold") != std::string::npos);
}

TEST_CASE("audit: the last seal may stand in the file before") {
  World world;
  const auto log = world.open(1'000);
  while (!std::filesystem::exists(world.folder / "audit.log.1")) {
    REQUIRE(log->append(asked("a")));
  }
  REQUIRE(log->append(asked("b")));
  AuditReader reader(world.key.public_key());
  REQUIRE(world.read(reader).find(':') == std::string::npos);
  const World copy;
  for (const auto& file : audit_files(world.file())) {
    std::filesystem::copy_file(file, copy.folder / file.filename().string());
  }
  const auto opened = AuditLog::open(copy.file(), &world.key, kNow).value();
  CHECK(opened.unsealed == reader.end().number - reader.end().sealed - 1);
  CHECK(opened.unsealed > 2);
}

TEST_CASE("audit: one that does not hold is kept aside, and another one begun") {
  World world;
  {
    const auto log = world.open();
    REQUIRE(log->append(asked("a")));
  }
  replace_in(world.file(), "anna", "eve");
  const auto damaged = contents(world.file());
  world.open().reset();
  CHECK(world.notice.find("moved to") != std::string::npos);
  CHECK(contents(world.folder / "audit.log.damaged-2026-11-21T12:00:00") == damaged);
  CHECK(world.read() == "begun seal");
}

TEST_CASE("audit: it is bounded, and the chain goes on from file to file") {
  World world;
  auto log = world.open(2'000);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(log->append(asked(std::to_string(i))));
  }
  log.reset();
  const auto files = audit_files(world.file());
  CHECK(files.size() == AuditLog::kOlder + 1);
  for (const auto& file : files) {
    CHECK(std::filesystem::file_size(file) < 3'000);
  }
  AuditReader reader(world.key.public_key());
  CHECK(world.read(reader).find(':') == std::string::npos);
  CHECK(reader.first() > 100);
  const auto before = reader.end().number;
  // Ended between two files.
  for (int number = AuditLog::kOlder; number > 0; --number) {
    std::filesystem::rename(files[static_cast<std::size_t>(AuditLog::kOlder - number) + 1],
                            world.folder / ("audit.log." + std::to_string(number)));
  }
  world.open(2'000).reset();
  AuditReader again(world.key.public_key());
  world.read(again);
  CHECK(again.end().number == before + 2);
}

TEST_CASE("audit: many threads write one chain") {
  World world;
  const auto log = world.open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&log] {
      for (int k = 0; k < 50; ++k) {
        static_cast<void>(log->append(asked("x")));
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  AuditReader reader(world.key.public_key());
  world.read(reader);
  CHECK(reader.end().number == 202);
}

TEST_CASE("audit: what a disk does not take is counted, and said when it takes something again") {
  World world;
  const auto log = world.open(1'000);
  // Something in the place of the older files: no room can be made.
  std::filesystem::create_directories(world.folder / "audit.log.3" / "x");
  std::ofstream(world.folder / "audit.log.2") << "x";
  int taken = 0;
  while (taken < 20 && log->append(asked("a"))) {
    ++taken;
  }
  REQUIRE(taken < 20);
  CHECK_FALSE(log->append(asked("e")));
  std::filesystem::remove_all(world.folder / "audit.log.3");
  std::filesystem::remove(world.folder / "audit.log.2");
  REQUIRE(log->append(asked("f")));
  CHECK(contents(world.file()).find(R"("kind":"lost")") != std::string::npos);
  CHECK(contents(world.file()).find(R"("verdict":"2")") != std::string::npos);
  AuditReader reader(world.key.public_key());
  CHECK(world.read(reader).find("lost asked") != std::string::npos);
}

}  // namespace steward::bus::audit_log_test
