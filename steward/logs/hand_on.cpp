#include "steward/logs/hand_on.hpp"

#include "steward/files.hpp"
#include "steward/logs/file_outlet.hpp"
#include "steward/logs/syslog_outlet.hpp"
#include "steward/streams.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstBackoff{250};
constexpr milliseconds kLongestBackoff{10'000};
constexpr milliseconds kLongestWait{1'000};
constexpr std::chrono::seconds kStopTime{3};
constexpr std::size_t kMostLanes = 20'000;  // in memory
constexpr std::chrono::hours kLaneAge{24 * 40};
constexpr std::chrono::hours kTending{1};

std::string place_of(const HandOnSettings& settings) {
  if (settings.server) {
    return (settings.server->tls ? "tls:" : "tcp:") + settings.server->address();
  }
  return settings.folder->folder.string();
}

}  // namespace

HandOn::HandOn(HandOnSettings settings, const Surroundings& surroundings)
    : settings_(std::move(settings)),
      bus_(surroundings.bus),
      clock_(surroundings.clock),
      log_(surroundings.log),
      station_(surroundings.station),
      folder_(surroundings.folder),
      complaint_(clock_, log_),
      backoff_(kFirstBackoff) {
  now_.name = settings_.name;
  now_.to = place_of(settings_);
  told_ = now_;
}

HandOn::~HandOn() { stop(); }

Result<void> HandOn::start() {
  wake_ = runtime::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) {
    return tl::unexpected<Error>(system_error(errno, "make an eventfd"));
  }
  if (auto made = make_private_folder(folder_); !made) {
    return made;
  }
  STEWARD_TRY(store_, HandOnStore::open(folder_ / (settings_.name + ".db"), clock_.now()));
  if (settings_.server) {
    outlet_ = std::make_unique<SyslogOutlet>(*settings_.server);
  } else {
    outlet_ = std::make_unique<FileOutlet>(*settings_.folder, *store_);
  }
  session_ = clock_.new_id().str();
  thread_ = std::thread([this] { run(); });
  return {};
}

void HandOn::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void HandOn::begin_stop() {
  stopping_ = true;
  wake();
}

void HandOn::stop() {
  if (thread_.joinable()) {
    begin_stop();
    thread_.join();
  }
}

HandOnFigures HandOn::figures() const {
  const bus::Lock lock(mutex_);
  return told_;
}

void HandOn::run() {
  std::optional<Steady> until;
  for (;;) {
    const auto now = clock_.steady();
    if (stopping_ && !until) {
      until = now + kStopTime;
    }
    turn(now);
    if (until && (now >= *until || (given_.empty() && group_.upto.seq == 0) || now < next_try_)) {
      break;
    }
    wait(clock_.steady());
  }
  reading_.reset();
}

void HandOn::turn(Steady now) {
  if (now < next_try_) {
    return;
  }
  if (auto worked = work(now); !worked) {
    failed(worked.error(), now);
  }
  tell(now);
}

Result<void> HandOn::work(Steady now) {
  if (!reading_ && !stopping_) {
    if (auto begun = begin_reading(); !begun) {
      return begun;
    }
  }
  if (auto stepped = outlet_->step(now); !stepped) {
    return stepped;
  }
  drain(now);
  if (auto filled = fill(now); !filled) {
    return filled;
  }
  if (auto settled = settle(now); !settled) {
    return settled;
  }
  return tend(now);
}

Result<void> HandOn::begin_reading() {
  STEWARD_TRY(read_, store_->position());
  STEWARD_TRY(const auto started, store_->started());
  STEWARD_TRY(const auto holes, store_->lanes_with_holes());
  for (const auto& key : holes) {
    if (auto found = lane(key, clock_.steady()); !found) {
      return tl::unexpected<Error>(std::move(found).error());
    }
  }
  auto reading = std::make_unique<Reading>([this] { wake(); });
  // The whole stream: a hole in its numbers is then a loss, and is seen.
  reading->reader = std::make_unique<bus::StreamReader>(
      bus_,
      bus::Follower::Settings{
          std::string(kLogs),
          station_ + "-" + settings_.name + "-" + session_ + "-" + std::to_string(++readings_),
          {},
          settings_.from_end ? std::optional(started) : std::nullopt},
      read_,
      [inbox = &reading->inbox](bus::Message&& message) { inbox->push(std::move(message)); },
      [this](const std::string& text) { complaint_.say(text); });
  now_.position = read_.seq;
  reading_ = std::move(reading);
  return reading_->reader->open();
}

Result<void> HandOn::give_group(Steady now) {
  auto group = std::exchange(group_, {});
  if (auto taken = outlet_->take(group, now); !taken) {
    return taken;
  }
  group.items.clear();
  group.items.shrink_to_fit();
  given_.push_back(std::move(group));
  return {};
}

// One write for all that are settled: the last one's word on each lane and file counts.
Result<void> HandOn::settle(Steady now) {
  const auto count = std::min(outlet_->settled(now), given_.size());
  if (count == 0) {
    return {};
  }
  LogGroup all = std::move(given_.front());
  given_.pop_front();
  for (std::size_t more = 1; more < count; ++more) {
    auto& next = given_.front();
    all.upto = next.upto;
    all.lines += next.lines;
    all.repeats += next.repeats;
    for (auto& [key, course] : next.lanes) {
      all.lanes.insert_or_assign(key, std::move(course));
    }
    for (const auto& [key, place] : next.files) {
      all.files.insert_or_assign(key, place);
    }
    given_.pop_front();
  }
  if (auto committed = store_->commit(all, clock_.now()); !committed) {
    return committed;
  }
  now_.lines += all.lines;
  now_.repeats += all.repeats;
  now_.position = all.upto.seq;
  now_.error.clear();
  backoff_ = kFirstBackoff;
  return outlet_->committed();
}

Result<void> HandOn::tend(Steady now) {
  if (lanes_.size() > kMostLanes && given_.empty() && group_.upto.seq == 0) {
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      at = at->second.holes_since ? std::next(at) : lanes_.erase(at);
    }
  }
  if (now < next_tending_) {
    return {};
  }
  next_tending_ = now + kTending;
  return store_->forget_lanes(clock_.now() - kLaneAge);
}

// From the cursor on, as after a kill.
void HandOn::rewind() {
  reading_.reset();
  lanes_.clear();
  group_ = {};
  given_.clear();
}

void HandOn::failed(const Error& error, Steady now) {
  ++now_.errors;
  now_.error = error.text();
  complaint_.say("logs." + settings_.name + ": " + error.text());
  rewind();
  next_try_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

void HandOn::tell(Steady now) {
  std::optional<wire::Timestamp> oldest;
  if (!given_.empty()) {
    oldest = given_.front().oldest;
  } else if (group_.upto.seq != 0) {
    oldest = group_.oldest;
  } else if (reading_ && !reading_->entries.empty() &&
             reading_->entries.front().taken.kind == bus::Follower::Taken::Kind::message) {
    oldest = reading_->entries.front().taken.position.time;
  }
  now_.lag = oldest ? std::max(milliseconds(0),
                               std::chrono::duration_cast<milliseconds>(clock_.now() - *oldest))
                    : milliseconds(0);
  now_.up = now >= next_try_ && outlet_->wants() && bus_.status().state == bus::LinkState::up;
  const bus::Lock lock(mutex_);
  told_ = now_;
}

void HandOn::wait(Steady now) {
  auto until = std::min<std::chrono::steady_clock::duration>(kLongestWait, outlet_->patience(now));
  if (now < next_try_) {
    until = std::min<std::chrono::steady_clock::duration>(until, next_try_ - now);
  } else {
    if (group_.upto.seq != 0) {
      until = std::min<std::chrono::steady_clock::duration>(until, group_since_ + kGroupTime - now);
    }
    if (reading_) {
      if (const auto next = reading_->reader->next_deadline()) {
        until = std::min(until, *next - now);
      }
    }
  }
  const auto watch = now < next_try_ ? Outlet::Watch{} : outlet_->watch();
  std::array<pollfd, 2> fds{
      pollfd{wake_.get(), POLLIN, 0},
      pollfd{watch.fd, static_cast<short>(POLLIN | (watch.write ? POLLOUT : 0)), 0}};
  const auto ms = std::chrono::ceil<milliseconds>(until).count();
  ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(ms, 0)));
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
}

}  // namespace steward::station
