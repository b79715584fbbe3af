#include "steward/broker.hpp"
#include "tests/integration/station/program.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/mount.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <regex>

namespace steward::tests::watchdog_test {
namespace {

namespace fs = std::filesystem;
using std::chrono_literals::operator""s;

bool installed() {
  if (station::find_nats_server(station::nats_server_folders(std::getenv("PATH")))) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("nats-server is not installed");
  }
  MESSAGE("SKIPPED: nats-server is not installed");
  return false;
}

// A small disk, gone with this object.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=48m,mode=700") == 0;
  }

  ~SmallDisk() {
    if (mounted_) {
      ::umount2(folder_.c_str(), MNT_DETACH);
    }
  }

  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }

  void fill() const {
    std::ofstream file(folder_ / "filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

  void make_room() const { fs::remove(folder_ / "filler"); }

 private:
  const fs::path folder_;
  bool mounted_ = false;
};

// A station that runs its own broker, in a folder.
struct Scene {
  explicit Scene(const TemporaryFolder& folder)
      : state(folder.path() / "state"),
        program(folder.path(), {"run", "--state-dir", state.string()}) {
    REQUIRE(eventually([this] { return !url().empty(); }, 60s));
    asker.emplace(url());
    REQUIRE(eventually([this] { return asker->acts(); }, 60s));
  }

  // As the program says it.
  std::string url() const {
    std::smatch found;
    const auto text = program.output();
    return std::regex_search(text, found, std::regex("works at (nats://[0-9.:]+)")) ? found[1].str()
                                                                                    : "";
  }

  // The process that has opened the store.
  pid_t broker() const {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 &&
          text_of(entry.path() / "cmdline").find(state.string() + "/broker") != std::string::npos) {
        return pid;
      }
    }
    return 0;
  }

  // Whether another process is the broker now, and the station acts over it.
  bool restarted(pid_t before) {
    return eventually(
        [&] {
          const auto now = broker();
          return now != 0 && now != before;
        },
        60s);
  }

  const fs::path state;
  Program program;
  std::optional<Asker> asker;
};

TEST_CASE("watchdog: a broker that a full disk has wedged is restarted, and all goes on") {
  if (!installed()) {
    return;
  }
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path() / "state/broker");
  if (!disk.mounted()) {
    MESSAGE("SKIPPED: a file system cannot be mounted here");
    return;
  }
  Scene scene(folder);
  SpokenUnit unit(scene.url(), "ship1");
  const auto id = unit.new_id();
  CHECK(unit.ack(id, wire::CommandState::accepted, 1));
  REQUIRE(eventually([&unit] { return unit.acknowledged() == 1; }));
  const auto before = scene.broker();
  REQUIRE(before != 0);
  disk.fill();
  const auto filled = std::chrono::steady_clock::now();
  // It answers pings all the time, and no write.
  REQUIRE(eventually(
      [&scene] { return scene.program.output().find("does not work") != std::string::npos; }, 90s));
  const auto noticed = std::chrono::steady_clock::now() - filled;
  MESSAGE("noticed after " << std::chrono::duration<double>(noticed).count() << " s");
  CHECK(noticed < 30s);
  disk.make_room();
  CHECK(scene.restarted(before));
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  CHECK(eventually(
      [&] {
        (void)unit.ack(id, wire::CommandState::done, 2);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return unit.acknowledged() == 2;
      },
      60s));
  CHECK(scene.asker->unit("ship1")->commands == wire::CommandCounts{0, 1, 0});
  scene.program.terminate();
  CHECK(scene.program.wait() == 0);
}

TEST_CASE("watchdog: a broker that is frozen is killed and started again") {
  if (!installed()) {
    return;
  }
  const TemporaryFolder folder;
  Scene scene(folder);
  // It has been up for long enough to be judged.
  std::this_thread::sleep_for(std::chrono::seconds(11));
  const auto before = scene.broker();
  REQUIRE(before != 0);
  REQUIRE(tests::send_signal(before, SIGSTOP));
  CHECK(scene.restarted(before));
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  CHECK(scene.program.output().find("does not work") != std::string::npos);
  scene.program.terminate();
  CHECK(scene.program.wait() == 0);
}

TEST_CASE("watchdog: streams of a managed broker are below its disk") {
  if (!installed()) {
    return;
  }
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path() / "state/broker");
  if (!disk.mounted()) {
    MESSAGE("SKIPPED: a file system cannot be mounted here");
    return;
  }
  Scene scene(folder);
  std::int64_t sum = 0;
  for (const std::string stream : {"COMMANDS", "STATE", "LOGS", "METRICS", "KV_steward"}) {
    std::mutex mutex;
    std::string answer;
    const auto inbox = scene.asker->bus().new_inbox();
    auto heard = scene.asker->bus().subscribe(inbox, [&](bus::Message&& message) {
      const std::lock_guard lock(mutex);
      answer = message.payload;
    });
    REQUIRE(heard);
    REQUIRE(scene.asker->bus().publish({"$JS.API.STREAM.INFO." + stream, {}, {}, inbox}));
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return !answer.empty();
    }));
    const std::lock_guard lock(mutex);
    const auto config = nlohmann::json::parse(answer)["config"];
    REQUIRE(config["max_bytes"].get<std::int64_t>() > 0);
    sum += config["max_bytes"].get<std::int64_t>();
  }
  CHECK(sum < std::int64_t{48} * 1024 * 1024 * 70 / 100);
  scene.program.terminate();
  CHECK(scene.program.wait() == 0);
}

}  // namespace
}  // namespace steward::tests::watchdog_test
