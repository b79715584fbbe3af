#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/bus/mailbox.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/query.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::bench {

// An ACK as the operator sees it.
struct SeenAck {
  wire::Ack ack;
  wire::Timestamp made;  // the unit's clock
};

// The operator's side of the measurements: commands to one unit, its ACKs, and the station's table,
// through the same bus and channel as stewardctl. One thread uses it.
class OperatorLink {
 public:
  // Errors: unavailable, timed_out.
  [[nodiscard]] static Result<std::unique_ptr<OperatorLink>> connect(const std::string& broker,
                                                                     const wire::NodeName& unit);

  ~OperatorLink();
  OperatorLink(const OperatorLink&) = delete;
  OperatorLink& operator=(const OperatorLink&) = delete;

  // Publishes a command to a method and domain of the unit. Errors: unavailable, too_large.
  [[nodiscard]] Result<wire::MessageId> send(
      const std::string& payload, const std::string& to = "shellcommand.operatingsystem");

  // The next ACK of the unit, in the order of their arrival. Errors: timed_out.
  [[nodiscard]] Result<SeenAck> next_ack(std::chrono::milliseconds timeout);

  // Waits for an ACK of that command in that state, or a terminal one (its state must be looked
  // at); passes over all others. Errors: timed_out.
  [[nodiscard]] Result<SeenAck> wait_for(const wire::MessageId& command,
                                         wire::CommandState state,
                                         std::chrono::milliseconds timeout);

  // Sends a command and waits until it is done; what it gave. Errors: those of send() and
  // wait_for(), internal (it did not end well; the message says how).
  [[nodiscard]] Result<std::string> carry_out(
      const std::string& payload,
      std::chrono::milliseconds timeout,
      const std::string& to = "shellcommand.operatingsystem");

  // All rows of the station's answer to <station>.command.query.<what>. Errors: timed_out, what the
  // station says.
  [[nodiscard]] Result<std::vector<std::string>> ask(const std::string& what,
                                                     const wire::QueryRequest& request,
                                                     std::chrono::milliseconds timeout);

  // Calls back, on a thread of the bus, with each payload of that event of the unit
  // ("osupdate.system"), while what it returns is kept. Errors: unavailable.
  [[nodiscard]] Result<std::unique_ptr<bus::Subscription>> hear(
      const std::string& event, std::function<void(const std::string&)> take);

  // The unit's row in the station's table. Errors: timed_out, not_found, what the station says.
  [[nodiscard]] Result<wire::UnitRow> unit_row(std::chrono::milliseconds timeout);

 private:
  class Arrivals;
  OperatorLink(std::unique_ptr<bus::NatsBus> bus, wire::NodeName unit, wire::Source source);
  [[nodiscard]] Result<void> listen();

  wire::NodeName unit_;
  bus::Channel channel_;
  std::unique_ptr<Arrivals> acks_;
  std::unique_ptr<bus::NatsBus> bus_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
};

}  // namespace steward::bench
