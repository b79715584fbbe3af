#include "handlers/daemon/systemd/connection.hpp"

#include "handlers/daemon/systemd/library.hpp"
#include "handlers/daemon/systemd/values.hpp"

#include <nlohmann/json.hpp>

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kSystemAddress = "unix:path=/run/dbus/system_bus_socket";
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{10'000};
constexpr int kMostAtOnce = 200;  // messages in one turn of the loop

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

struct Connection::Bus {
  const SdBus& api;
  sd_bus* raw = nullptr;
  std::optional<runtime::FdWatcher> watcher;

  Bus(const SdBus& its_api, sd_bus* its_raw) : api(its_api), raw(its_raw) {}

  ~Bus() {
    watcher.reset();
    api.close_unref(raw);
  }

  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
};

struct Connection::Pending {
  Connection* owner;
  Reply reply;
  sd_bus_slot* slot = nullptr;
  std::list<Pending>::iterator self;

  static int answered(sd_bus_message* message, void* data, sd_bus_error*) {
    auto& pending = *static_cast<Pending*>(data);
    auto& owner = *pending.owner;
    const auto reply = std::move(pending.reply);
    const auto* api = owner.api_;
    api->slot_unref(pending.slot);
    owner.pending_.erase(pending.self);  // and with it `pending`
    if (const auto* error = api->get_error(message)) {
      const auto meant = error_of(error->name, error->message);
      reply(&meant, nullptr);
    } else {
      reply(nullptr, values_of(*api, message));
    }
    return 1;
  }
};

struct Connection::Match {
  const SdBus* api = nullptr;
  std::string rule;
  Signal signal;
  sd_bus_slot* slot = nullptr;

  ~Match() { forget(); }

  void forget() {
    if (slot != nullptr) {
      api->slot_unref(slot);
      slot = nullptr;
    }
  }

  static int came(sd_bus_message* message, void* data, sd_bus_error*) {
    auto& match = *static_cast<Match*>(data);
    const auto signal = match.signal;  // it may end the match
    signal(values_of(*match.api, message));
    return 0;
  }
};

Connection::Connection(runtime::Loop& loop, std::string address, Listener listener)
    : loop_(loop),
      address_(address.empty() ? kSystemAddress : std::move(address)),
      listener_(std::move(listener)),
      pause_(kFirstPause),
      reconnect_(loop, [this] { connect(); }),
      timeout_(loop, [this] { pump(); }),
      alive_(std::make_shared<Connection*>(this)) {}

Connection::~Connection() {
  for (auto& pending : pending_) {
    api_->slot_unref(pending.slot);
  }
  matches_.clear();
}

Result<void> Connection::open() {
  if (api_ != nullptr) {
    return {};
  }
  api_ = SdBus::get();
  if (api_ == nullptr) {
    return failure(ErrorCode::unsupported, "there is no libsystemd here to speak with systemd");
  }
  // A systemd that re-executes itself leaves the bus and comes back under its name.
  auto changed = std::make_unique<Match>();
  changed->api = api_;
  changed->rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" +
                  std::string(kSystemd) + "'";
  changed->signal = [this](const json& values) {
    if (values.size() == 3 && values[2].is_string() && !values[2].get<std::string>().empty()) {
      subscribe();
    }
  };
  matches_.emplace(0, std::move(changed));
  connect();
  return {};
}

void Connection::connect() {
  sd_bus* raw = nullptr;
  if (api_->create(&raw) < 0) {
    return reconnect_.start(kLongestPause);
  }
  bus_ = std::make_unique<Bus>(*api_, raw);
  api_->set_address(raw, address_.c_str());
  api_->set_bus_client(raw, 1);
  if (const int started = api_->start(raw); started < 0) {
    return drop(system_error(-started, "connect to the system's D-Bus").message);
  }
  bus_->watcher.emplace(loop_, api_->get_fd(raw), [this] { pump(); });
  for (auto& [id, match] : matches_) {
    add_match(*match);
  }
  subscribe();
}

// Without it systemd tells nobody of its units.
void Connection::subscribe() {
  call({.member = "Subscribe", .fill = nullptr}, [this](const Error* error, const json&) {
    // One that systemd knows already is an error to it, not to us.
    if (error != nullptr && error->code == ErrorCode::unavailable) {
      return drop(error->message);
    }
    up_ = true;
    pause_ = kFirstPause;
    listener_.fresh();
  });
}

void Connection::add_match(Match& match) {
  match.forget();
  api_->add_match_async(bus_->raw, &match.slot, match.rule.c_str(), &Match::came, nullptr, &match);
}

std::uint64_t Connection::watch(const std::string& path,
                                const std::string& interface,
                                const std::string& member,
                                Signal signal) {
  auto match = std::make_unique<Match>();
  match->api = api_;
  match->rule = "type='signal',sender='" + std::string(kSystemd) + "',path='" + path +
                "',interface='" + interface + "',member='" + member + "'";
  match->signal = std::move(signal);
  if (bus_) {
    add_match(*match);
    timeout_.start(milliseconds(0));
  }
  matches_.emplace(next_match_, std::move(match));
  return next_match_++;
}

void Connection::unwatch(std::uint64_t id) { matches_.erase(id); }

void Connection::call(const Call& call, Reply reply) {
  const auto fail = [this, &reply](const std::string& why) {
    loop_.post([reply, why, alive = std::weak_ptr<Connection*>(alive_)] {
      const Error error{ErrorCode::unavailable, why};
      if (!alive.expired()) {
        reply(&error, nullptr);
      }
    });
  };
  if (!bus_) {
    return fail("systemd is not to be reached by D-Bus now");
  }
  sd_bus_message* message = nullptr;
  int made = api_->new_method_call(bus_->raw,
                                   &message,
                                   kSystemd,
                                   call.path.c_str(),
                                   call.interface.c_str(),
                                   call.member.c_str());
  if (made >= 0 && call.fill) {
    made = call.fill(*api_, message);
  }
  if (made >= 0) {
    pending_.push_front({this, reply, nullptr, {}});
    auto& pending = pending_.front();
    pending.self = pending_.begin();
    made = api_->call_async(bus_->raw,
                            &pending.slot,
                            message,
                            &Pending::answered,
                            &pending,
                            static_cast<std::uint64_t>(microseconds(call.timeout).count()));
    if (made < 0) {
      pending_.pop_front();
    }
  }
  api_->message_unref(message);
  if (made < 0) {
    return fail(system_error(-made, "call systemd's " + call.member).message);
  }
  timeout_.start(milliseconds(0));
}

void Connection::pump() {
  if (!bus_) {
    return;
  }
  const std::weak_ptr<Connection*> alive(alive_);
  auto* bus = bus_.get();
  int processed = 1;
  for (int count = 0; processed > 0 && count < kMostAtOnce; ++count) {
    processed = api_->process(bus->raw, nullptr);
    if (alive.expired() || bus_.get() != bus) {
      return;  // a callback has ended it
    }
  }
  if (processed < 0 || api_->is_open(bus->raw) <= 0) {
    return drop(
        system_error(processed < 0 ? -processed : ECONNRESET, "read from the D-Bus").message);
  }
  const int events = api_->get_events(bus->raw);
  std::ignore = bus->watcher->start((events & POLLOUT) != 0 ? runtime::Ready::writable
                                                            : runtime::Ready::readable);
  std::uint64_t until = UINT64_MAX;
  if (processed > 0) {
    timeout_.start(milliseconds(0));
  } else if (api_->get_timeout(bus->raw, &until) >= 0 && until != UINT64_MAX) {
    const auto now = monotonic_us();
    timeout_.start(milliseconds(until > now ? (until - now) / 1'000 + 1 : 0));
  } else {
    timeout_.stop();
  }
}

void Connection::drop(const std::string& why) {
  timeout_.stop();
  for (auto& [id, match] : matches_) {
    match->forget();
  }
  auto open = std::exchange(pending_, {});
  for (auto& pending : open) {
    api_->slot_unref(pending.slot);
  }
  bus_.reset();
  const bool was_up = std::exchange(up_, false);
  reconnect_.start(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  const std::weak_ptr<Connection*> alive(alive_);
  const Error error{ErrorCode::unavailable, why};
  for (auto& pending : open) {
    if (alive.expired()) {
      return;
    }
    pending.reply(&error, nullptr);
  }
  if (was_up && !alive.expired()) {
    listener_.lost(why);
  }
}

std::string unit_path(const std::string& unit) {
  const auto* api = SdBus::get();
  char* path = nullptr;
  if (api == nullptr ||
      api->path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path) < 0) {
    return "/";
  }
  std::string out(path);
  ::free(path);
  return out;
}

}  // namespace steward::handlers::daemon
