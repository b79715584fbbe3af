#pragma once

#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/feed.hpp"
#include "handlers/syslogforwarding/rate_limit.hpp"
#include "handlers/syslogforwarding/settings.hpp"
#include "handlers/syslogforwarding/store.hpp"
#include "subjects/wire/compression.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// The way of a line from its source to the broker: filter, route, rate, batch, and, for sources
// that cannot be read again, the spool. What can be read again is so from the first line that the
// broker has not acknowledged. On the handler's thread.
class Forwarder {
 public:
  struct Counts {
    std::uint64_t lines = 0;  // taken in
    std::uint64_t filtered = 0;
    std::uint64_t suppressed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t forwarded = 0;  // acknowledged by the broker
    std::uint64_t batches = 0;
    std::uint64_t bytes = 0;     // of these, as they went out
    std::uint64_t repeated = 0;  // batches that were said again
  };

  // `room_again`: sources that have waited may go on.
  Forwarder(runtime::Context& context,
            const Settings& settings,
            Store& store,
            std::function<void()> room_again);

  // A source that is heard from now on; its lines are numbered anew.
  std::shared_ptr<Feed> open(std::string source, Feed::Kind kind);

  // One that an earlier run has left.
  void resume(const std::shared_ptr<Feed>& feed);

  // A line, or an entry of several. `record`'s number is filled in.
  void take(const std::shared_ptr<Feed>& feed, wire::LogRecord& record, std::uint64_t lines = 1);

  // Lines of this source are missing from here on, for that reason.
  void gap(const std::shared_ptr<Feed>& feed, std::string why, std::uint64_t lines = 0);

  // All of it was read: it is forgotten once the broker has it.
  void end(const std::shared_ptr<Feed>& feed);

  // Whether there is room for lines of a source that can wait; where not, it is told when there is.
  bool room();

  // Packs what there is: for sources that cannot be read again, it is on disk then.
  void flush();

  void link_up();

  // What the broker has is on disk.
  void save();

  bool idle() const { return waiting_.empty() && underway_ == 0; }

  const Counts& counts() const { return counts_; }

  // How old the oldest line is that the broker does not have.
  std::chrono::microseconds lag() const;

 private:
  std::string_view domain_of(const Feed& feed, const wire::LogRecord& record) const;
  OpenBatch& open_batch(const std::shared_ptr<Feed>& feed, Lane& lane);
  void pack(const std::shared_ptr<Feed>& feed, const std::string& domain, Lane& lane);
  void spool(const std::shared_ptr<Parcel>& parcel);
  void keep_bound();
  void pump();
  std::shared_ptr<Parcel> next_parcel();
  void send(const std::shared_ptr<Parcel>& parcel);
  void came_back(const std::shared_ptr<Parcel>& parcel, const Result<void>& kept);
  void settle(const std::shared_ptr<Parcel>& parcel);
  void settle_feed(Feed& feed);
  void forget_if_ended(const std::shared_ptr<Feed>& feed);
  void give_up(Parcel& parcel, const Error& error);

  runtime::Context& context_;
  const Settings& settings_;
  Store& store_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what comes back late
  runtime::Complaint complaint_;
  wire::Compressor compressor_;
  std::string spare_;  // room for the text of the next batch
  RateLimit rate_;
  std::vector<std::shared_ptr<Feed>> feeds_;
  std::deque<std::shared_ptr<Parcel>> again_;    // the broker has not taken them, or not said so
  std::deque<std::shared_ptr<Parcel>> waiting_;  // of sources that can be read again
  std::size_t underway_ = 0;
  std::int64_t spool_at_ = 0;  // the row that was taken out last
  bool spool_turn_ = false;
  bool waited_for_ = false;  // a source has found no room
  bool held_ = false;        // the broker took nothing lately
  std::chrono::milliseconds pause_{0};
  Counts counts_;
  runtime::Timer flush_;
  runtime::Timer retry_;
  runtime::Timer save_;
  runtime::Timer room_again_;
};

}  // namespace steward::handlers::syslogforwarding
