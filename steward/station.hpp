#pragma once

#include "handlers/runtime/audit.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "steward/courier.hpp"
#include "steward/enrollments.hpp"
#include "steward/fold.hpp"
#include "steward/following.hpp"
#include "steward/inbox.hpp"
#include "steward/logs/hand_on.hpp"
#include "steward/metrics/fleet_view.hpp"
#include "steward/metrics/metrics_table.hpp"
#include "steward/policy_rounds.hpp"
#include "steward/queries.hpp"
#include "steward/selection.hpp"
#include "steward/store.hpp"
#include "steward/unit_logins.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/channel.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::station {

// The station at work: follows the streams of commands and of events, hears hellos, folds all that
// on one thread of its own, commits in groups, and only then acknowledges; answers queries; asks
// for what is missing. Of several stations of one name on one broker the holder of the lease acts,
// the others follow.
class Station {
 public:
  struct Settings {
    wire::NodeName name;
    wire::Completeness completeness = wire::Completeness::filled_in;
    std::string holder;  // who of several stations of this name we are, the same after a restart
    StreamSettings streams = {};
    std::optional<Enrollments::Settings> enrollments = std::nullopt;  // units may ask to be let in
    std::optional<UnitLogins::Settings> logins = std::nullopt;        // those of units are renewed
    RebootLeases::Settings reboots = {};
  };

  // All of these outlive the station.
  struct Surroundings {
    bus::Bus& bus;
    Store& store;
    runtime::Clock& clock;
    runtime::Logger log;
    // Nothing could be written to JetStream for 15 s, and why; again and again, at longer and
    // longer intervals, while that is so. Called on the station's thread; may be none.
    std::function<void(const std::string& why)> broker_is_stuck = nullptr;
    const bus::Guard* guard = nullptr;  // null: messages are not signed
    runtime::Audit* audit = nullptr;
    // How the hand-ons of the stream LOGS are; called on the station's thread; may be none.
    std::function<std::vector<HandOnFigures>()> hand_ons = nullptr;
  };

  Station(Settings settings, const Surroundings& surroundings);

  // Stops it.
  ~Station();
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  // Reads what an earlier run has left, begins to hear and starts the thread. Errors: as Store's,
  // bad_subject.
  [[nodiscard]] Result<void> start();

  // Any thread: the link to the broker has changed.
  void link_changed(const bus::LinkStatus& status);

  // Any thread but the station's: what it knows; none where it does not say so in time.
  std::optional<FleetView> view(FleetScope scope, std::chrono::milliseconds patience);

  // What units measure. Any thread.
  const MetricsTable& metrics() const { return metrics_; }

  // Hears no more, commits what came, ends the thread. Owner's thread.
  void stop();

 private:
  // A group of messages is committed together: so many, or those of a short time.
  static constexpr std::size_t kGroupMessages = 512;

  struct Totals {
    std::uint64_t commits = 0;
    std::uint64_t failed_commits = 0;
  };

  Moment now() const;
  Result<void> subscribe();
  void follow(const std::map<std::string, bus::StreamPosition>& positions);
  void run();

  // All below: the fold's thread.
  void drain();
  void drain_followed();
  void drain_queries();
  void fold_soon();
  void fold_some();
  void fold_followed();
  void commit();
  void tell_audit(const Batch& batch);
  void commit_failed(const Error& error);
  void acknowledge(const std::vector<ReceivedRecord>& received);
  void tick();
  void schedule_tick();
  void ask_for_missing();
  void ask_for_hellos();
  void give_policy(const std::vector<Recall::Hello>& hellos);
  void ask_for_schemas();
  void ask_for_facts();
  void ask(const std::vector<std::string>& units,
           const std::string& method,
           const std::string& payload);
  void keep_metrics();
  void tend();
  void link_is(const bus::LinkStatus& status);

  // Whether this station may act towards units: acknowledge, send commands again, ask for what is
  // missing. Only then is anything sent to a unit.
  bool acting() const { return acting_ && following_->holds_lease(clock_.steady()); }

  void judge_leases();
  void give_leases();
  void judge_rollouts();
  void go_on_with_rollouts();
  void publish_released();
  void judge_acting();
  void judge_answering();
  void judge_broker();
  void began_acting();
  void ceased_acting();
  Result<void> open_enrollment();
  Result<void> hear_enrollment();
  void drain_enrollment();
  Result<void> enroll(bus::Message&& message);
  Result<void> take_request(const bus::Opened& opened);
  Result<void> renew_login(const bus::Opened& opened);
  Result<void> let_in(const bus::Opened& opened);
  Result<void> turn_away(const bus::Opened& opened);
  void tell_enrolling(const std::string& unit, const Enrollments::Answer& told);
  void answer(bus::Message&& message);
  void send_chunk(const std::string& inbox, std::string chunk);
  void send(const std::string& subject,
            std::string payload,
            std::string content_type = "application/json");
  std::string station_row() const;
  std::string policy_row() const;
  FleetView look(const FleetScope& scope) const;
  std::vector<FleetView::Figure> figures() const;
  std::optional<TrackedCommand> find_command(const wire::MessageId& id);
  std::optional<wire::Facts> find_facts(const std::string& unit);

  const Settings settings_;
  bus::Bus& bus_;
  Store& store_;
  runtime::Clock& clock_;
  const runtime::Logger log_;
  const bus::Guard* const guard_;
  runtime::Audit* const audit_;
  const bus::Channel channel_;
  const std::function<void(const std::string&)> stuck_;
  const std::function<std::vector<HandOnFigures>()> hand_ons_;
  const std::chrono::steady_clock::time_point started_;

  runtime::Loop loop_;
  runtime::Timer commit_timer_;
  runtime::Timer tick_timer_;
  runtime::Timer tend_timer_;
  runtime::Complaint bus_complaint_;
  runtime::Complaint disk_complaint_;
  runtime::Complaint stream_complaint_;

  Fold fold_;
  Queries queries_;
  Courier courier_;
  PolicyRounds policy_rounds_;
  std::vector<bus::Message> taken_;  // out of the inbox, from next_ on not folded yet
  std::size_t next_ = 0;
  std::size_t uncommitted_ = 0;  // messages folded since the last commit
  bool disk_failing_ = false;
  bool link_up_ = false;
  bool acting_ = false;
  bool folding_ = false;        // a round of it is posted
  bool hellos_wanted_ = false;  // since a link came up or the lease was got
  std::chrono::milliseconds stuck_after_{};
  std::optional<std::chrono::steady_clock::time_point> stuck_from_;  // since the last complaint
  std::map<std::pair<std::string, wire::MessageId>, std::uint64_t> unacknowledged_;
  std::uint64_t tended_ = 0;
  std::chrono::steady_clock::time_point
      metrics_kept_;  // what was heard before that is in the store
  std::chrono::steady_clock::time_point next_rollout_round_;
  std::chrono::steady_clock::time_point acting_since_;
  Totals totals_;

  MetricsTable metrics_;
  Inbox inbox_;
  Inbox query_inbox_;
  Inbox enroll_inbox_;
  std::optional<Enrollments> enrollments_;
  std::optional<UnitLogins> logins_;
  std::unique_ptr<Following> following_;
  std::unique_ptr<bus::Subscription> queries_heard_;  // while they are answered
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
  std::thread thread_;
};

}  // namespace steward::station
