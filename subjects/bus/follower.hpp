#pragma once

#include "subjects/bus/jetstream.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::bus {

// Follows a stream from a position on: each message once, in order, for ever. It lets the broker
// push (an ephemeral consumer without acknowledgements, with heartbeats and flow control), and when
// a message is missing, or nothing comes, makes a new consumer behind the last message. Before each
// it makes sure that the stream still holds that very message; where it does not, the store was
// lost or rolled back, and it follows from the first one again.
//
// A state machine: its owner gives it what comes to its sink and the time. One thread.
class Follower {
 public:
  using Steady = JetStream::Steady;

  static constexpr std::chrono::milliseconds kHeartbeat{2'000};
  static constexpr std::chrono::milliseconds kSilence{7'000};
  static constexpr std::chrono::milliseconds kFirstRetry{250};
  static constexpr std::chrono::milliseconds kLongestRetry{5'000};

  struct Settings {
    std::string stream;
    std::string tag;                            // of this process's consumers: a token
    std::string subject = {};                   // only messages on it; empty: all
    std::optional<wire::Timestamp> since = {};  // where nothing was read yet: from then on
  };

  struct Callbacks {
    Bus::Sink sink;  // called on the bus's threads, with what take() is to be given
    // The stream is not there.
    std::function<void()> missing;
    // Something that people should know: messages that are gone, a store that is another one.
    std::function<void(std::string)> said;
  };

  // `last`: of an earlier run.
  Follower(Bus& bus, JetStream& jetstream, Settings settings, StreamPosition last, Callbacks call);

  // The link to the broker has come up or is lost.
  void link(bool up, Steady now);

  // Tries at once: what was missing may be there.
  void nudge(Steady now);

  void tick(Steady now);

  struct Taken {
    enum class Kind {
      nothing,  // of no concern
      message,  // the stream's next one
      pause,    // the broker waits: to be given to resume() when all before it is done with
    };

    Kind kind = Kind::nothing;
    StreamPosition position;  // of a message
    bool fresh = false;       // a message that came when all that there was had come
    std::string resume;
  };

  Taken take(const Message& message, Steady now);

  // Lets the broker go on that waited.
  void resume(const std::string& pause);

  // All that the stream held when it was last connected to has come.
  bool caught_up() const { return step_ == Step::following && left_ == 0; }

  const std::string& stream() const { return settings_.stream; }

  // Of the last message that was given out.
  const StreamPosition& last() const { return last_; }

  // How often a consumer was made.
  std::uint64_t connects() const { return connects_; }

  std::optional<Steady> next_deadline() const;

 private:
  enum class Step { away, waiting, asking, following };

  void attach(Steady now);
  void check(const StreamInfo& info, std::uint64_t round);
  void check_last(const Result<std::optional<StoredMessage>>& found, std::uint64_t round);
  void restart_from_first(std::string_view why);
  void connect(std::uint64_t round);
  void let_go();
  void retry(Steady now);
  void again(Steady now, std::string_view why);
  Taken take_status(const Message& message, Steady now);

  Bus& bus_;
  JetStream& jetstream_;
  const Settings settings_;
  const Callbacks call_;
  StreamPosition last_;
  Step step_ = Step::away;
  std::uint64_t round_ = 0;  // of attaching: an answer for an earlier one is no news
  std::uint64_t connects_ = 0;
  std::string consumer_;
  std::string inbox_;
  std::unique_ptr<Subscription> hearing_;
  std::uint64_t delivered_ = 0;           // by this consumer
  std::optional<std::uint64_t> backlog_;  // messages there were when it was made, once known
  std::uint64_t left_ = 1;                // of these; more than none while not known
  Steady heard_{};
  Steady next_{};
  std::chrono::milliseconds backoff_{kFirstRetry};
};

}  // namespace steward::bus
