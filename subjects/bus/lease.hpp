#pragma once

#include "subjects/bus/jetstream.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace steward::bus {

// Who of several may act: one key of a JetStream KV bucket, which its holder writes again every 2 s
// under the condition that nobody else has. A holder that could not for 6 s holds it no more by its
// own clock; who waits takes it once the key has not moved for 8 s by theirs, so two never hold it
// at once and no clock is compared with another. A holder that was started again (same `holder`,
// another `session`) takes it back at once; one that ends in order gives it up.
//
// A state machine: time is passed in. One thread.
class Lease {
 public:
  using Steady = JetStream::Steady;

  static constexpr std::chrono::milliseconds kRenewal{2'000};
  static constexpr std::chrono::milliseconds kValid{6'000};
  static constexpr std::chrono::milliseconds kTakeover{8'000};

  struct Settings {
    std::string bucket;   // made at need
    std::string key;      // a token
    std::string holder;   // who we are, the same after a restart; no quote or control character
    std::string session;  // of this process
    int replicas = 1;
    // Bytes that each write carries for nothing: a disk that is full still takes some short ones,
    // in the page that it has begun.
    std::size_t padding = 0;
  };

  Lease(JetStream& jetstream, Settings settings);

  // The link to the broker has come up or is lost.
  void link(bool up, Steady now);

  void tick(Steady now);

  bool held(Steady now) const { return renewed_ && now - *renewed_ < kValid; }

  // Gives it up, if it is held: the next one need not wait.
  void release(Steady now);

  // Since when writing it has failed without a success between; for whoever minds the broker.
  std::optional<Steady> failing_since() const { return failing_since_; }

  // What the last failure was.
  const std::string& trouble() const { return trouble_; }

  // The `holder` that was seen last.
  const std::string& seen_holder() const { return seen_holder_; }

  std::optional<Steady> next_deadline() const;

 private:
  void read(Steady now);
  void take_read(const Result<std::optional<StoredMessage>>& found, Steady asked);
  void watch(std::uint64_t revision, Steady now);
  void write(Steady now);
  void take_written(const Result<std::uint64_t>& written, Steady asked);
  void make_bucket(Steady now);
  void failed(const Error& error, Steady asked);
  std::string text(std::string_view holder) const;

  JetStream& jetstream_;
  const Settings settings_;
  const std::string subject_;
  bool up_ = false;
  bool asking_ = false;
  bool ours_ = false;            // the last write that we know of is ours
  bool was_read_ = false;        // in this process's life
  std::uint64_t revision_ = 0;   // the key's last known; 0: it is not there
  std::optional<Steady> moved_;  // when another's revision was seen first
  std::optional<Steady> renewed_;
  std::optional<Steady> failing_since_;
  std::string trouble_;
  std::string seen_holder_;
  Steady next_{};  // when something is to be done
};

}  // namespace steward::bus
