#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/query.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace steward::tests {

// Somebody who gives commands and asks the station, as stewardctl does; and who hears every ACK
// that passes while its own link is up. One thread.
class Operator {
 public:
  explicit Operator(const std::string& broker);

  struct Order {
    std::string subject;
    std::string payload;
    std::optional<wire::MessageId> job = std::nullopt;
    std::chrono::milliseconds expires = std::chrono::hours(1);
  };

  // Publishes a command and keeps it until the broker's stream has it.
  wire::MessageId give(const Order& order);

  // Publishes once more what the broker has not said to be stored. Call it now and then.
  void insist();

  // How often that was needed: what is published twice has no place in the order of all.
  std::size_t insisted() const { return insisted_; }

  // Publishes every command given so far but the first so many once more, stored or not: the same
  // bytes.
  void repeat(std::size_t but = 0);

  // How many commands were given so far.
  std::size_t given() const { return given_.size(); }

  // How many commands the broker has not stored yet.
  std::size_t unstored() const;

  // All rows of an answer of the station; none where it does not come in 3 s.
  std::optional<std::vector<std::string>> ask(const std::string& what, const std::string& payload);

  // What the station knows of a job's commands; empty where it does not answer.
  std::vector<wire::JobUnit> job(const wire::MessageId& id);

  std::optional<wire::UnitRow> unit(const std::string& name);

  // Words of the last ACKs that units said of a command, each place in an outbox once; those
  // without a place (repeats) are left out.
  struct Terminal {
    wire::CommandState state;
    wire::Position position;
  };

  std::vector<Terminal> terminals(const wire::MessageId& id) const;

  // Steps said of a command with their codes: "failed handler_crashed". In order of hearing.
  std::vector<std::string> steps(const wire::MessageId& id) const;

  wire::MessageId new_id() { return ids_(now()); }

  bus::NatsBus& bus() { return *bus_; }

  static wire::Timestamp now();

 private:
  struct Given {
    bus::Message message;
    std::chrono::steady_clock::time_point sent;
  };

  void publish(Given& given);
  void hear_stored(const bus::Message& message);
  void hear_ack(bus::Message&& message);

  const bus::Channel::NewId ids_ = bus::system_ids();
  const bus::Channel channel_;
  std::map<std::string, Given> given_;  // by id: ULIDs, so in the order of their making
  std::size_t insisted_ = 0;
  mutable std::mutex mutex_;
  std::set<std::string> stored_;                           // under mutex_
  std::map<std::string, std::vector<Terminal>> terminal_;  // under mutex_, by command
  std::map<std::string, std::vector<std::string>> steps_;  // under mutex_, by command
  std::set<std::string> heard_;                            // under mutex_, "<unit> <epoch> <seq>"
  std::unique_ptr<bus::NatsBus> bus_;
  std::string inbox_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
};

}  // namespace steward::tests
