#include "handlers/runtime/crash_notes.hpp"

#include "tests/handlers/runtime/test_house.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace steward::tests::crash_notes_test {
namespace {

using runtime::CrashNotes;

struct File {
  File() {
    std::string name = "/tmp/steward-notes.XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    path = folder / "work" / "at-hand";
  }

  ~File() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  // A process that dies with that command in its hands.
  void die_with(const wire::MessageId& id) const {
    const pid_t child = ::fork();
    if (child == 0) {
      CrashNotes notes;
      static_cast<void>(notes.open(path));
      const CrashNotes::Call call(notes, id);
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
  }

  std::filesystem::path folder;
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("crash notes: a command that ends the process is counted at each next start") {
  const File file;
  for (int times = 1; times <= 3; ++times) {
    file.die_with(id_of(1));
    CrashNotes notes;
    REQUIRE(notes.open(file.path));
    CHECK(notes.crashes(id_of(1)) == times);
    CHECK(notes.crashes(id_of(2)) == 0);
  }
}

TEST_CASE("crash notes: a call that returns leaves nothing, an exception counts") {
  CrashNotes notes;
  { const CrashNotes::Call call(notes, id_of(1)); }
  CHECK(notes.crashes(id_of(1)) == 0);
  try {
    const CrashNotes::Call call(notes, id_of(1));
    throw std::runtime_error("at work");
  } catch (const std::runtime_error&) {
    CHECK(notes.crashes(id_of(1)) == 1);
  }
  for (int other = 100; other < 200; ++other) {
    const CrashNotes::Call call(notes, id_of(other));
  }
  CHECK(notes.crashes(id_of(1)) == 1);  // others that did no harm do not push it out
}

TEST_CASE("crash notes: a file that is none of ours is begun anew, one that cannot be is said") {
  const File file;
  std::filesystem::create_directories(file.path.parent_path());
  std::ofstream(file.path) << std::string(5'000, '\xff');
  CrashNotes notes;
  REQUIRE(notes.open(file.path));
  CHECK(notes.crashes(id_of(1)) == 0);
  CHECK(!notes.open("/proc/no/such/place"));
}

}  // namespace steward::tests::crash_notes_test
