#include "subjects/bus/nats_bus.hpp"

#include "subjects/bus/channel.hpp"
#include "subjects/bus/interest.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/nats_connection.hpp"
#include "subjects/bus/signals_blocked.hpp"

#include <algorithm>
#include <list>
#include <random>
#include <thread>
#include <utility>

namespace steward::bus {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A link that was up for less counts as a failed try: a broker that lets us in only to throw us out
// must not be asked again at once for ever.
constexpr std::chrono::seconds kSteady{1};

// What is heard, over all connections, and the connection on which it is heard now. Subscriptions
// share it with their bus, so either may go first.
class Interests {
 public:
  void add(const std::shared_ptr<Interest>& interest) {
    const Lock lock(mutex_);
    heard_.push_back(Heard{interest, nullptr});
    if (connection_) {
      // Where this fails the connection is being lost, and the next one hears it.
      heard_.back().stop = connection_->hear(interest).value_or(nullptr);
    }
  }

  void remove(const std::shared_ptr<Interest>& interest) {
    interest->end();
    const Lock lock(mutex_);
    const auto at = std::find_if(heard_.begin(), heard_.end(), [&interest](const Heard& heard) {
      return heard.interest == interest;
    });
    if (at->stop) {
      at->stop();
    }
    heard_.erase(at);
  }

  // From here on a subscription is made on that connection too. Errors: unavailable.
  Result<void> move_to(const std::shared_ptr<NatsConnection>& connection) {
    const Lock lock(mutex_);
    for (auto& heard : heard_) {
      STEWARD_TRY(heard.stop, connection->hear(heard.interest));
    }
    connection_ = connection;
    return {};
  }

  // Hears nothing until the next move_to().
  void stop() {
    const Lock lock(mutex_);
    connection_ = nullptr;
    for (auto& heard : heard_) {
      if (const auto stop = std::exchange(heard.stop, nullptr)) {
        stop();
      }
    }
  }

 private:
  struct Heard {
    std::shared_ptr<Interest> interest;
    std::function<void()> stop;  // none while it is heard nowhere
  };

  // Held while the broker is written to, so publishers and status() never need it.
  Mutex mutex_;
  std::shared_ptr<NatsConnection> connection_ STEWARD_GUARDED_BY(mutex_);
  std::list<Heard> heard_ STEWARD_GUARDED_BY(mutex_);
};

class NatsSubscription final : public Subscription {
 public:
  NatsSubscription(std::shared_ptr<Interests> interests, std::shared_ptr<Interest> interest)
      : interests_(std::move(interests)), interest_(std::move(interest)) {}

  ~NatsSubscription() override { interests_->remove(interest_); }

 private:
  std::shared_ptr<Interests> interests_;
  std::shared_ptr<Interest> interest_;
};

// Whether the bus is being closed, and on_link hears of it.
enum class Ending { none, silent, told };

// How the link is, as its connection's callbacks, the connector and the bus's callers see it. The
// callbacks share it: one may come late.
struct Link {
  mutable Mutex mutex;
  Condition changed;
  LinkStatus status STEWARD_GUARDED_BY(mutex);
  std::shared_ptr<NatsConnection> connection STEWARD_GUARDED_BY(mutex);
  std::uint64_t attempt STEWARD_GUARDED_BY(mutex) = 0;  // number of the connection now in use
  bool lost STEWARD_GUARDED_BY(mutex) = false;          // that one
  bool refused STEWARD_GUARDED_BY(mutex) = false;       // by the broker, at the last try
  Ending ending STEWARD_GUARDED_BY(mutex) = Ending::none;

  std::shared_ptr<NatsConnection> current() const {
    const Lock lock(mutex);
    return connection;
  }
};

NatsConnection::Events events_of(const std::shared_ptr<Link>& link, std::uint64_t attempt) {
  const auto lost = [link, attempt](std::string why) {
    const Lock lock(link->mutex);
    if (attempt == link->attempt && !link->lost) {
      link->lost = true;
      link->status.last_error = std::move(why);
      link->changed.notify_all();
    }
  };
  const auto trouble = [link](NatsConnection::Trouble kind, std::string text) {
    const Lock lock(link->mutex);
    link->status.last_error = std::move(text);
    link->status.overruns += kind == NatsConnection::Trouble::overrun ? 1 : 0;
    link->status.denials += kind == NatsConnection::Trouble::denied ? 1 : 0;
    link->status.garbled += kind == NatsConnection::Trouble::garbled ? 1 : 0;
  };
  return {lost, trouble};
}

}  // namespace

// Keeps a connection: its thread makes one, lets the subscriptions hear on it, pings it until it is
// lost, and begins again.
class NatsBus::Connector {
 public:
  explicit Connector(NatsOptions options)
      : options_(std::move(options)), thread_([this] { run(); }) {}

  ~Connector() { end(Ending::silent); }

  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  const std::shared_ptr<Link>& link() const { return link_; }

  const std::shared_ptr<Interests>& interests() const { return interests_; }

  // Ends the connection and the thread, after a try to connect that is under way (2 s for each
  // server at the most). The second call does nothing.
  void end(Ending ending) {
    if (!thread_.joinable()) {
      return;
    }
    {
      const Lock lock(link_->mutex);
      link_->ending = ending;
      link_->changed.notify_all();
    }
    if (const auto connection = link_->current()) {
      connection->close();  // also wakes the thread out of a ping
    }
    thread_.join();
  }

 private:
  void run() {
    milliseconds backoff{0};
    while (pause(backoff)) {
      backoff = std::clamp(backoff * 2, options_.first_backoff, options_.longest_backoff);
      if (auto connection = connect()) {
        const auto up_since = Clock::now();
        keep(*connection);
        if (Clock::now() - up_since >= kSteady) {
          backoff = milliseconds(0);
        }
      }
      drop();
    }
    set_state(LinkState::closed);
  }

  // Waits for a random part of the backoff. False when the end has come.
  bool pause(milliseconds backoff) {
    std::uniform_int_distribution<std::int64_t> part(0, backoff.count());
    return sleep_until(Clock::now() + milliseconds(part(random_)));
  }

  // False when the connection is lost or the end has come.
  bool sleep_until(Clock::time_point until) {
    const Lock lock(link_->mutex);
    while (link_->ending == Ending::none && !link_->lost && Clock::now() < until) {
      link_->changed.wait_until(link_->mutex, until);
    }
    return link_->ending == Ending::none && !link_->lost;
  }

  // None where it fails: the status says why.
  std::shared_ptr<NatsConnection> connect() {
    std::uint64_t attempt = 0;
    {
      const Lock lock(link_->mutex);
      attempt = ++link_->attempt;
    }
    auto connected = NatsConnection::connect(options_, events_of(link_, attempt));
    if (!connected) {
      fail(std::move(connected).error());
      return nullptr;
    }
    {
      const Lock lock(link_->mutex);
      if (link_->ending != Ending::none) {
        return nullptr;  // end() has not seen this connection and does not close it
      }
      link_->connection = *connected;
    }
    if (auto moved = interests_->move_to(*connected); !moved) {
      fail(std::move(moved).error());
      return nullptr;
    }
    // The answer says that the broker has read the subscriptions: now the link is up.
    auto rtt = (*connected)->ping(patience());
    if (!rtt) {
      fail(std::move(rtt).error());
      return nullptr;
    }
    announce(**connected, *rtt);
    return *connected;
  }

  void announce(const NatsConnection& connection, std::chrono::microseconds rtt) {
    const auto broker = connection.broker();
    {
      const Lock lock(link_->mutex);
      link_->status.broker = broker;
      link_->status.rtt = rtt;
      link_->status.last_error.clear();
      link_->refused = false;
      ++link_->status.connects;
    }
    set_state(LinkState::up);
  }

  void fail(Error error) {
    const Lock lock(link_->mutex);
    link_->refused = error.code == ErrorCode::permission;
    link_->status.last_error = std::move(error.message);
  }

  // Two pings without an answer: the link is down.
  milliseconds patience() const { return 2 * options_.ping_interval; }

  // Until the connection is lost, or does not answer.
  void keep(NatsConnection& connection) {
    while (sleep_until(Clock::now() + options_.ping_interval)) {
      auto rtt = connection.ping(patience());
      const Lock lock(link_->mutex);
      if (!rtt) {
        if (!link_->lost) {
          link_->status.last_error = "the broker does not answer: " + rtt.error().message;
        }
        return;
      }
      link_->status.rtt = *rtt;
    }
  }

  // Lets go of the connection, if there is one.
  void drop() {
    std::shared_ptr<NatsConnection> connection;
    {
      const Lock lock(link_->mutex);
      ++link_->attempt;  // what its callbacks say from here on is no news
      link_->lost = false;
      connection = std::exchange(link_->connection, nullptr);
    }
    interests_->stop();
    if (connection) {
      connection->close();
    }
    set_state(LinkState::connecting);
  }

  void set_state(LinkState state) {
    LinkStatus status;
    {
      const Lock lock(link_->mutex);
      const bool ending = link_->ending != Ending::none;
      if (link_->status.state == state || (ending && state != LinkState::closed)) {
        return;
      }
      link_->status.state = state;
      if (state != LinkState::up) {
        link_->status.broker.clear();
        link_->status.rtt.reset();
      }
      status = link_->status;
      link_->changed.notify_all();
      if (!options_.on_link || (link_->ending == Ending::silent)) {
        return;
      }
    }
    options_.on_link(status);
  }

  const NatsOptions options_;
  const std::shared_ptr<Link> link_ = std::make_shared<Link>();
  const std::shared_ptr<Interests> interests_ = std::make_shared<Interests>();
  std::mt19937_64 random_{std::random_device{}()};  // the thread's own
  std::thread thread_;
};

NatsBus::NatsBus(NatsOptions options, std::string inboxes)
    : inboxes_(std::move(inboxes)), connector_(std::make_unique<Connector>(std::move(options))) {}

NatsBus::~NatsBus() = default;

Result<std::unique_ptr<NatsBus>> NatsBus::open(NatsOptions options) {
  const SignalsBlocked blocked;  // inherited by the connector, and by nats.c's threads from it
  if (auto usable = check(options); !usable) {
    return tl::unexpected<Error>(std::move(usable).error());
  }
  const auto now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  auto inboxes = options.inbox_prefix + "." + system_ids()(now).str() + ".";
  return std::unique_ptr<NatsBus>(new NatsBus(std::move(options), std::move(inboxes)));
}

Result<void> NatsBus::publish(const Message& message) {
  const auto connection = connector_->link()->current();
  if (!connection) {
    return failure(ErrorCode::unavailable, "no link to the broker");
  }
  return connection->publish(message);
}

Result<std::unique_ptr<Subscription>> NatsBus::subscribe(const std::string& subject, Sink sink) {
  if (!is_pattern(subject)) {
    return failure(ErrorCode::bad_subject, "not a subject that can be heard");
  }
  auto interest = std::make_shared<Interest>(subject, std::move(sink));
  connector_->interests()->add(interest);
  return std::make_unique<NatsSubscription>(connector_->interests(), std::move(interest));
}

std::string NatsBus::new_inbox() { return inboxes_ + std::to_string(++inbox_count_); }

LinkStatus NatsBus::status() const {
  const Lock lock(connector_->link()->mutex);
  return connector_->link()->status;
}

bool NatsBus::refused() const {
  const Lock lock(connector_->link()->mutex);
  return connector_->link()->refused;
}

Result<void> NatsBus::flush(std::chrono::milliseconds timeout) {
  const auto connection = connector_->link()->current();
  if (!connection) {
    return failure(ErrorCode::unavailable, "no link to the broker");
  }
  STEWARD_TRY([[maybe_unused]] const auto rtt, connection->ping(timeout));
  return {};
}

Result<void> NatsBus::wait_until_up(std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  auto& link = *connector_->link();
  const Lock lock(link.mutex);
  while (link.status.state != LinkState::up) {
    if (Clock::now() >= until) {
      return failure(
          ErrorCode::timed_out,
          link.status.last_error.empty() ? "the broker does not answer" : link.status.last_error);
    }
    link.changed.wait_until(link.mutex, until);
  }
  return {};
}

Result<void> NatsBus::drain(std::chrono::milliseconds timeout) {
  Result<void> sent;
  if (const auto connection = connector_->link()->current()) {
    connector_->interests()->stop();
    // An answer to a ping says that the broker has taken all that was written before it.
    if (auto answered = connection->ping(timeout); !answered) {
      sent = tl::unexpected<Error>(std::move(answered).error());
    }
  }
  connector_->end(Ending::told);
  return sent;
}

}  // namespace steward::bus
