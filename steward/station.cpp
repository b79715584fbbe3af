#include "steward/station.hpp"

#include "steward/version.hpp"
#include "subjects/bus/crash_point.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

// Or kGroupMessages, whichever comes first.
constexpr milliseconds kGroupTime{20};

constexpr milliseconds kDiskRetry{1'000};
constexpr milliseconds kShortestTick{10};
constexpr milliseconds kLongestTick{1'000};
constexpr milliseconds kTending{30'000};

constexpr Inbox::Bounds kQueryBounds{256, 4 * 1024 * 1024};
constexpr Inbox::Bounds kEnrollBounds{4'096, 4 * 1024 * 1024};

}  // namespace

Station::Station(Settings settings, const Surroundings& surroundings)
    : settings_(std::move(settings)),
      bus_(surroundings.bus),
      store_(surroundings.store),
      clock_(surroundings.clock),
      log_(surroundings.log),
      guard_(surroundings.guard),
      audit_(surroundings.audit),
      channel_(
          wire::Source::node(settings_.name), settings_.completeness, bus::system_ids(), guard_),
      stuck_(surroundings.broker_is_stuck),
      hand_ons_(surroundings.hand_ons),
      started_(clock_.steady()),
      commit_timer_(loop_, [this] { commit(); }),
      tick_timer_(loop_, [this] { tick(); }),
      tend_timer_(loop_, [this] { tend(); }),
      bus_complaint_(clock_, log_),
      disk_complaint_(clock_, log_),
      stream_complaint_(clock_, log_),
      fold_(settings_.name,
            channel_,
            {[this](const wire::MessageId& id) { return find_command(id); },
             [this](const std::string& unit) { return find_facts(unit); },
             [this](std::string_view text) { bus_complaint_.say(text); }},
            Fold::Bounds{},
            settings_.reboots),
      queries_(
          fold_.units(),
          fold_.commands(),
          store_,
          {[this] { return station_row(); },
           [this] { return policy_row(); },
           [this](const wire::Selector& selector) {
             return Selection(fold_.units(), store_, metrics_, fold_.groups(), clock_.steady())
                 .pick(selector);
           },
           [this](const std::string& unit) { return metrics_.find(unit, clock_.steady()); },
           [this] { return fold_.alerts().rows(now()); },
           [this](const std::vector<std::string>& units) { return fold_.daemons().rows(units); },
           [this] { return fold_.alerts().silences(); },
           [this] { return fold_.groups().rows(); },
           [this] { return fold_.rollouts().rows(clock_.now()); },
           [this](const std::vector<std::string>& units) { return fold_.leases().rows(units); },
           [this](const std::vector<std::string>& units) {
             return enrollments_ ? enrollments_->rows(units) : std::vector<wire::EnrollmentRow>();
           }}),
      courier_({loop_,
                clock_,
                bus_,
                store_,
                log_,
                [this](std::string_view unit) { return fold_.units().is_there(unit); },
                [this](const std::string& subject, std::string payload) {
                  send(subject, std::move(payload));
                }}),
      inbox_(Inbox::Bounds{}, [this] { loop_.post([this] { drain(); }); }),
      query_inbox_(kQueryBounds, [this] { loop_.post([this] { drain_queries(); }); }),
      enroll_inbox_(kEnrollBounds, [this] { loop_.post([this] { drain_enrollment(); }); }) {}

Station::~Station() { stop(); }

Moment Station::now() const { return {clock_.steady(), clock_.now()}; }

Result<void> Station::start() {
  if (auto opened = open_enrollment(); !opened) {
    return opened;
  }
  STEWARD_TRY(auto kept, store_.load());
  courier_.restore(kept);
  follow(kept.positions);
  fold_.restore(std::move(kept), now());
  if (const auto rounds = store_.load_metrics(clock_.now())) {
    for (const auto& round : *rounds) {
      metrics_.restore(round, clock_.steady());
    }
  } else {
    disk_complaint_.say(rounds.error().text());  // units say theirs again
  }
  metrics_kept_ = clock_.steady();
  fold_.note("station started, version " + std::string(kVersion), now());
  if (auto heard = subscribe(); !heard) {
    return heard;
  }
  loop_.post([this] {
    tick();
    tend_timer_.start_every(kTending);
    link_is(bus_.status());
  });
  thread_ = std::thread([this] { run(); });
  return {};
}

Result<void> Station::subscribe() {
  STEWARD_TRY(auto hellos, bus_.subscribe("*.event.hello.*", [this](bus::Message&& message) {
    inbox_.push(std::move(message));
  }));
  subscriptions_.push_back(std::move(hellos));
  STEWARD_TRY(auto rounds, bus_.subscribe("*.event.metrics.system", [this](bus::Message&& message) {
    const std::string_view subject = message.subject;
    metrics_.take(subject.substr(0, subject.find('.')), message.payload, clock_.steady());
  }));
  subscriptions_.push_back(std::move(rounds));
  if (auto heard = hear_enrollment(); !heard) {
    return heard;
  }
  return following_->start();
}

void Station::run() {
  for (bool ended = false; !ended;) {
    try {
      loop_.run();
      ended = true;
    } catch (const std::exception& exception) {
      log_.error(std::string("an error of the station itself, it goes on: ") + exception.what());
    }
  }
}

void Station::stop() {
  if (!thread_.joinable()) {
    return;
  }
  subscriptions_.clear();
  inbox_.close();
  query_inbox_.close();
  enroll_inbox_.close();
  loop_.post([this] {
    drain();
    drain_followed();
    while (next_ < taken_.size()) {
      fold_some();
    }
    queries_heard_.reset();
    following_->stop(clock_.steady());
    fold_.note("station stopped", now());
    fold_.take_ages();
    commit();
    keep_metrics();
    commit_timer_.stop();
    tick_timer_.stop();
    tend_timer_.stop();
    courier_.cease();
    loop_.stop();
  });
  loop_.close();
  thread_.join();
}

void Station::link_changed(const bus::LinkStatus& status) {
  loop_.post([this, status] { link_is(status); });
}

void Station::drain() {
  auto more = inbox_.take();
  if (next_ == taken_.size()) {
    taken_ = std::move(more);
    next_ = 0;
  } else {
    taken_.insert(
        taken_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (!folding_) {
    fold_some();
  }
}

void Station::fold_soon() {
  if (!std::exchange(folding_, true)) {
    loop_.post([this] {
      folding_ = false;
      fold_some();
    });
  }
}

// Folds one group of each, so that queries and timers get their turn between groups.
void Station::fold_some() {
  for (std::size_t round = 0; next_ < taken_.size() && round < kGroupMessages; ++round) {
    const std::size_t bytes = Inbox::size_of(taken_[next_]);
    fold_.take(std::move(taken_[next_++]), now());
    inbox_.release(bytes);
    ++uncommitted_;
  }
  fold_followed();
  const auto hellos = fold_.take_hellos();
  courier_.hear(hellos, fold_.take_returned());
  give_policy(hellos);
  if (uncommitted_ >= kGroupMessages && !disk_failing_) {
    commit();
  } else if (uncommitted_ > 0 && !commit_timer_.active()) {
    commit_timer_.start(kGroupTime);
  }
  if (next_ < taken_.size()) {
    fold_soon();
  } else {
    taken_.clear();
    next_ = 0;
  }
}

void Station::commit() {
  uncommitted_ = 0;
  const auto& batch = fold_.batch();
  if (batch.empty()) {
    commit_timer_.stop();
    return;
  }
  bus::crash_point("station.commit.before");
  if (auto written = store_.commit(batch, clock_.now()); !written) {
    commit_failed(written.error());
    return;
  }
  bus::crash_point("station.commit.after");
  commit_timer_.stop();
  ++totals_.commits;
  std::vector<ReceivedRecord> received;
  for (const auto& [outbox, upto] : batch.received) {
    received.push_back({outbox.first, outbox.second, upto});
  }
  tell_audit(batch);
  courier_.committed(batch);
  fold_.settle();
  if (acting()) {
    acknowledge(received);
  } else {
    for (const auto& [unit, epoch, upto] : received) {
      unacknowledged_.insert_or_assign({unit, epoch}, upto);
    }
  }
  go_on_with_rollouts();
  give_leases();
  if (std::exchange(disk_failing_, false)) {
    log_.warning("station.db can be written again");
    fold_.note("station.db can be written again", now());
    commit_timer_.start(kGroupTime);
    fold_soon();
  }
}

// Nothing is acknowledged that is not on disk: the batch stays, and what came is sent again by its
// units if this process ends before.
void Station::commit_failed(const Error& error) {
  ++totals_.failed_commits;
  disk_complaint_.say("cannot write, nothing is acknowledged meanwhile: " + error.text());
  if (!std::exchange(disk_failing_, true)) {
    fold_.note("cannot write: " + error.text(), now());
  }
  commit_timer_.start(kDiskRetry);
}

void Station::acknowledge(const std::vector<ReceivedRecord>& received) {
  const std::string prefix = settings_.name.str() + ".event.received.";
  for (const auto& [unit, epoch, upto] : received) {
    if (upto > 0) {
      send(prefix + unit, wire::encode(wire::Received{epoch.str(), upto}));
      bus::crash_point("station.acknowledged");
    }
  }
}

// Without a link it is lost, and said again when the unit sends its events again.
void Station::send(const std::string& subject, std::string payload, std::string content_type) {
  const auto parsed = wire::Subject::parse(subject);
  if (!parsed) {
    return;  // cannot be: made of names that were checked
  }
  auto envelope = channel_.envelope(*parsed, clock_.now());
  envelope.content_type = std::move(content_type);
  if (auto sent = bus_.publish(channel_.seal(envelope, std::move(payload))); !sent) {
    log_.debug("not sent on " + subject + ": " + sent.error().text());
  }
}

void Station::tick() {
  following_->tick(clock_.steady());
  fold_soon();
  fold_.judge_silence(now());
  if (link_up_ && following_->caught_up()) {
    fold_.judge_expiries(now());
  }
  judge_acting();
  if (acting()) {
    ask_for_missing();
    ask_for_schemas();
    ask_for_facts();
  }
  judge_rollouts();
  judge_leases();
  judge_broker();
  if (!fold_.batch().empty() && !commit_timer_.active()) {
    commit_timer_.start(kGroupTime);
  }
  schedule_tick();
}

void Station::schedule_tick() {
  milliseconds delay = kLongestTick;
  for (const auto& due : {fold_.units().next_deadline(), following_->next_deadline()}) {
    if (due) {
      const auto left = std::chrono::ceil<milliseconds>(*due - clock_.steady());
      delay = std::clamp(left, kShortestTick, delay);
    }
  }
  tick_timer_.start(delay);
}

// Now and then: what can wait.
void Station::tend() {
  if (audit_ != nullptr) {
    audit_->tend();
  }
  metrics_.forget_silent(clock_.steady());
  if (enrollments_) {
    enrollments_->tidy(clock_.now());
  }
  fold_.judge_identities(now());
  if (disk_failing_) {
    return;
  }
  fold_.take_ages();
  commit();
  if (disk_failing_ || ++tended_ % 2 != 0) {
    return;
  }
  keep_metrics();
  if (auto trimmed = store_.trim(clock_.now()); !trimmed) {
    disk_complaint_.say(trimmed.error().text());
  }
}

// At each second tending and at the end: what is lost by a crash is soon said again.
void Station::keep_metrics() {
  const auto began = clock_.steady();
  const auto kept = store_.keep_metrics(
      metrics_.heard_since(metrics_kept_, began),
      [this](const std::string& digest) { return metrics_.schema_of(digest); },
      clock_.now());
  if (!kept) {
    disk_complaint_.say(kept.error().text());
    return;
  }
  metrics_kept_ = began;
}

std::optional<TrackedCommand> Station::find_command(const wire::MessageId& id) {
  auto found = store_.find_command(id);
  if (!found) {
    disk_complaint_.say(found.error().text());
    return std::nullopt;
  }
  return *std::move(found);
}

std::optional<wire::Facts> Station::find_facts(const std::string& unit) {
  auto found = store_.find_facts(unit);
  if (!found) {
    disk_complaint_.say(found.error().text());
    return std::nullopt;
  }
  return *found ? std::optional((*std::move(found))->facts) : std::nullopt;
}

}  // namespace steward::station
