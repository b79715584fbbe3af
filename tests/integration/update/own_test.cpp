#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::tests::own_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAgent = "exec " STEWARD_BIN_DIR "/steward-edge \"$@\"";

// A unit whose agent is of a package, which starts it anew when it is configured.
struct Packed {
  Packed() : fleet(UpdateFleet::start("", {"ship1"})) {
    if (!fleet) {
      return;
    }
    make("1.0", kAgent);
    REQUIRE(unit().apt("install web steward-edge") == 0);
    REQUIRE(unit().obey());
  }

  UpdateUnit& unit() const { return fleet->unit("ship1"); }

  void make(const std::string& version, const std::string& program) const {
    const auto told = (unit().folder() / "told").string();
    unit().repository("package main steward-edge " + version,
                      "PROGRAM='" + program + "' POSTINST='echo restart >>" + told + "; sleep 1'");
    unit().repository("package main web " + version, "POSTINST='sleep 0.5'");
    unit().publish();
  }

  // Applies what there is, and starts the agent anew as often as that is asked for.
  UpdateFleet::Course apply() {
    restarts = 0;
    const auto id = fleet->send("ship1", R"({"op":"apply"})");
    const bool ended = eventually(
        [&] {
          restarts += unit().obey() ? 1 : 0;
          return fleet->ends(id) > 0;
        },
        90s);
    REQUIRE_MESSAGE(ended, unit().log());
    REQUIRE(eventually([&] { return fleet->course(id).state != "running"; }));
    CHECK(fleet->ends(id) == 1);
    return fleet->course(id);
  }

  // Neither a watcher nor what it had kept.
  bool leaves_nothing() const {
    const auto own = unit().folder() / "state/osupdate/system/own";
    return eventually([&] { return std::filesystem::is_empty(own) && shims() == 0; });
  }

  // Whatever has become of their folders.
  std::size_t shims() const {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      const auto at = std::filesystem::read_symlink(entry.path() / "cwd", error).string();
      const bool is_ours = !error && at.starts_with(unit().folder().string());
      count += is_ours && text_of(entry.path() / "comm") == "steward-shim\n" ? 1 : 0;
    }
    return count;
  }

  std::string program() const { return text_of(unit().folder() / "root/opt/steward-edge/program"); }

  std::unique_ptr<UpdateFleet> fleet;
  int restarts = 0;
};

}  // namespace

TEST_CASE(
    "update: an agent that is upgraded in the run is followed by the new one, which ends it") {
  Packed packed;
  if (!packed.fleet) {
    return;
  }
  packed.make("2.0", std::string("true; ") + kAgent);
  const auto course = packed.apply();
  CHECK_MESSAGE(course.state == "done", course.message);
  CHECK(packed.restarts == 1);
  CHECK(packed.unit().version("steward-edge") == "2.0");
  CHECK(packed.unit().version("web") == "2.0");
  CHECK(packed.program().find("true;") != std::string::npos);
  CHECK(packed.leaves_nothing());
}

TEST_CASE("update: an agent that does not come up is put back, and the old one says so once") {
  Packed packed;
  if (!packed.fleet) {
    return;
  }
  packed.make("2.0", "exit 1");
  const auto began = std::chrono::steady_clock::now();
  const auto course = packed.apply();
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(course.state == "failed");
  CHECK(course.code == "exec_failed");
  CHECK_MESSAGE(
      course.message == "steward-edge 2.0 was not well within 5 s: the files of 1.0 were put back",
      course.message);
  CHECK(packed.restarts == 2);  // by the package, and by the watcher
  CHECK(took < 30s);
  CHECK(packed.program().find("exec") != std::string::npos);
  CHECK(packed.unit().version("web") == "2.0");
  CHECK(packed.unit().is_whole());
  CHECK(packed.leaves_nothing());
  // The next version is brought in as any other.
  packed.make("3.0", kAgent);
  const auto next = packed.apply();
  CHECK_MESSAGE(next.state == "done", next.message);
  CHECK(packed.unit().version("steward-edge") == "3.0");
  CHECK(packed.leaves_nothing());
}

}  // namespace steward::tests::own_test
