#include "handlers/metrics/mount_probe.hpp"

#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace steward::handlers::metrics::mount_probe_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A mount point "/hang/<descriptor>" hangs until that descriptor can be read, as a call into a dead
// file system does: in the thread that makes it, and without an end that anybody can set.
bool ask_hanging(const std::string& mountpoint, MountFigures& figures) {
  if (mountpoint.starts_with("/hang/")) {
    pollfd gate{std::stoi(mountpoint.substr(6)), POLLIN, 0};
    ::poll(&gate, 1, -1);
  }
  figures.block_bytes = 1;
  figures.blocks = static_cast<std::int64_t>(mountpoint.size());
  return mountpoint != "/broken";
}

struct Gate {
  Gate() : descriptor(::eventfd(0, EFD_CLOEXEC)) {}

  ~Gate() { open(); }  // the descriptor stays: its thread may still be about to look at it

  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open() const {
    const std::uint64_t one = 1;
    CHECK(::write(descriptor, &one, sizeof one) == sizeof one);
  }

  std::string path() const { return "/hang/" + std::to_string(descriptor); }

  const int descriptor;
};

// A FUSE file system whose program never answers a word.
struct DeadMount {
  DeadMount() : device(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    char pattern[] = "/tmp/steward-mount-XXXXXX";
    path = ::mkdtemp(pattern);
    const std::string options =
        "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0";
    mounted =
        device >= 0 && ::mount("steward-test", path.c_str(), "fuse.test", 0, options.c_str()) == 0;
  }

  ~DeadMount() {
    if (device >= 0) {
      ::close(device);  // who waits for it is let go
    }
    ::umount2(path.c_str(), MNT_DETACH);
    ::rmdir(path.c_str());
  }

  DeadMount(const DeadMount&) = delete;
  DeadMount& operator=(const DeadMount&) = delete;

  const int device;
  std::string path;
  bool mounted = false;
};

}  // namespace

TEST_CASE("mount probe: a real file system that hangs") {
  const tests::Watchdog watchdog(60);
  MountProbe probe(milliseconds(300));
  {
    const DeadMount dead;
    if (!dead.mounted) {
      MESSAGE("skipped: no right to mount FUSE here");
      return;
    }
    const auto figures = probe.ask({dead.path, "/"});
    CHECK_FALSE(figures[0]);
    CHECK(figures[1]);
    CHECK(probe.hung() == std::vector<std::string>{dead.path});
  }
  const auto deadline = steady_clock::now() + milliseconds(20'000);
  while (!probe.hung().empty() && steady_clock::now() < deadline) {
    probe.ask({"/"});
  }
  CHECK(probe.hung().empty());
}

TEST_CASE("mount probe: the kernel's own figures") {
  MountProbe probe(milliseconds(20'000));
  const auto figures = probe.ask({"/", "/nonexistent", "/proc"});
  REQUIRE(figures.size() == 3);
  REQUIRE(figures[0]);
  CHECK(figures[0]->block_bytes > 0);
  CHECK(figures[0]->blocks > 0);
  CHECK(figures[0]->free <= figures[0]->blocks);
  CHECK(figures[0]->available <= figures[0]->free);
  CHECK_FALSE(figures[1]);
  CHECK(figures[2]);
}

TEST_CASE("mount probe: one that hangs costs nobody else an answer") {
  const Gate first;
  const Gate second;
  MountProbe probe(milliseconds(200), ask_hanging);
  const std::vector<std::string> mounts{
      "/a", first.path(), "/bb", second.path(), "/ccc", "/broken"};
  for (int round = 0; round < 3; ++round) {
    const auto began = steady_clock::now();
    const auto figures = probe.ask(mounts);
    INFO("round " << round);
    REQUIRE(figures[0]);
    CHECK(figures[0]->blocks == 2);
    CHECK_FALSE(figures[1]);
    REQUIRE(figures[2]);
    CHECK(figures[2]->blocks == 3);
    CHECK_FALSE(figures[3]);
    REQUIRE(figures[4]);
    CHECK(figures[4]->blocks == 4);
    CHECK_FALSE(figures[5]);
    CHECK(probe.hung() == std::vector<std::string>{first.path(), second.path()});
    CHECK(steady_clock::now() - began < milliseconds(10'000));
  }
}

TEST_CASE("mount probe: one that hung is asked again once it has answered") {
  const Gate gate;
  MountProbe probe(milliseconds(100), ask_hanging);
  CHECK_FALSE(probe.ask({gate.path(), "/a"})[0]);
  CHECK(probe.hung().size() == 1);
  gate.open();
  const auto deadline = steady_clock::now() + milliseconds(20'000);
  while (!probe.ask({gate.path(), "/a"})[0] && steady_clock::now() < deadline) {
  }
  CHECK(probe.hung().empty());
}

TEST_CASE("mount probe: no more than 16 threads wait with hung mounts") {
  const Gate gate;
  // Names of one descriptor, all different: "/hang/7", "/hang/07", "/hang/007" ...
  std::vector<std::string> mounts;
  for (std::size_t i = 0; i < 20; ++i) {
    mounts.push_back("/hang/" + std::string(i, '0') + std::to_string(gate.descriptor));
  }
  MountProbe probe(milliseconds(10), ask_hanging);
  probe.ask(mounts);
  CHECK(probe.hung().size() == 16);
  probe.ask(mounts);
  CHECK(probe.hung().size() == 16);
}

TEST_CASE("mount probe: it can go while a mount hangs") {
  const Gate gate;
  {
    MountProbe probe(milliseconds(10), ask_hanging);
    CHECK_FALSE(probe.ask({gate.path()})[0]);
  }
  gate.open();
}

}  // namespace steward::handlers::metrics::mount_probe_test
