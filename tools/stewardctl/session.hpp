#pragma once

#include "subjects/bus/bus.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/wire/query.hpp"
#include "tools/stewardctl/interrupts.hpp"
#include "tools/stewardctl/settings.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

using Clock = std::chrono::steady_clock;

wire::Timestamp wall_clock();

// For a message to reach the broker.
inline constexpr std::chrono::milliseconds kFlushTimeout{5'000};

// A message, and when it came in.
struct Delivery {
  bus::Message message;
  Clock::time_point at;
};

// Where messages of all subscriptions wait for the main thread.
class Inbox;

// What a station answered.
struct Answer {
  std::vector<std::string> rows;                // JSON each, as they came
  std::optional<wire::Timestamp> station_time;  // when it said so, by its clock
  std::chrono::milliseconds took{0};
};

// A question on its way to the station, its chunks gathered as they come.
class Question {
 public:
  Question(std::string inbox, Clock::time_point asked, Clock::time_point deadline)
      : inbox_(std::move(inbox)), asked_(asked), deadline_(deadline) {}

  // Takes a message if it belongs to this question.
  bool take(const Delivery& delivery);

  const std::string& inbox() const { return inbox_; }

  Clock::time_point deadline() const { return deadline_; }

  // The answer once it is complete or the deadline has passed. Errors: the station's own; timed_out
  // (it does not answer).
  std::optional<Result<Answer>> outcome(Clock::time_point now, const std::string& station) const;

 private:
  friend class Session;

  std::string inbox_;
  Clock::time_point asked_;
  Clock::time_point deadline_;
  std::unique_ptr<bus::Subscription> subscription_;
  Answer answer_;
  std::optional<Error> error_;
  bool complete_ = false;
  bool nobody_listens_ = false;
};

// An operator's connection: one thread, which waits for messages and asks the station.
class Session {
 public:
  // Connects. Errors: unavailable (the broker cannot be reached in time, or does not let us in,
  // with the next step), bad_config (a key file too), denied (a wrong passphrase, or no terminal).
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(const Settings& settings);

  // On a bus that is there already; `inbox` is what its link changes wake. With a guard, commands
  // are signed.
  Session(std::unique_ptr<bus::Bus> bus,
          std::shared_ptr<Inbox> inbox,
          Settings settings,
          std::unique_ptr<const bus::Guard> guard = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  static std::shared_ptr<Inbox> new_inbox();

  const Settings& settings() const { return settings_; }

  bus::Bus& bus() { return *bus_; }

  // A new id.
  wire::MessageId new_id() const;

  // An envelope of a new message of this operator.
  wire::Envelope envelope(wire::Subject subject) const;
  bus::Message seal(const wire::Envelope& envelope, std::string payload) const;

  // Errors: unavailable, too_large.
  [[nodiscard]] Result<void> publish(const bus::Message& message);

  // Hears a subject for as long as this session lives. Errors: bad_subject.
  [[nodiscard]] Result<void> listen(const std::string& subject);

  // What puts a message into take()'s, for those who hear by themselves. Outlives this session.
  bus::Bus::Sink sink() const;

  using Woken = Interrupts::Woken;

  // Until messages are there or the link has changed (readable), the moment has come, or Ctrl-C.
  Woken wait(Clock::time_point until);

  // All messages that came, in order.
  std::vector<Delivery> take();

  // How many messages were thrown away because the main thread was too slow.
  std::uint64_t lost() const;

  // Asks <station>.command.query.<what> and goes on. Errors: unavailable.
  [[nodiscard]] Result<std::unique_ptr<Question>> ask(std::string_view what,
                                                      const wire::QueryRequest& request,
                                                      std::chrono::milliseconds timeout);

  // Asks and waits; other messages stay for take(). Errors: unavailable, timed_out (no station
  // answers), the station's own.
  [[nodiscard]] Result<Answer> query(std::string_view what,
                                     const wire::QueryRequest& request,
                                     std::chrono::milliseconds timeout);
  [[nodiscard]] Result<Answer> query(std::string_view what, const wire::QueryRequest& request);

  // Sends <station>.command.<route> and waits for the station's word on it. Errors: as query().
  [[nodiscard]] Result<Answer> request(std::string_view route,
                                       std::string content_type,
                                       std::string payload,
                                       std::chrono::milliseconds timeout);

 private:
  Result<std::unique_ptr<Question>> ask_on(std::string_view route,
                                           std::string content_type,
                                           std::string payload,
                                           std::chrono::milliseconds timeout);
  Result<Answer> await(Question& question);
  Result<void> wait_for_link(std::chrono::milliseconds timeout);

  const Settings settings_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<bus::Bus> bus_;
  const std::unique_ptr<const bus::Guard> guard_;
  bus::Channel::NewId new_id_;
  bus::Channel channel_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
  std::vector<Delivery> kept_;
};

// Whether a query failed because no station answers, rather than because of the bus or the request.
bool is_silence(const Error& error);

}  // namespace steward::ctl
