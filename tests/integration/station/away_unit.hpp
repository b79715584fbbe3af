#pragma once

#include "tests/integration/station/rig.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace steward::tests {

// An operator who publishes commands, each with all its headers.
class Operator {
 public:
  explicit Operator(const std::string& url)
      : bus_(connect(url, "operator")),
        ids_(bus::system_ids()),
        channel_(*wire::Source::parse("/operator/ann"), wire::Completeness::filled_in, ids_) {}

  // Whether the broker can tell by a header that it has had the message before.
  enum class Numbered { yes, no };

  wire::MessageId command(const std::string& node,
                          const std::string& payload,
                          std::chrono::seconds expires = std::chrono::hours(1),
                          Numbered numbered = Numbered::yes) {
    const auto subject = *wire::Subject::parse(node + ".command.shellcommand.operatingsystem");
    auto envelope = channel_.envelope(subject, SpokenUnit::now());
    envelope.expires = envelope.time + expires;
    auto message = channel_.seal(envelope, payload);
    if (numbered == Numbered::no) {
      wire::Headers headers;
      for (const auto& [name, value] : message.headers) {
        if (name != "Nats-Msg-Id") {
          headers.add(name, value);
        }
      }
      message.headers = std::move(headers);
    }
    REQUIRE(bus_->publish(message));
    return envelope.id;
  }

  bool up() const { return bus_->status().state == bus::LinkState::up; }

 private:
  std::unique_ptr<bus::NatsBus> bus_;
  const bus::Channel::NewId ids_;
  const bus::Channel channel_;
};

// A unit that can go away and come back: hears its commands while it is there, accepts each and
// says that it is done, once.
class WanderingUnit {
 public:
  WanderingUnit(const std::string& url, const std::string& name)
      : name_(name), spoken_(url, name), bus_(connect(url, name + "-ears")) {}

  // Hears commands from now on, and says so.
  void come() {
    open_ears();
    CHECK(spoken_.hello(SpokenUnit::Greeting::first));
  }

  // Hears commands from now on.
  void open_ears() {
    const auto sink = [this](bus::Message&& message) { take(std::move(message)); };
    for (const auto& node : {name_, std::string("@all")}) {
      auto heard = bus_->subscribe(node + ".command.shellcommand.*", sink);
      REQUIRE(heard);
      ears_.push_back(std::move(*heard));
    }
    REQUIRE(bus_->flush(std::chrono::seconds(5)));
  }

  void go() {
    ears_.clear();
    CHECK(spoken_.bye());
  }

  // Only known: it has said hello, and hears nothing.
  void be_known() { CHECK(spoken_.hello()); }

  SpokenUnit& spoken() { return spoken_; }

  // In the order in which each came first.
  std::vector<wire::MessageId> got() const {
    const std::lock_guard lock(mutex_);
    return got_;
  }

  std::size_t deliveries() const {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }

  std::vector<bus::Message> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  void take(bus::Message&& message) {
    const auto id = wire::MessageId::parse(std::string(*message.headers.find("ce-id")));
    REQUIRE(id);
    std::uint64_t seq = 0;
    {
      const std::lock_guard lock(mutex_);
      ++deliveries_;
      messages_.push_back(std::move(message));
      if (!known_.insert(*id).second) {
        return;
      }
      got_.push_back(*id);
      seq = 2 * got_.size() - 1;
    }
    CHECK(spoken_.ack(*id, wire::CommandState::accepted, seq));
    CHECK(spoken_.ack(*id, wire::CommandState::done, seq + 1));
  }

  const std::string name_;
  SpokenUnit spoken_;
  mutable std::mutex mutex_;
  std::set<wire::MessageId> known_;
  std::vector<wire::MessageId> got_;
  std::vector<bus::Message> messages_;
  std::size_t deliveries_ = 0;
  std::unique_ptr<bus::NatsBus> bus_;
  std::vector<std::unique_ptr<bus::Subscription>> ears_;
};

}  // namespace steward::tests
