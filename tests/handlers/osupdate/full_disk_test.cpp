// A disk that is full in the middle of a run, with the real apt and dpkg.

#include "tests/handlers/osupdate/rig.hpp"
#include "tests/support/small_disk.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate::full_disk_test {
namespace {

using tests::SmallDisk;
using wire::CommandState;

constexpr std::int64_t kDisk = 48 << 20;
constexpr const char* kBytes = "4000000";  // of a package that does not fit any more

// It has failed for want of room, and nobody works any more.
wire::UpdateOutcome failed_full(Rig& rig, const wire::Ack& ack) {
  CHECK(ack.state == CommandState::failed);
  CHECK_MESSAGE(ack.code == "no_space", ack.message);
  CHECK_MESSAGE(ack.message.find("No space left on device") != std::string::npos, ack.message);
  CHECK(
      rig.until([&rig] { return rig.pids_of("dpkg").empty() && rig.pids_of("apt-get").empty(); }));
  return rig.outcome(ack);
}

// Once it is there, the disk is to be full.
std::filesystem::path full(const Rig& rig) { return rig.folder() / "full"; }

std::string fill_once(const Rig& rig, const SmallDisk& disk) {
  return "if [ -e " + full(rig).string() + " ]; then " + disk.fill() + "; fi";
}

// With room the same is done; no lock was in its way.
wire::UpdateOutcome done_with_room(Rig& rig, const SmallDisk& disk) {
  std::filesystem::remove(full(rig));
  disk.free();
  const auto ack = rig.ask(R"({"op":"apply","lock_wait_ms":5000})");
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.version("db") == "1.1");
  CHECK(rig.is_whole());
  CHECK(rig.plan().packages.empty());
  return rig.outcome(ack);
}

// web 2.0 brings much; db 1.1 fills the disk before it is unpacked.
void offer(Rig& rig, const std::string& fill) {
  rig.make({"web", "1.0"});
  rig.make({"db", "1.0"});
  rig.publish();
  REQUIRE(rig.apt("install web db") == 0);
  rig.make({"web", "2.0", "main", "Depends: db (>= 1.1)", "", "", "", kBytes});
  rig.make({"db", "1.1", "main", "", "", fill});
  rig.publish();
  std::ofstream(full(rig)).flush();
}

TEST_CASE("osupdate: a disk that is full in the middle of a download fails it, room mends it") {
  Rig rig;
  offer(rig, "");
  const auto disk = SmallDisk::over(rig.root() / "var/cache/apt/archives", kDisk);
  if (!disk) {
    return;
  }
  // Full once apt has looked how much room there is, and found enough.
  const auto method = rig.folder() / "copy";
  std::ofstream(method) << "#!/bin/sh\n{ IFS= read -r line || exit 0\n"
                        << fill_once(rig, *disk)
                        << "\nprintf '%s\\n' \"$line\"; exec cat; } | /usr/lib/apt/methods/copy\n";
  std::filesystem::permissions(method, std::filesystem::perms::owner_all);
  std::ofstream(rig.folder() / "apt.conf", std::ios::app)
      << "Dir::Bin::methods::copy \"" << method.string() << "\";\n";
  const auto ack = rig.ask(R"({"op":"apply"})");
  CHECK(disk->room() == 0);
  CHECK(!failed_full(rig, ack).needs_help);
  CHECK(rig.is_whole());
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.version("db") == "1.0");
  CHECK(!done_with_room(rig, *disk).repaired);
}

TEST_CASE(
    "osupdate: a disk that is full while a package is unpacked fails the run, room mends it") {
  Rig rig;
  std::filesystem::create_directory(rig.root() / "opt");
  const auto disk = SmallDisk::over(rig.root() / "opt", kDisk);
  if (!disk) {
    return;
  }
  offer(rig, fill_once(rig, *disk));
  const auto outcome = failed_full(rig, rig.ask(R"({"op":"apply"})"));
  CHECK(disk->room() == 0);
  CHECK(!outcome.needs_help);
  CHECK(rig.is_whole());
  CHECK(rig.version("web") == "1.0");
  done_with_room(rig, *disk);
}

TEST_CASE("osupdate: a disk of dpkg's that is full fails the run, room mends it") {
  Rig rig;
  const auto disk = SmallDisk::over(rig.root() / "var/lib/dpkg", kDisk);
  if (!disk) {
    return;
  }
  offer(rig, fill_once(rig, *disk));
  failed_full(rig, rig.ask(R"({"op":"apply"})"));
  CHECK(disk->room() == 0);
  done_with_room(rig, *disk);
}

TEST_CASE("osupdate: what was installed is told where the agent's own disk is full by then") {
  Rig rig;
  std::filesystem::create_directories(rig.folder() / "state");
  const auto disk = SmallDisk::over(rig.folder() / "state", kDisk);
  if (!disk) {
    return;
  }
  offer(rig, fill_once(rig, *disk));
  rig.make({"web", "2.0", "main", "", "exit 7"});
  rig.publish();
  const auto ack = rig.ask(R"({"op":"apply"})");
  CHECK(ack.state == CommandState::failed);
  CHECK_MESSAGE(ack.code == "no_space", ack.message);
  CHECK(ack.message.find("its state cannot be written down") == 0);
  const auto outcome = rig.outcome(ack);
  CHECK(outcome.needs_help);
  CHECK(outcome.failed == std::vector<std::string>{"web"});
  REQUIRE(outcome.packages.size() == 1);
  CHECK(outcome.packages[0].name == "db");
  rig.make({"web", "2.0.1"});
  rig.publish();
  std::filesystem::remove(full(rig));
  disk->free();
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.is_whole());
  CHECK(rig.version("web") == "2.0.1");
}

TEST_CASE("osupdate: a kernel that does not fit into /boot is not begun with, all else is") {
  Rig rig;
  const auto boot = rig.root() / "boot";
  const auto disk = SmallDisk::over(boot, 8 << 20);
  if (!disk) {
    return;
  }
  for (const char* name : {"vmlinuz-1", "initrd.img-1", "System.map-1"}) {
    std::ofstream(boot / name) << std::string(2 << 20, 'x');
  }
  for (const char* version : {"1.0", "2.0"}) {
    rig.make({"linux-image-6", version});
    rig.make({"web", version});
    rig.publish();
    REQUIRE((version[0] == '2' || rig.apt("install linux-image-6 web") == 0));
  }
  const auto refused = rig.ask(R"({"op":"apply"})");
  CHECK(refused.code == "no_space");
  CHECK_MESSAGE(refused.message.find("/boot needs 4194304 bytes, ") == 0, refused.message);
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.ask(R"({"op":"apply","exclude":["linux-image-6"]})").state == CommandState::done);
  CHECK(rig.version("web") == "2.0");
  std::filesystem::remove(boot / "System.map-1");
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.version("linux-image-6") == "2.0");
}

TEST_CASE("osupdate: one disk for all, the agent's files too, that is full in an apply") {
  Rig rig;
  const auto disk = SmallDisk::over(rig.folder(), kDisk);
  if (!disk) {
    return;
  }
  offer(rig, fill_once(rig, *disk));
  const auto ack = rig.ask(R"({"op":"apply"})");
  CHECK(disk->room() < kDisk / 10);
  CHECK(ack.state == CommandState::failed);
  CHECK_MESSAGE(ack.code == "no_space", ack.message);
  CHECK(
      rig.until([&rig] { return rig.pids_of("dpkg").empty() && rig.pids_of("apt-get").empty(); }));
  done_with_room(rig, *disk);
}

}  // namespace
}  // namespace steward::handlers::osupdate::full_disk_test
