#include "tests/steward/rollout_scene.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace steward::station::rollouts_table_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using test::id;
using test::kRolloutJob;
using wire::RolloutState;
using Scene = test::RolloutScene;
using Op = wire::RolloutWord::Op;
using States = std::map<std::string, std::size_t>;

TEST_CASE("rollouts: handed over in parts it begins when it is whole, and the job says held") {
  Scene scene;
  scene.fleet = 5;
  scene.command(scene.plan(5));
  scene.command(scene.chunk(0, 3));
  scene.command(scene.chunk(0, 3));  // said again
  CHECK(scene.row().received == 3);
  CHECK(scene.job() == States{{"held", 3}});
  scene.rise();  // with half of it
  CHECK(scene.row().received == 3);
  scene.command(scene.chunk(3, 2));
  CHECK(scene.row().state == RolloutState::running);
  CHECK(scene.job() == States{{"held", 5}});
  CHECK(scene.published == 0);
  scene.command(scene.plan(5));
  scene.command(scene.chunk(0, 5));
  CHECK(scene.row().received == 5);
  CHECK(scene.fold->commands().counts("ship1") == wire::CommandCounts{1, 0, 0});
}

TEST_CASE(
    "rollouts: 200 units with 2 % bad ones halt at the threshold, whenever the station dies") {
  for (unsigned seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    Scene scene;
    scene.random.seed(seed);
    scene.bad = {30, 60, 90, 170};
    scene.begin(200);
    scene.deaths = seed == 0 ? 0 : 12;
    for (int i = 0; i < 400 && scene.row().state != RolloutState::halted; ++i) {
      scene.round();
    }
    scene.deaths = 0;
    for (int i = 0; i < 40; ++i) {
      scene.round();
    }
    // The third bad one is in the sixth group: the canary, and five times twenty.
    const auto row = scene.row();
    CHECK(row.state == RolloutState::halted);
    CHECK(row.reason == "3 of 101 have failed, at most 2 may");
    CHECK(row.counts == wire::RolloutCounts{.held = 99, .done = 98, .failed = 3});
    CHECK(scene.ran.size() == 101);
    CHECK(scene.job() == States{{"held", 99}, {"done", 98}, {"failed", 3}});
    if (seed == 0) {
      CHECK(scene.published == 101);
    }
    scene.command(wire::RolloutWord{Op::resume, id(kRolloutJob), 0, 3, {}});
    for (int i = 0; i < 60; ++i) {
      scene.round();
    }
    CHECK(scene.row().state == RolloutState::halted);
    CHECK(scene.row().counts == wire::RolloutCounts{.held = 19, .done = 177, .failed = 4});
  }
}

TEST_CASE("rollouts: a station with a new database finds by the stream how far it was") {
  Scene scene;
  scene.mute = {25};
  scene.begin(60);
  for (int i = 0; i < 20; ++i) {
    scene.round();
  }
  CHECK(scene.ran.size() == 41);
  scene.fold.reset();
  scene.store.reset();
  std::filesystem::remove_all(scene.folder.path());
  std::filesystem::create_directories(scene.folder.path());
  scene.rise();
  scene.follow();
  for (const auto number : scene.ran) {
    scene.ran.erase(number);
    scene.answer(number);
    break;
  }
  const auto before = scene.published;
  for (int i = 0; i < 20; ++i) {
    scene.round();
  }
  CHECK(scene.published == before);  // 25 is still at work
  CHECK(scene.row().counts.held == 19);
}

TEST_CASE("rollouts: deferred units are taken up when they come back, also after a restart") {
  Scene scene;
  scene.away = {5, 6};
  scene.begin(30);
  for (int i = 0; i < 20; ++i) {
    scene.round();
  }
  CHECK(scene.row().state == RolloutState::deferred);
  CHECK(scene.row().deferred == std::vector<std::string>{"ship5", "ship6"});
  CHECK(scene.job() == States{{"held", 2}, {"done", 28}});
  scene.rise();
  scene.away = {6};
  scene.hello(5);
  for (int i = 0; i < 20; ++i) {
    scene.round();
  }
  CAPTURE(wire::encode(scene.row()));
  CHECK(scene.row().deferred == std::vector<std::string>{"ship6"});
  // Its time passes at last.
  scene.time.after(std::chrono::hours(24 * 8));
  for (int i = 0; i < 3; ++i) {
    scene.round();
  }
  CHECK(scene.row().state == RolloutState::done);
  CHECK(scene.row().counts == wire::RolloutCounts{.done = 29, .withdrawn = 1});
  CHECK(scene.job() == States{{"expired", 1}, {"done", 29}});
}

TEST_CASE("rollouts: aborted, what was held is cancelled, and what is on its way goes on") {
  Scene scene;
  scene.mute = {0};
  scene.begin(10);
  for (int i = 0; i < 3; ++i) {
    scene.round();
  }
  scene.command(wire::RolloutWord{Op::abort, id(kRolloutJob), 0, 0, "wrong version"});
  CHECK(scene.row().reason == "by /operator/anna: wrong version");
  CHECK(scene.job() == States{{"sent", 1}, {"cancelled", 9}});
  scene.rise();
  scene.round();
  CHECK(scene.row().state == RolloutState::aborted);
  scene.mute = {};
  scene.ran = {};
  scene.answer(0);
  scene.round();
  CHECK(scene.row().counts == wire::RolloutCounts{.done = 1, .withdrawn = 9});
  CHECK(scene.job() == States{{"done", 1}, {"cancelled", 9}});
  // Nothing of its commands is kept.
  CHECK_FALSE(scene.store->find_rollout_command(id(kRolloutJob), 3).value());
  scene.rise();
  CHECK(scene.row().state == RolloutState::aborted);
}

TEST_CASE("rollouts: a cancel reaches what is held") {
  Scene scene;
  scene.mute = {0};
  scene.begin(3);
  scene.round();
  auto envelope =
      wire::make_envelope(id(1),
                          *wire::Source::parse("/operator/anna"),
                          *wire::Subject::parse("ship2.command.shellcommand.operatingsystem"),
                          scene.time.now().wall);
  scene.publish(
      scene.channel.seal(envelope, R"({"op":"cancel","ref":")" + id(10'002).str() + R"("})"));
  scene.follow();
  CHECK(scene.job() == States{{"sent", 1}, {"held", 1}, {"cancelled", 1}});
}

TEST_CASE("rollouts: what is not this rollout's is refused, and the history says why") {
  Scene scene;
  scene.command(scene.plan(3));
  const auto refused = [&scene](const wire::RolloutRequest& request, const std::string& who) {
    const auto before = scene.fold->batch().history.size();
    scene.command(request, who);
    return scene.fold->batch().history.size() > before ? scene.fold->batch().history.back().text
                                                       : std::string();
  };
  CHECK(refused(scene.chunk(0, 3), "mallory").find("to hand over") != std::string::npos);
  auto other = scene.chunk(0, 1);
  other.units[0].unit = "ship9";  // sealed for another one
  CHECK(refused(other, "anna").find("refused") != std::string::npos);
  auto beyond = scene.chunk(0, 1);
  beyond.first = 3;
  CHECK(refused(beyond, "anna").find("no place 3") != std::string::npos);
  CHECK(refused(wire::RolloutWord{Op::pause, id(99), 0, 0, {}}, "anna").find("no rollout") !=
        std::string::npos);
  CHECK(scene.row().received == 0);
}

TEST_CASE("rollouts: one that never comes whole is given up") {
  Scene scene;
  scene.command(scene.plan(3));
  scene.command(scene.chunk(0, 2));
  scene.time.after(minutes(61));
  scene.round();
  scene.round();
  CHECK(scene.row().state == RolloutState::aborted);
  CHECK(scene.job() == States{{"cancelled", 2}});
}

TEST_CASE(
    "rollouts: what the stream does not show is published again, in time and not more often") {
  Scene scene;
  scene.mute = {0};
  scene.begin(3);
  scene.follow();
  scene.fold->judge_rollouts(Fold::Acting::yes, scene.time.now());
  CHECK(scene.fold->due_releases(scene.time.now()).empty());  // not on disk yet
  scene.commit();
  CHECK(scene.fold->due_releases(scene.time.now()).size() == 1);
  CHECK(scene.fold->due_releases(scene.time.after(milliseconds(4'900))).empty());
  CHECK(scene.fold->due_releases(scene.time.after(milliseconds(200))).size() == 1);
  scene.rise();
  CHECK(scene.fold->due_releases(scene.time.now()).size() == 1);
  CHECK(scene.fold->rollouts().unseen_since());
}

TEST_CASE("rollouts: a station that does not act releases nothing") {
  Scene scene;
  scene.begin(3);
  scene.fold->judge_rollouts(Fold::Acting::no, scene.time.now());
  scene.commit();
  CHECK(scene.fold->due_releases(scene.time.now()).empty());
  CHECK(scene.row().counts.held == 3);
}

}  // namespace
}  // namespace steward::station::rollouts_table_test
