#include "steward/streams.hpp"

#include "subjects/wire/methods.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using bus::StreamConfig;
using std::chrono::milliseconds;

constexpr milliseconds kFirstTryBackoff{500};
constexpr milliseconds kLongestTryBackoff{10'000};
constexpr milliseconds kLookAgain{30'000};

// Of 100 parts of the space there is; the rest is for the lease's bucket and the store's own files.
struct Share {
  std::uint64_t part;
  std::int64_t most;           // more is of no use
  std::int64_t without_space;  // where the space is not known
};

constexpr std::int64_t kMebi = 1024 * 1024;
constexpr std::int64_t kGibi = 1024 * kMebi;
constexpr Share kCommandsShare{20, 8 * kGibi, 1 * kGibi};
constexpr Share kStateShare{30, 16 * kGibi, 2 * kGibi};
constexpr Share kLogsShare{25, 32 * kGibi, 2 * kGibi};
constexpr Share kMetricsShare{15, 16 * kGibi, 1 * kGibi};
constexpr std::uint64_t kBucketBytes = 1024 * 1024;  // of the lease

// A stream that is so full is about to refuse commands.
constexpr std::uint64_t kNearlyFull = 90;  // per cent

// Down to one of eight steps in each power of two, so that a disk whose free space breathes does
// not change the streams at each start.
std::int64_t rounded(std::int64_t bytes) {
  std::int64_t step = 1;
  while (bytes / step >= 16) {
    step *= 2;
  }
  return bytes / step * step;
}

std::int64_t share_of(std::int64_t configured, const Share& share, std::uint64_t space) {
  if (configured > 0) {
    return configured;
  }
  if (space == 0) {
    return share.without_space;
  }
  const std::uint64_t usable = space > 2 * kBucketBytes ? space - kBucketBytes : space / 2;
  return rounded(std::min(static_cast<std::int64_t>(usable / 100 * share.part), share.most));
}

template <class Methods>
void add_subjects(StreamConfig& config, std::string_view kind, const Methods& methods) {
  for (const auto& method : methods) {
    auto subject = "*." + std::string(kind) + "." + std::string(method) + ".*";
    if (std::find(config.subjects.begin(), config.subjects.end(), subject) ==
        config.subjects.end()) {
      config.subjects.push_back(std::move(subject));
    }
  }
}

StreamConfig stream(std::string_view name, std::int64_t bytes, const StreamSettings& settings) {
  StreamConfig config;
  config.name = name;
  config.max_bytes = bytes;
  config.max_age = settings.age;
  config.replicas = settings.replicas;
  return config;
}

// Fields that the broker fills in or that are not ours do not count.
bool same(const StreamConfig& wanted, const StreamConfig& found) { return wanted == found; }

}  // namespace

std::vector<StreamConfig> wanted_streams(const StreamSettings& settings) {
  auto commands = stream(
      kCommands, share_of(settings.commands_bytes, kCommandsShare, settings.space), settings);
  // A command that is silently pushed out by later ones would be lost.
  commands.discard = StreamConfig::Discard::newest;
  add_subjects(commands, "command", wire::kRecordedCommands);
  add_subjects(commands, "command", wire::kStationCommands);
  add_subjects(commands, "command", settings.commands);

  auto state =
      stream(kState, share_of(settings.state_bytes, kStateShare, settings.space), settings);
  // An event that a unit sends again must come through: its acknowledgement was lost.
  state.duplicate_window = milliseconds(100);
  add_subjects(state, "event", wire::kRecordedEvents);
  add_subjects(state, "event", settings.events);

  auto logs = stream(kLogs, share_of(settings.logs_bytes, kLogsShare, settings.space), settings);
  add_subjects(logs, "event", std::initializer_list<std::string_view>{"syslogforwarding"});

  auto metrics =
      stream(kMetrics, share_of(settings.metrics_bytes, kMetricsShare, settings.space), settings);
  metrics.duplicate_window = milliseconds(100);
  add_subjects(metrics, "event", std::initializer_list<std::string_view>{"metrics"});
  return {std::move(commands), std::move(state), std::move(logs), std::move(metrics)};
}

StreamKeeper::StreamKeeper(bus::JetStream& jetstream,
                           std::vector<StreamConfig> wanted,
                           Callbacks callbacks)
    : jetstream_(jetstream), callbacks_(std::move(callbacks)) {
  for (auto& config : wanted) {
    streams_.push_back(Kept{std::move(config), false, {}, kFirstTryBackoff});
  }
}

void StreamKeeper::link(bool up, Steady now) {
  up_ = up;
  for (auto& kept : streams_) {
    kept.next = now;
    kept.backoff = kFirstTryBackoff;
  }
}

void StreamKeeper::missing(const std::string& stream, Steady now) {
  for (auto& kept : streams_) {
    if (kept.wanted.name == stream) {
      kept.next = now;
    }
  }
}

void StreamKeeper::tick(Steady now) {
  for (auto& kept : streams_) {
    if (up_ && !kept.asking && now >= kept.next) {
      look(kept, now);
    }
  }
}

std::optional<StreamKeeper::Steady> StreamKeeper::next_deadline() const {
  std::optional<Steady> next;
  for (const auto& kept : streams_) {
    if (up_ && !kept.asking) {
      next = next ? std::min(*next, kept.next) : kept.next;
    }
  }
  return next;
}

void StreamKeeper::look(Kept& kept, Steady now) {
  kept.asking = true;
  jetstream_.info(kept.wanted.name, now, [this, &kept](const auto& info) {
    kept.asking = false;
    if (info) {
      found(kept, *info);
    } else if (info.error().code == ErrorCode::not_found) {
      make(kept);
    } else {
      failed(kept, "look for", info.error());
    }
  });
}

void StreamKeeper::found(Kept& kept, const bus::StreamInfo& info) {
  callbacks_.ready(kept.wanted.name);
  const auto room = static_cast<std::uint64_t>(std::max<std::int64_t>(0, info.config.max_bytes));
  if (kept.wanted.discard == StreamConfig::Discard::newest && room > 0 &&
      info.bytes >= room / 100 * kNearlyFull) {
    callbacks_.complain("the stream " + kept.wanted.name + " is " +
                        std::to_string(info.bytes * 100 / room) +
                        " % full: when it is full commands are not kept any more");
  }
  if (same(kept.wanted, info.config)) {
    settled(kept);
  } else {
    change(kept);
  }
}

void StreamKeeper::make(Kept& kept) {
  kept.asking = true;
  jetstream_.create(kept.wanted, jetstream_.now(), [this, &kept](const auto& made) {
    kept.asking = false;
    if (!made) {
      failed(kept, "make", made.error());
      return;
    }
    callbacks_.said("the stream " + kept.wanted.name + " was made");
    callbacks_.ready(kept.wanted.name);
    settled(kept);
  });
}

void StreamKeeper::change(Kept& kept) {
  kept.asking = true;
  jetstream_.update(kept.wanted, jetstream_.now(), [this, &kept](const auto& changed) {
    kept.asking = false;
    if (!changed) {
      failed(kept, "bring in line", changed.error());
      return;
    }
    callbacks_.said("the settings of the stream " + kept.wanted.name + " were brought in line");
    settled(kept);
  });
}

void StreamKeeper::settled(Kept& kept) {
  kept.backoff = kFirstTryBackoff;
  kept.next = jetstream_.now() + kLookAgain;
}

void StreamKeeper::failed(Kept& kept, std::string_view doing, const Error& error) {
  if (up_) {
    callbacks_.complain("cannot " + std::string(doing) + " the stream " + kept.wanted.name + ": " +
                        error.text());
  }
  kept.next = jetstream_.now() + kept.backoff;
  kept.backoff = std::min(kept.backoff * 2, kLongestTryBackoff);
}

}  // namespace steward::station
