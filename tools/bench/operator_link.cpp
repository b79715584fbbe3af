#include "tools/bench/operator_link.hpp"

#include "subjects/bus/mutex.hpp"

#include <deque>
#include <utility>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLinkPatience{10};

wire::Timestamp wall_clock() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace

// Messages from the bus's threads to the one that waits for them.
class OperatorLink::Arrivals {
 public:
  void push(bus::Message&& message) {
    {
      const bus::Lock lock(mutex_);
      messages_.push_back(std::move(message));
    }
    arrived_.notify_one();
  }

  Result<bus::Message> next(Clock::time_point deadline) {
    const bus::Lock lock(mutex_);
    while (messages_.empty()) {
      if (arrived_.wait_until(mutex_, deadline) == std::cv_status::timeout && messages_.empty()) {
        return failure(ErrorCode::timed_out, "nothing came in time");
      }
    }
    bus::Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  bus::Mutex mutex_;
  bus::Condition arrived_;
  std::deque<bus::Message> messages_ STEWARD_GUARDED_BY(mutex_);
};

Result<std::unique_ptr<OperatorLink>> OperatorLink::connect(const std::string& broker,
                                                            const wire::NodeName& unit) {
  bus::NatsOptions options;
  options.servers = {broker};
  options.name = "steward-bench";
  STEWARD_TRY(auto bus, bus::NatsBus::open(std::move(options)));
  STEWARD_TRY(auto source, wire::Source::parse("/operator/bench"));
  if (auto up = bus->wait_until_up(kLinkPatience); !up) {
    return tl::unexpected(std::move(up).error().with_context("connect to " + broker));
  }
  std::unique_ptr<OperatorLink> link(new OperatorLink(std::move(bus), unit, std::move(source)));
  if (auto listening = link->listen(); !listening) {
    return tl::unexpected(std::move(listening).error());
  }
  return link;
}

OperatorLink::OperatorLink(std::unique_ptr<bus::NatsBus> bus,
                           wire::NodeName unit,
                           wire::Source source)
    : unit_(std::move(unit)),
      channel_(std::move(source), wire::Completeness::required, bus::system_ids()),
      acks_(std::make_unique<Arrivals>()),
      bus_(std::move(bus)) {}

OperatorLink::~OperatorLink() = default;

Result<void> OperatorLink::listen() {
  STEWARD_TRY(auto acks,
              bus_->subscribe(unit_.str() + ".event.ack.*",
                              [to = acks_.get()](bus::Message&& m) { to->push(std::move(m)); }));
  subscriptions_.push_back(std::move(acks));
  return bus_->flush(kLinkPatience);
}

Result<std::unique_ptr<bus::Subscription>> OperatorLink::hear(
    const std::string& event, std::function<void(const std::string&)> take) {
  STEWARD_TRY(auto heard,
              bus_->subscribe(unit_.str() + ".event." + event,
                              [take = std::move(take)](bus::Message&& m) { take(m.payload); }));
  if (auto known = bus_->flush(kLinkPatience); !known) {
    return tl::unexpected(std::move(known).error());
  }
  return heard;
}

Result<wire::MessageId> OperatorLink::send(const std::string& payload, const std::string& to) {
  STEWARD_TRY(wire::Subject subject, wire::Subject::parse(unit_.str() + ".command." + to));
  const wire::Envelope envelope = channel_.envelope(std::move(subject), wall_clock());
  if (auto sent = bus_->publish(channel_.seal(envelope, payload)); !sent) {
    return tl::unexpected(std::move(sent).error().with_context("send a command"));
  }
  return envelope.id;
}

Result<SeenAck> OperatorLink::next_ack(std::chrono::milliseconds timeout) {
  STEWARD_TRY(bus::Message message, acks_->next(Clock::now() + timeout));
  auto opened = channel_.open(std::move(message), wall_clock());
  if (!opened) {
    return tl::unexpected(std::move(opened.error().error).with_context("read an ACK"));
  }
  STEWARD_TRY(wire::Ack ack, wire::decode_ack(opened->payload));
  return SeenAck{std::move(ack), opened->envelope.time};
}

Result<SeenAck> OperatorLink::wait_for(const wire::MessageId& command,
                                       wire::CommandState state,
                                       std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    STEWARD_TRY(SeenAck seen, next_ack(left));
    if (seen.ack.ref == command && (seen.ack.state == state || wire::is_terminal(seen.ack.state))) {
      return seen;
    }
  }
}

Result<std::string> OperatorLink::carry_out(const std::string& payload,
                                            std::chrono::milliseconds timeout,
                                            const std::string& to) {
  STEWARD_TRY(const wire::MessageId id, send(payload, to));
  STEWARD_TRY(SeenAck last, wait_for(id, wire::CommandState::done, timeout));
  if (last.ack.state != wire::CommandState::done) {
    return failure(ErrorCode::internal, to + ": " + last.ack.message);
  }
  return std::move(last.ack.result);
}

Result<std::vector<std::string>> OperatorLink::ask(const std::string& what,
                                                   const wire::QueryRequest& request,
                                                   std::chrono::milliseconds timeout) {
  STEWARD_TRY(wire::Subject subject, wire::Subject::parse("station.command.query." + what));
  bus::Message message =
      channel_.seal(channel_.envelope(std::move(subject), wall_clock()), wire::encode(request));
  message.reply = bus_->new_inbox();  // an earlier question that was given up may be answered yet
  Arrivals answers;
  STEWARD_TRY(const auto subscription, bus_->subscribe(message.reply, [&answers](bus::Message&& m) {
    answers.push(std::move(m));
  }));
  if (auto sent = bus_->publish(message); !sent) {
    return tl::unexpected(std::move(sent).error().with_context("ask the station"));
  }
  const Clock::time_point deadline = Clock::now() + timeout;
  std::vector<std::string> rows;
  for (bool last = false; !last;) {
    STEWARD_TRY(const bus::Message answer, answers.next(deadline));
    if (answer.payload.empty()) {
      return failure(ErrorCode::timed_out, "no station is there");
    }
    STEWARD_TRY(wire::QueryChunk chunk, wire::decode_query_chunk(answer.payload));
    if (chunk.error) {
      return tl::unexpected(std::move(*chunk.error));
    }
    rows.insert(rows.end(), chunk.rows.begin(), chunk.rows.end());
    last = chunk.last;
  }
  return rows;
}

Result<wire::UnitRow> OperatorLink::unit_row(std::chrono::milliseconds timeout) {
  wire::QueryRequest request;
  request.units = {unit_.str()};
  STEWARD_TRY(const auto rows, ask("units", request, timeout));
  if (rows.empty()) {
    return failure(ErrorCode::not_found, "the station does not know " + unit_.str());
  }
  return wire::decode_unit_row(rows.front());
}

}  // namespace steward::bench
