#include "tests/fault/support/load.hpp"
#include "tests/fault/support/namespaces.hpp"
#include "tests/fault/support/shim_file.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <errno.h>

#include <algorithm>

namespace steward::tests::disk_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kHealLimit{10};
constexpr std::size_t kMebibyte = 1024 * 1024;

// A command runs over the beginning of the trouble; more come in the midst of it; it ends; all is
// well within the limit.
class Trouble {
 public:
  explicit Trouble(Fleet& fleet) : eva(fleet.url()), load(fleet, eva), fleet_(fleet) {}

  void before() {
    load.give(10);
    REQUIRE_MESSAGE(load.finish(minutes(1)), load.stuck());
    // Their ends fall into the trouble.
    for (int i = 0; i < 2; ++i) {
      runs_.push_back(eva.give({Fleet::name_of(0) + ".command.shellcommand.operatingsystem",
                                R"({"argv":["sleep","2"],"queue":"parallel"})"}));
    }
    REQUIRE(fleet_.tend_until(
        [this] {
          eva.insist();
          const auto row = eva.unit(Fleet::name_of(0));
          return row && row->commands.open == 2 && eva.steps(runs_.back()).size() >= 2;
        },
        minutes(1)));
  }

  // Holds the trouble for so long.
  void during(seconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    CHECK(fleet_.tend_until(
        [this, until] {
          eva.insist();
          return std::chrono::steady_clock::now() > until;
        },
        minutes(2)));
  }

  // What was open ends in time, and new commands are done.
  void after() {
    const bool healed = fleet_.tend_until(
        [this] {
          return std::all_of(runs_.begin(), runs_.end(), [this](const auto& run) {
            const auto rows = eva.job(run);
            return rows.size() == 1 && rows[0].state == wire::CommandState::done;
          });
        },
        kHealLimit);
    CHECK(healed);
    // What met the trouble has an end, too: it has run, or was refused for it.
    const bool ended = fleet_.tend_until(
        [this] {
          eva.insist();
          return std::all_of(met_.begin(), met_.end(), [this](const auto& met) {
            const auto rows = eva.job(met);
            return rows.size() == 1 && wire::is_terminal(rows[0].state);
          });
        },
        minutes(1));
    CHECK(ended);
    load.give(10);
    CHECK_MESSAGE(load.finish(minutes(1)), load.stuck());
    const auto outcome = load.check(Load::Interrupted::none);
    CHECK(outcome.done == load.given());
  }

  // Commands that meet the trouble: each ends once it is over (or was refused for it), and none of
  // those refused has run.
  void meets(const std::string& code) {
    for (int i = 0; i < 5; ++i) {
      met_.push_back(eva.give(
          {Fleet::name_of(0) + ".command.shellcommand.operatingsystem", R"({"argv":["true"]})"}));
    }
    CHECK(fleet_.tend_until(
        [this, &code] {
          eva.insist();
          return text_of_history().find(code) != std::string::npos ||
                 fleet_.unit(0).log().find(code) != std::string::npos ||
                 fleet_.station().log().find(code) != std::string::npos;
        },
        minutes(1)));
  }

  Operator eva;
  Load load;

 private:
  std::string text_of_history() {
    std::string text;
    for (const auto& row : eva.ask("history", "{}").value_or(std::vector<std::string>())) {
      text += row;
    }
    return text;
  }

  Fleet& fleet_;
  std::vector<wire::MessageId> runs_;
  std::vector<wire::MessageId> met_;
};

// Every write to that file fails for some seconds.
void fail_writes_of(const std::string& file) {
  const TemporaryFolder place;
  ShimFile shim(place.path() / "orders");
  const auto fleet = Fleet::start({.environment = shim.environment()});
  if (!fleet) {
    return;
  }
  Trouble trouble(*fleet);
  trouble.before();
  shim.fail_writes(file, EIO);
  trouble.meets("io");
  trouble.during(seconds(4));
  shim.fail_writes("", 0);
  trouble.after();
}

}  // namespace

TEST_CASE("fault: a unit whose disk is full says no_space, loses nothing, and heals with space") {
  if (!SmallDisk::available()) {
    return;
  }
  const TemporaryFolder place;
  const SmallDisk disk(place.path() / "disk", 6 * kMebibyte);
  const auto fleet = Fleet::start({.unit_dir = disk.folder()});
  if (!fleet) {
    return;
  }
  Trouble trouble(*fleet);
  trouble.before();
  CHECK(disk.fill() > 0);
  trouble.meets("no_space");
  trouble.during(seconds(4));
  disk.free();
  trouble.after();
}

TEST_CASE(
    "fault: a station whose disk is full says no_space, loses nothing, and heals with space") {
  if (!SmallDisk::available()) {
    return;
  }
  const TemporaryFolder place;
  const SmallDisk disk(place.path() / "disk", 12 * kMebibyte);
  const auto fleet = Fleet::start({.station_dir = disk.folder()});
  if (!fleet) {
    return;
  }
  Trouble trouble(*fleet);
  trouble.before();
  CHECK(disk.fill() > 0);
  trouble.meets("no_space");
  trouble.during(seconds(4));
  disk.free();
  trouble.after();
}

TEST_CASE("fault: a unit whose disk answers with I/O errors loses nothing, and heals after them") {
  fail_writes_of("edge.db");
}

TEST_CASE("fault: a station whose disk answers with I/O errors loses nothing, and heals") {
  fail_writes_of("station.db");
}

}  // namespace steward::tests::disk_test
