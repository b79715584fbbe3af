#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace steward::tests {

// What a handler is put into, where it is tested by itself on a real clock.

class RealClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + ahead;
  }

  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::now() + ahead;
  }

  wire::MessageId new_id() override { return wire::MessageId::make(++last_, {}); }

  std::chrono::seconds ahead{0};  // that a test has let pass

 private:
  std::uint64_t last_ = 0;
};

class HeardVitals final : public runtime::Vitals {
 public:
  wire::Hello hello() const override {
    wire::Hello hello;
    hello.agent_version = "7";
    return hello;
  }

  void facts_told(const std::string& hash) override { facts = hash; }

  std::string facts;
};

// Keeps what the handler says, and stops the loop when enough is there.
class Listener final : public runtime::Publisher {
 public:
  explicit Listener(runtime::Loop& loop) : loop_(loop) {}

  void begin(const wire::MessageId&, std::function<void()> then) override { then(); }

  void reply(wire::Ack ack) override {
    acks.push_back(std::move(ack));
    if (acks.size() == stop_after_acks) {
      loop_.stop();
    }
  }

  Result<void> stream(std::string payload) override {
    if (!up) {
      return failure(ErrorCode::unavailable, "no link");
    }
    said.push_back(std::move(payload));
    if (said.size() == stop_after) {
      loop_.stop();
    }
    return {};
  }

  void deliver(runtime::Delivery delivery, std::function<void(Result<void>)> then) override {
    loop_.post([this, delivery = std::move(delivery), then = std::move(then)] {
      if (!up || refuses > 0) {
        refuses -= refuses > 0 ? 1 : 0;
        then(failure(ErrorCode::unavailable, "no link"));
        return;
      }
      delivered.push_back(delivery);
      then({});
      if (delivered.size() == stop_after_delivered) {
        loop_.stop();
      }
    });
  }

  void record(std::string payload) override {
    recorded.push_back(std::move(payload));
    if (recorded.size() == stop_after_recorded) {
      loop_.stop();
    }
  }

  void alert(std::string payload) override {
    alerts.push_back(std::move(payload));
    if (alerts.size() == stop_after_alerts) {
      loop_.stop();
    }
  }

  bool link_up() const override { return up; }

  std::vector<std::string> said;
  std::vector<std::string> recorded;
  std::vector<std::string> alerts;
  std::vector<wire::Ack> acks;
  std::vector<runtime::Delivery> delivered;
  std::size_t refuses = 0;  // of the next deliveries
  std::size_t stop_after_delivered = 0;
  std::size_t stop_after = 0;  // so many were said; 0: never
  std::size_t stop_after_recorded = 0;
  std::size_t stop_after_acks = 0;
  std::size_t stop_after_alerts = 0;
  bool up = true;

 private:
  runtime::Loop& loop_;
};

}  // namespace steward::tests
