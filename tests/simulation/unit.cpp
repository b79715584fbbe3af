#include "tests/simulation/unit.hpp"

#include "tests/simulation/unit_life.hpp"

namespace steward::simulation {

using std::chrono::milliseconds;

Unit::Unit(World& world, const std::string& name)
    : world_(world),
      name_(name),
      clock_(world.timeline, world.random),
      disk_([this] { return fate(); }) {}

Unit::~Unit() = default;

Disk::Fate Unit::fate() {
  if (world_.calm) {
    return Disk::Fate::good;
  }
  if (trouble_ != Disk::Fate::good && world_.timeline.now() < trouble_until_) {
    return trouble_;
  }
  if (world_.random.happens(world_.rules.crash_before)) {
    world_.judge.happened("unit crashed before a commit");
    return Disk::Fate::crash_before;
  }
  if (world_.random.happens(world_.rules.crash_after)) {
    world_.judge.happened("unit crashed after a commit");
    return Disk::Fate::crash_after;
  }
  return Disk::Fate::good;
}

void Unit::start() {
  away_ = false;
  if (life_) {
    return;
  }
  disk_.restart();
  ++lives_;
  life_ = std::make_unique<Life>(world_, name_, clock_, disk_, [this] {
    // Not from within what dies.
    world_.timeline.after(milliseconds(0), [this, number = lives_] {
      if (number == lives_ && life_) {
        crash(world_.random.between(milliseconds(100), milliseconds(20'000)));
      }
    });
  });
  life_->start();
}

void Unit::end(milliseconds away) {
  life_.reset();
  disk_.restart();
  away_ = true;
  world_.timeline.after(away, [this, number = lives_] {
    if (number == lives_ && away_) {
      start();
    }
  });
}

void Unit::crash(milliseconds away) {
  if (!life_) {
    return;
  }
  world_.judge.happened("unit crashed");
  life_->kill();
  end(away);
}

void Unit::stop(milliseconds away) {
  if (!life_ || life_->is_dying()) {
    return;
  }
  world_.judge.happened("unit stopped in order");
  life_->stop();
  if (life_) {
    end(away);
  }
}

void Unit::lose_disk(milliseconds away) {
  if (!life_) {
    return;
  }
  crash(away);
  world_.judge.happened("unit lost its disk");
  world_.judge.disk_lost(name_);
  disk_.wipe();
}

void Unit::break_disk(Disk::Fate how, milliseconds time) {
  world_.judge.happened(how == Disk::Fate::no_space ? "unit's disk was full"
                                                    : "unit's disk failed");
  trouble_ = how;
  trouble_until_ = world_.timeline.now() + time;
}

void Unit::step_clock(std::chrono::microseconds ahead) {
  world_.judge.happened("unit's clock stepped");
  clock_.step(ahead);
}

void Unit::calm() {
  clock_.step(std::chrono::microseconds(0));
  trouble_ = Disk::Fate::good;
  if (!life_) {
    start();
  }
}

std::size_t Unit::outbox_depth() const { return life_ ? life_->outbox_depth() : disk_.events(); }

}  // namespace steward::simulation
