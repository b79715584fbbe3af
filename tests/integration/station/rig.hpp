#pragma once

#include "handlers/runtime/log.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "steward/station.hpp"
#include "steward/store.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/query.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests {

inline std::unique_ptr<bus::NatsBus> connect(
    const std::string& url,
    const std::string& name,
    std::function<void(const bus::LinkStatus&)> on_link = nullptr) {
  bus::NatsOptions options;
  options.servers = {url};
  options.name = name;
  options.longest_backoff = std::chrono::milliseconds(200);
  options.on_link = std::move(on_link);
  auto bus = bus::NatsBus::open(std::move(options));
  REQUIRE(bus);
  REQUIRE((*bus)->wait_until_up(std::chrono::seconds(10)));
  return std::move(*bus);
}

// Somebody who asks a station.
class Asker {
 public:
  explicit Asker(const std::string& url) : bus_(connect(url, "asker")) {}

  // All rows of an answer; none where it does not come in that time or says an error.
  std::vector<std::string> ask(const std::string& what,
                               const std::string& payload = "{}",
                               std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    struct Answer {
      std::mutex mutex;
      std::vector<std::string> rows;
      bool last = false;
    };

    auto answer = std::make_shared<Answer>();
    const std::string inbox = bus_->new_inbox();
    auto subscription = bus_->subscribe(inbox, [answer](bus::Message&& message) {
      const auto chunk = wire::decode_query_chunk(message.payload);
      const std::lock_guard lock(answer->mutex);
      if (message.headers.find("Status") == "503") {
        answer->last = true;  // no station answers
      } else if (chunk) {
        answer->rows.insert(answer->rows.end(), chunk->rows.begin(), chunk->rows.end());
        answer->last = chunk->last;
      }
    });
    REQUIRE(subscription);
    (void)bus_->publish({"station.command.query." + what, {}, payload, inbox});
    (void)eventually(
        [&answer] {
          const std::lock_guard lock(answer->mutex);
          return answer->last;
        },
        patience);
    const std::lock_guard lock(answer->mutex);
    return answer->rows;
  }

  std::optional<wire::UnitRow> unit(const std::string& name) {
    const auto rows = ask("units", R"({"units":[")" + name + "\"]}");
    if (rows.empty()) {
      return std::nullopt;
    }
    const auto row = wire::decode_unit_row(rows[0]);
    REQUIRE(row);
    return *row;
  }

  // Whether the station that answers knows all that the streams hold, and acts. Its patience is
  // short: what was asked of one that was killed this moment is never answered.
  bool acts() {
    const auto rows = ask("station", "{}", std::chrono::seconds(1));
    return !rows.empty() && rows[0].find(R"("acting":true)") != std::string::npos;
  }

  bus::NatsBus& bus() { return *bus_; }

 private:
  std::unique_ptr<bus::NatsBus> bus_;
};

// A station in this process, on a store in that folder; gone with this object as if ended in order.
class RunningStation {
 public:
  enum class Wait { until_it_acts, no };

  RunningStation(const std::string& url,
                 const std::filesystem::path& folder,
                 Wait wait = Wait::until_it_acts)
      : sink_(runtime::LogLevel::error, runtime::LogSink::Form::terminal) {
    auto opened = station::Store::open(folder / "station.db", {}, clock_.now());
    REQUIRE_MESSAGE(opened, opened.error().text());
    store_ = std::move(opened->store);
    bus_ = connect(url, "station", [this](const bus::LinkStatus& status) {
      const std::lock_guard lock(mutex_);
      if (station_) {
        station_->link_changed(status);
      }
    });
    auto station = std::make_unique<station::Station>(
        station::Station::Settings{
            *wire::NodeName::parse("station"), wire::Completeness::filled_in, folder.string()},
        station::Station::Surroundings{*bus_, *store_, clock_, runtime::Logger(sink_, "station")});
    REQUIRE(station->start());
    REQUIRE(bus_->flush(std::chrono::seconds(5)));
    {
      const std::lock_guard lock(mutex_);
      station_ = std::move(station);
    }
    if (wait == Wait::until_it_acts) {
      Asker asker(url);
      REQUIRE(eventually([&asker] { return asker.acts(); }, std::chrono::seconds(90)));
    }
  }

  ~RunningStation() {
    std::unique_ptr<station::Station> ending;
    {
      const std::lock_guard lock(mutex_);
      ending = std::move(station_);
    }
    ending->stop();
  }

  RunningStation(const RunningStation&) = delete;
  RunningStation& operator=(const RunningStation&) = delete;

 private:
  runtime::LogSink sink_;
  runtime::SystemClock clock_;
  std::unique_ptr<station::Store> store_;
  std::unique_ptr<bus::NatsBus> bus_;
  std::mutex mutex_;
  std::unique_ptr<station::Station> station_;
};

// What a unit says on the bus, without the unit: hellos and recorded ACKs, numbered.
class SpokenUnit {
 public:
  SpokenUnit(const std::string& url, const std::string& name)
      : name_(name),
        bus_(connect(url, name)),
        ids_(bus::system_ids()),
        channel_(
            wire::Source::node(*wire::NodeName::parse(name)), wire::Completeness::filled_in, ids_),
        epoch_(ids_(now())) {
    auto heard = bus_->subscribe("*.event.received." + name, [this](bus::Message&& message) {
      const auto received = wire::decode_received(message.payload);
      if (received && received->epoch == epoch_.str()) {
        acknowledged_ = received->upto;
      }
    });
    REQUIRE(heard);
    heard_ = std::move(*heard);
    REQUIRE(bus_->flush(std::chrono::seconds(5)));
  }

  static wire::Timestamp now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }

  wire::MessageId new_id() const { return ids_(now()); }

  // A hello over a new connection, or a usual one.
  enum class Greeting { first, usual };

  bool hello(Greeting greeting = Greeting::usual) {
    wire::Hello hello;
    hello.session = epoch_.str();
    hello.agent_version = "1";
    hello.first = greeting == Greeting::first;
    return send("event.hello.agent", wire::encode(hello), std::nullopt);
  }

  bool bye() {
    wire::Hello hello;
    hello.session = epoch_.str();
    hello.bye = true;
    return send("event.hello.agent", wire::encode(hello), std::nullopt);
  }

  // A step of a command, as the event of that number.
  bool ack(const wire::MessageId& command, wire::CommandState state, std::uint64_t seq) {
    const wire::Ack ack{command, "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    return send("event.ack.shellcommand", wire::encode(ack), wire::Position{epoch_, seq});
  }

  // A recorded event, as the one of that number: "alert.metrics".
  bool record(const std::string& route, const std::string& payload, std::uint64_t seq) {
    return send("event." + route, payload, wire::Position{epoch_, seq});
  }

  std::uint64_t acknowledged() const { return acknowledged_; }

  bus::NatsBus& bus() { return *bus_; }

 private:
  bool send(const std::string& rest, std::string payload, std::optional<wire::Position> position) {
    auto envelope = channel_.envelope(*wire::Subject::parse(name_ + "." + rest), now());
    envelope.position = std::move(position);
    return bus_->publish(channel_.seal(envelope, std::move(payload))).has_value();
  }

  const std::string name_;
  std::unique_ptr<bus::NatsBus> bus_;
  const bus::Channel::NewId ids_;
  const bus::Channel channel_;
  const wire::MessageId epoch_;
  std::atomic<std::uint64_t> acknowledged_{0};
  std::unique_ptr<bus::Subscription> heard_;
};

}  // namespace steward::tests
