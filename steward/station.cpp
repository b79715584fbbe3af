#include "steward/station.hpp"

#include "steward/version.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

// A group of messages is committed together: so many, or those of so long.
constexpr std::size_t kGroupMessages = 512;
constexpr milliseconds kGroupTime{20};

constexpr milliseconds kDiskRetry{1'000};
constexpr milliseconds kShortestTick{10};
constexpr milliseconds kLongestTick{1'000};
constexpr milliseconds kTending{30'000};

constexpr Inbox::Bounds kQueryBounds{256, 4 * 1024 * 1024};

}  // namespace

Station::Station(Settings settings, const Surroundings& surroundings)
    : settings_(std::move(settings)),
      bus_(surroundings.bus),
      store_(surroundings.store),
      clock_(surroundings.clock),
      log_(surroundings.log),
      channel_(wire::Source::node(settings_.name), settings_.completeness, bus::system_ids()),
      started_(clock_.steady()),
      commit_timer_(loop_, [this] { commit(); }),
      tick_timer_(loop_, [this] { tick(); }),
      tend_timer_(loop_, [this] { tend(); }),
      bus_complaint_(clock_, log_),
      disk_complaint_(clock_, log_),
      fold_(settings_.name,
            channel_,
            {[this](const wire::MessageId& id) { return find_command(id); },
             [this](std::string_view text) { bus_complaint_.say(text); }},
            Fold::Bounds{}),
      queries_(fold_.units(), fold_.commands(), store_, [this] { return station_row(); }),
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
      query_inbox_(kQueryBounds, [this] { loop_.post([this] { drain_queries(); }); }) {}

Station::~Station() { stop(); }

Moment Station::now() const { return {clock_.steady(), clock_.now()}; }

Result<void> Station::start() {
  STEWARD_TRY(auto kept, store_.load());
  courier_.restore(kept);
  fold_.restore(std::move(kept), now());
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
  const auto sink = [this](bus::Message&& message) {
    if (Fold::concerns(message)) {
      inbox_.push(std::move(message));
    } else {
      passed_by_.fetch_add(1, std::memory_order_relaxed);
    }
  };
  for (const char* subject : {"*.event.>", "*.command.>"}) {
    STEWARD_TRY(auto subscription, bus_.subscribe(subject, sink));
    subscriptions_.push_back(std::move(subscription));
  }
  STEWARD_TRY(
      auto queries,
      bus_.subscribe(settings_.name.str() + ".command.query.*",
                     [this](bus::Message&& query) { query_inbox_.push(std::move(query)); }));
  subscriptions_.push_back(std::move(queries));
  return {};
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
  loop_.post([this] {
    drain();
    while (next_ < taken_.size()) {
      fold_some();
    }
    fold_.note("station stopped", now());
    fold_.take_ages();
    commit();
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

void Station::link_is(const bus::LinkStatus& status) {
  const bool up = status.state == bus::LinkState::up;
  if (up != link_up_) {
    link_up_ = up;
    const std::string text = up ? "link to the broker " + status.broker + " is up"
                                : "link to the broker is lost: " + status.last_error;
    up ? log_.info(text) : log_.warning(text);
    fold_.note(text, now());
    commit_timer_.start(kGroupTime);
  }
  if (up) {
    ask_for_hellos();
  }
  judge_acting();
}

void Station::judge_acting() {
  if (std::exchange(acting_, link_up_) == link_up_) {
    return;
  }
  acting_ ? began_acting() : ceased_acting();
}

void Station::began_acting() {
  log_.debug("acts");
  courier_.begin();
}

void Station::ceased_acting() {
  log_.debug("acts no more");
  courier_.cease();
}

void Station::drain() {
  auto more = inbox_.take();
  if (next_ == taken_.size()) {
    taken_ = std::move(more);
    next_ = 0;
    fold_some();
    return;
  }
  // A round of folding is posted already.
  taken_.insert(
      taken_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Folds one group, so that queries and timers get their turn between groups.
void Station::fold_some() {
  for (std::size_t round = 0; next_ < taken_.size() && round < kGroupMessages; ++round) {
    const std::size_t bytes = Inbox::size_of(taken_[next_]);
    fold_.take(std::move(taken_[next_++]), now());
    inbox_.release(bytes);
    ++uncommitted_;
  }
  courier_.hear(fold_.take_hellos(), fold_.take_returned());
  if (uncommitted_ >= kGroupMessages && !disk_failing_) {
    commit();
  } else if (uncommitted_ > 0 && !commit_timer_.active()) {
    commit_timer_.start(kGroupTime);
  }
  if (next_ < taken_.size()) {
    loop_.post([this] { fold_some(); });
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
  if (auto written = store_.commit(batch, clock_.now()); !written) {
    commit_failed(written.error());
    return;
  }
  commit_timer_.stop();
  ++totals_.commits;
  std::vector<ReceivedRecord> received;
  for (const auto& [outbox, upto] : batch.received) {
    received.push_back({outbox.first, outbox.second, upto});
  }
  courier_.committed(batch);
  fold_.settle();
  if (acting()) {
    acknowledge(received);
  }
  if (std::exchange(disk_failing_, false)) {
    log_.warning("station.db can be written again");
    fold_.note("station.db can be written again", now());
    commit_timer_.start(kGroupTime);
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
    }
  }
}

// Without a link it is lost, and said again when the unit sends its events again.
void Station::send(const std::string& subject, std::string payload) {
  const auto parsed = wire::Subject::parse(subject);
  if (!parsed) {
    return;  // cannot be: made of names that were checked
  }
  const auto envelope = channel_.envelope(*parsed, clock_.now());
  if (auto sent = bus_.publish(channel_.seal(envelope, std::move(payload))); !sent) {
    log_.debug("not sent on " + subject + ": " + sent.error().text());
  }
}

void Station::tick() {
  fold_.tick(now());
  judge_acting();
  if (acting()) {
    ask_for_missing();
  }
  if (!fold_.batch().empty() && !commit_timer_.active()) {
    commit_timer_.start(kGroupTime);
  }
  schedule_tick();
}

void Station::schedule_tick() {
  milliseconds delay = kLongestTick;
  if (const auto due = fold_.units().next_deadline()) {
    const auto left = std::chrono::ceil<milliseconds>(*due - clock_.steady());
    delay = std::clamp(left, kShortestTick, kLongestTick);
  }
  tick_timer_.start(delay);
}

void Station::ask_for_missing() {
  for (const auto& [unit, from] : fold_.resends(now())) {
    log_.info("events of " + unit + " are missing from " + std::to_string(from) +
              " on: asked again");
    send(unit + ".command.outbox.events",
         "{\"op\":\"resend\",\"from\":" + std::to_string(from) + "}");
  }
}

void Station::ask_for_hellos() { send("@all.command.hello.agent", "{}"); }

// Now and then: what can wait.
void Station::tend() {
  if (disk_failing_) {
    return;
  }
  fold_.take_ages();
  commit();
  if (disk_failing_ || ++tended_ % 2 != 0) {
    return;
  }
  if (auto trimmed = store_.trim(clock_.now()); !trimmed) {
    disk_complaint_.say(trimmed.error().text());
  }
}

std::optional<TrackedCommand> Station::find_command(const wire::MessageId& id) {
  auto found = store_.find_command(id);
  if (!found) {
    disk_complaint_.say(found.error().text());
    return std::nullopt;
  }
  return *std::move(found);
}

void Station::drain_queries() {
  for (auto& message : query_inbox_.take()) {
    query_inbox_.release(Inbox::size_of(message));
    answer(std::move(message));
  }
}

void Station::answer(bus::Message&& message) {
  if (message.reply.empty()) {
    bus_complaint_.say("a query without an inbox for its answer");
    return;
  }
  const std::string inbox = message.reply;
  const auto chunk = [this, &inbox](std::string text) { send_chunk(inbox, std::move(text)); };
  const auto opened = channel_.open_command(settings_.name, std::move(message), clock_.now());
  if (!opened) {
    ChunkWriter(chunk).fail(opened.error().error);
    return;
  }
  if (!disk_failing_) {
    commit();  // so that the answer knows all that was folded
  }
  queries_.answer(opened->transport.domain.str(), opened->payload, chunk);
}

void Station::send_chunk(const std::string& inbox, std::string chunk) {
  bus::Message message{inbox, {}, std::move(chunk), {}};
  message.headers.add("Content-Type", "application/json");
  message.headers.add("ce-time", wire::format_time(clock_.now()));  // for askers to compare clocks
  auto sent = bus_.publish(message);
  if (!sent && sent.error().code == ErrorCode::too_large) {
    wire::QueryChunk refusal;
    refusal.last = true;
    refusal.error = std::move(sent).error();
    message.payload = wire::encode(refusal);
    sent = bus_.publish(message);
  }
  if (!sent) {
    log_.debug("an answer was not sent: " + sent.error().text());
  }
}

}  // namespace steward::station
