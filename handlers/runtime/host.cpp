#include "handlers/runtime/host.hpp"

#include "handlers/runtime/deliveries.hpp"
#include "handlers/runtime/intake.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/journal.hpp"
#include "subjects/bus/mailbox.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace steward::runtime {

namespace {

constexpr std::size_t kMailboxCapacity = 1024;
constexpr std::size_t kOverflowCapacity = 256;
constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kLongestBackoff{30'000};

// Over a pause so long, commands wait for the handler; over a longer one they are refused.
constexpr std::chrono::milliseconds kLongestHeld{1'000};

// A handler that has run so long is well again: its next failure is a first one.
constexpr std::chrono::seconds kHealthy{60};

}  // namespace

// Members are on the handler's thread, but for those that say otherwise. In the order of life: the
// loop closes last.
class HandlerHost::Core final : public Publisher {
 public:
  Core(House house, const HandlerKind& kind, const wire::Token& domain, Options options);
  ~Core() override;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void start();
  void deliver(bus::Message&& message);
  void link_changed(bool up);
  void stop(std::function<void()> stopped);
  void end();
  wire::HandlerState state() const;
  Counts counts() const;

  void recover(std::vector<bus::CommandRow> rows) { intake_.left(std::move(rows)); }

  void reply(wire::Ack ack) override { intake_.step(std::move(ack)); }

  void begin(const wire::MessageId& ref, std::function<void()> then) override {
    intake_.begin(ref, std::move(then));
  }

  Result<void> stream(std::string payload) override;
  void record(std::string payload) override;
  void alert(std::string payload) override;
  void deliver(Delivery delivery, std::function<void(Result<void>)> then) override;

  bool link_up() const override { return house_.bus.status().state == bus::LinkState::up; }

 private:
  void thread_main();
  void make();
  void bring_up();
  void drain();
  void crashed(const std::string& why);
  void back_off();
  void begin_stop(std::function<void()> stopped);
  void finish();
  void set_state(std::string_view state);

  const House house_;
  const HandlerKind& kind_;
  const wire::Subject subject_;  // of its events
  Loop loop_;
  const Logger log_;
  Tally tally_;
  Intake intake_;
  Timer restart_;
  TurnEnd write_;  // what this turn of the loop has to be written
  Context context_;
  std::unique_ptr<Handler> handler_;
  std::optional<Deliveries> deliveries_;  // once it has said one; they call the handler

  bool running_ = false;   // start() has succeeded
  bool resuming_ = false;  // what was left comes first
  bool refusing_ = false;  // the handler is away for long
  bool stopping_ = false;
  bool finished_ = false;
  bool told_up_ = false;  // what the handler has last heard of the link
  std::function<void()> stopped_;
  std::chrono::milliseconds backoff_ = kFirstBackoff;
  std::chrono::steady_clock::time_point running_since_;
  std::deque<bus::Message> inbox_;  // taken out of the mailbox, not looked at yet

  bus::Mailbox<bus::Message> mailbox_;  // any thread
  bus::Mailbox<Overflow> overflow_;     // any thread
  mutable bus::Mutex mutex_;            // guards what follows
  std::string state_ STEWARD_GUARDED_BY(mutex_) = "stopped";
  std::int64_t restarts_ STEWARD_GUARDED_BY(mutex_) = 0;
  std::thread thread_;  // last: it sees all the others
};

HandlerHost::Core::Core(House house,
                        const HandlerKind& kind,
                        const wire::Token& domain,
                        Options options)
    : house_(std::move(house)),
      kind_(kind),
      subject_{house_.node, wire::Kind::event, *wire::Token::parse(kind.method), domain},
      log_(house_.log, std::string(kind.method) + "." + domain.str()),
      intake_(house_, kind_, domain, loop_, tally_, log_),
      restart_(loop_, [this] { bring_up(); }),
      write_(loop_, [this] { house_.journal.wake(); }),
      context_{house_.node,
               subject_.method,
               domain,
               loop_,
               *this,
               house_.clock,
               log_,
               std::move(options),
               house_.state_dir / subject_.method.str() / domain.str(),
               house_.processes,
               house_.vitals},
      mailbox_(kMailboxCapacity, [this] { loop_.post([this] { drain(); }); }),
      overflow_(kOverflowCapacity, [this] { loop_.post([this] { drain(); }); }) {
  try {
    make();
  } catch (const std::exception& error) {
    log_.error(std::string("cannot be made: ") + error.what());  // bring_up() tries again
  }
}

HandlerHost::Core::~Core() {
  mailbox_.close();
  overflow_.close();
  if (thread_.joinable()) {
    end();
    thread_.join();
  }
}

void HandlerHost::Core::make() { handler_ = kind_.make(context_); }

void HandlerHost::Core::start() {
  set_state("running");
  intake_.keep_notes(context_.state_dir / "at-hand");
  loop_.post([this] { bring_up(); });
  thread_ = std::thread([this] { thread_main(); });
}

// The outermost frame of the handler's thread: what it lets out ends this handler only.
void HandlerHost::Core::thread_main() {
  while (!finished_) {
    try {
      loop_.run();
    } catch (const std::exception& error) {
      crashed(error.what());
    } catch (...) {
      crashed("an exception of unknown type");
    }
  }
  loop_.close();
}

void HandlerHost::Core::bring_up() {
  if (stopping_) {
    return;
  }
  if (handler_ == nullptr) {
    make();
  }
  if (auto started = handler_->start(); !started) {
    log_.error("does not start: " + started.error().text());
    deliveries_.reset();
    handler_.reset();
    back_off();
    return;
  }
  running_ = true;
  running_since_ = house_.clock.steady();
  intake_.serve(handler_.get());
  set_state("running");
  if (told_up_ = link_up(); told_up_) {
    handler_->link_up();
  }
  resuming_ = true;
  refusing_ = false;
  intake_.resume([this] {
    resuming_ = false;
    drain();
  });
}

void HandlerHost::Core::drain() {
  if ((!running_ && !refusing_ && !stopping_) || resuming_) {
    return;  // bring_up() comes first, and what was left; then it drains
  }
  for (auto& message : mailbox_.take()) {
    inbox_.push_back(std::move(message));
  }
  while (!inbox_.empty() && !stopping_) {
    auto message = std::move(inbox_.front());
    inbox_.pop_front();
    intake_.take(std::move(message));
  }
  for (const auto& overflow : overflow_.take()) {
    if (!stopping_) {
      intake_.overflowed(overflow);
    }
  }
}

void HandlerHost::Core::crashed(const std::string& why) {
  ++tally_.crashes;
  log_.error("failed, and is started again: " + why);
  if (running_ && house_.clock.steady() - running_since_ >= kHealthy) {
    backoff_ = kFirstBackoff;
  }
  running_ = false;
  resuming_ = false;
  intake_.serve(nullptr);
  deliveries_.reset();
  handler_.reset();  // with what it has running, before that is said
  if (!stopping_) {
    back_off();
  }
  intake_.handler_failed(why);
  if (stopping_) {
    finish();
  }
}

void HandlerHost::Core::back_off() {
  {
    const bus::Lock lock(mutex_);
    state_ = "restarting";
    ++restarts_;
  }
  refusing_ = backoff_ > kLongestHeld;
  restart_.start(backoff_);
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  loop_.post([this] { drain(); });
}

void HandlerHost::Core::deliver(bus::Message&& message) {
  if (mailbox_.push(std::move(message))) {
    return;
  }
  // A refused push moves nothing. NOLINTNEXTLINE(bugprone-use-after-move)
  Overflow overflow{std::string(message.headers.find("ce-id").value_or("")),
                    std::string(message.headers.find("ce-job").value_or(""))};
  if (!overflow_.push(std::move(overflow))) {
    ++tally_.dropped;
  }
}

void HandlerHost::Core::link_changed(bool up) {
  loop_.post([this, up] {
    if (std::exchange(told_up_, up) == up) {
      return;  // it was up when the handler started
    }
    if (up && deliveries_) {
      deliveries_->link_up();
    }
    if (running_ && !stopping_) {
      up ? handler_->link_up() : handler_->link_down();
    }
  });
}

void HandlerHost::Core::stop(std::function<void()> stopped) {
  mailbox_.close();
  overflow_.close();
  loop_.post([this, stopped = std::move(stopped)]() mutable { begin_stop(std::move(stopped)); });
}

void HandlerHost::Core::begin_stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  stopping_ = true;
  restart_.stop();
  if (!running_) {
    finish();
    return;
  }
  // By way of the loop: the handler calls it out of its own frames, and is destroyed by it.
  handler_->stop([this] { loop_.post([this] { finish(); }); });
}

void HandlerHost::Core::end() {
  loop_.post([this] { finish(); });
}

void HandlerHost::Core::finish() {
  if (finished_) {
    return;
  }
  finished_ = true;
  stopping_ = true;
  restart_.stop();
  intake_.serve(nullptr);
  intake_.agent_stops();
  deliveries_.reset();
  handler_.reset();
  running_ = false;
  set_state("stopped");
  loop_.stop();
  if (stopped_) {
    // Behind all that was said here.
    house_.journal.write([](bus::Journal::Turn&) { return Result<void>(); },
                         [stopped = std::move(stopped_)](const Result<void>&) { stopped(); },
                         bus::Journal::Kind::refusable);
  }
  house_.journal.wake();
}

Result<void> HandlerHost::Core::stream(std::string payload) {
  if (payload.size() > wire::kMaxPayloadBytes) {
    return failure(ErrorCode::too_large, "event of " + std::to_string(payload.size()) + " bytes");
  }
  const auto envelope = house_.channel.envelope(subject_, house_.clock.now());
  return house_.bus.publish(house_.channel.seal(envelope, std::move(payload)));
}

void HandlerHost::Core::record(std::string payload) {
  record_event(house_, house_.channel.envelope(subject_, house_.clock.now()), std::move(payload));
}

void HandlerHost::Core::alert(std::string payload) {
  const wire::Subject subject{
      house_.node, wire::Kind::event, *wire::Token::parse("alert"), subject_.method};
  record_event(house_, house_.channel.envelope(subject, house_.clock.now()), std::move(payload));
}

void HandlerHost::Core::deliver(Delivery delivery, std::function<void(Result<void>)> then) {
  if (!deliveries_) {
    deliveries_.emplace(loop_, house_.bus, house_.clock);
  }
  if (delivery.payload.size() > wire::kMaxPayloadBytes) {
    deliveries_->refuse(
        {ErrorCode::too_large, "event of " + std::to_string(delivery.payload.size()) + " bytes"},
        std::move(then));
    return;
  }
  auto subject = subject_;
  subject.domain = std::move(delivery.domain);
  auto envelope = house_.channel.envelope(std::move(subject), house_.clock.now());
  envelope.id = delivery.id;
  envelope.content_type = std::move(delivery.content_type);
  envelope.content_encoding = std::move(delivery.content_encoding);
  deliveries_->send(house_.channel.seal(envelope, std::move(delivery.payload)), std::move(then));
}

wire::HandlerState HandlerHost::Core::state() const {
  const bus::Lock lock(mutex_);
  return {subject_.method.str(), subject_.domain.str(), state_, restarts_};
}

void HandlerHost::Core::set_state(std::string_view state) {
  const bus::Lock lock(mutex_);
  state_ = state;
}

HandlerHost::Counts HandlerHost::Core::counts() const {
  return {tally_.received,
          tally_.accepted,
          tally_.repeated,
          tally_.refused,
          tally_.dropped,
          tally_.crashes};
}

HandlerHost::HandlerHost(House house,
                         const HandlerKind& kind,
                         const wire::Token& domain,
                         Options options)
    : core_(std::make_unique<Core>(std::move(house), kind, domain, std::move(options))) {}

HandlerHost::~HandlerHost() = default;

void HandlerHost::recover(std::vector<bus::CommandRow> rows) { core_->recover(std::move(rows)); }

void HandlerHost::start() { core_->start(); }

void HandlerHost::deliver(bus::Message&& message) { core_->deliver(std::move(message)); }

void HandlerHost::link_changed(bool up) { core_->link_changed(up); }

void HandlerHost::stop(std::function<void()> stopped) { core_->stop(std::move(stopped)); }

void HandlerHost::end() { core_->end(); }

wire::HandlerState HandlerHost::state() const { return core_->state(); }

HandlerHost::Counts HandlerHost::counts() const { return core_->counts(); }

}  // namespace steward::runtime
