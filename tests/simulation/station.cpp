#include "tests/simulation/station.hpp"

#include "tests/simulation/station_life.hpp"

#include <utility>

namespace steward::simulation {

using std::chrono::milliseconds;

Station::Station(World& world) : world_(world), clock_(world.timeline, world.random) {}

Station::~Station() = default;

std::filesystem::path Station::file() const { return world_.folder / "station.db"; }

void Station::start() {
  away_ = false;
  if (life_) {
    return;
  }
  ++lives_;
  life_ = std::make_unique<Life>(world_, clock_, file(), disk_fails_until_);
  life_->start();
}

void Station::crash(milliseconds away) {
  if (!life_) {
    return;
  }
  world_.judge.happened("station crashed");
  life_.reset();
  away_ = true;
  world_.timeline.after(away, [this, number = lives_] {
    if (number == lives_ && away_) {
      start();
    }
  });
}

void Station::lose_database(milliseconds away) {
  if (!life_) {
    return;
  }
  crash(away);
  world_.judge.happened("station's database was deleted");
  world_.judge.station_lost();
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::remove(file().string() + end);
  }
}

void Station::break_disk(milliseconds time) {
  world_.judge.happened("station's disk failed");
  disk_fails_until_ = world_.timeline.now() + time;
}

void Station::step_clock(std::chrono::microseconds ahead) {
  world_.judge.happened("station's clock stepped");
  clock_.step(ahead);
}

void Station::calm() {
  clock_.step(std::chrono::microseconds(0));
  disk_fails_until_ = {};
  if (!life_) {
    start();
  }
}

std::map<std::string, Station::OnUnit> Station::command(const wire::MessageId& id) {
  return life_ ? life_->command(id) : std::map<std::string, OnUnit>();
}

std::size_t Station::undelivered() const { return life_ ? life_->undelivered() : 1; }

}  // namespace steward::simulation
