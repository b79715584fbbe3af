#include "tests/fault/support/operator.hpp"

#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

namespace steward::tests {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kInsistAfter{400};
constexpr milliseconds kAnswerLimit{3'000};

}  // namespace

Operator::Operator(const std::string& broker)
    : channel_(*wire::Source::parse("/operator/eva"), wire::Completeness::required, ids_) {
  auto bus = bus::NatsBus::open({.servers = {broker},
                                 .name = "operator",
                                 .longest_backoff = milliseconds(200),
                                 .ping_interval = milliseconds(1'000)});
  REQUIRE(bus);
  bus_ = *std::move(bus);
  REQUIRE(bus_->wait_until_up(std::chrono::seconds(20)));
  inbox_ = bus_->new_inbox();
  const auto hear = [this](const std::string& subject, bus::Bus::Sink sink) {
    auto subscription = bus_->subscribe(subject, std::move(sink));
    REQUIRE(subscription);
    subscriptions_.push_back(*std::move(subscription));
  };
  hear(inbox_ + ".*", [this](bus::Message&& message) { hear_stored(message); });
  hear("*.event.ack.*", [this](bus::Message&& message) { hear_ack(std::move(message)); });
  REQUIRE(bus_->flush(std::chrono::seconds(10)));
}

wire::Timestamp Operator::now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

wire::MessageId Operator::give(const Order& order) {
  const auto id = new_id();
  auto envelope = wire::make_envelope(
      id, *wire::Source::parse("/operator/eva"), *wire::Subject::parse(order.subject), now());
  envelope.expires = now() + order.expires;
  envelope.job = order.job;
  auto message = channel_.seal(envelope, order.payload);
  message.reply = inbox_ + "." + id.str();
  publish(given_.emplace(id.str(), Given{std::move(message), {}}).first->second);
  return id;
}

void Operator::publish(Given& given) {
  static_cast<void>(bus_->publish(given.message).has_value());
  given.sent = Steady::now();
}

void Operator::insist() {
  std::set<std::string> stored;
  {
    const std::lock_guard lock(mutex_);
    stored = stored_;
  }
  for (auto& [id, given] : given_) {
    if (!stored.contains(id) && Steady::now() - given.sent > kInsistAfter) {
      publish(given);
      ++insisted_;
    }
  }
}

void Operator::repeat(std::size_t but) {
  for (auto& [id, given] : given_) {
    if (but > 0) {
      --but;
    } else {
      publish(given);
    }
  }
}

std::size_t Operator::unstored() const {
  const std::lock_guard lock(mutex_);
  return given_.size() - stored_.size();
}

void Operator::hear_stored(const bus::Message& message) {
  if (message.payload.find("\"stream\"") == std::string::npos) {
    return;  // nobody's stream takes it yet
  }
  const std::lock_guard lock(mutex_);
  stored_.insert(message.subject.substr(inbox_.size() + 1));
}

void Operator::hear_ack(bus::Message&& message) {
  const auto opened = channel_.open(std::move(message), now());
  if (!opened || !opened->envelope.position) {
    return;
  }
  const auto ack = wire::decode_ack(opened->payload);
  if (!ack) {
    return;
  }
  const auto& position = *opened->envelope.position;
  const std::lock_guard lock(mutex_);
  if (!heard_
           .insert(opened->transport.node->str() + " " + position.epoch.str() + " " +
                   std::to_string(position.seq))
           .second) {
    return;
  }
  steps_[ack->ref.str()].push_back(std::string(wire::word(ack->state)) +
                                   (ack->code.empty() ? "" : " " + ack->code));
  if (wire::is_terminal(ack->state)) {
    terminal_[ack->ref.str()].push_back({ack->state, position});
  }
}

std::vector<Operator::Terminal> Operator::terminals(const wire::MessageId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = terminal_.find(id.str());
  return found == terminal_.end() ? std::vector<Terminal>() : found->second;
}

std::vector<std::string> Operator::steps(const wire::MessageId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = steps_.find(id.str());
  return found == steps_.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::vector<std::string>> Operator::ask(const std::string& what,
                                                      const std::string& payload) {
  struct Answer {
    std::mutex mutex;
    std::vector<std::string> rows;
    bool last = false;
  };

  auto answer = std::make_shared<Answer>();
  const std::string inbox = bus_->new_inbox();
  const auto subscription = bus_->subscribe(inbox, [answer](bus::Message&& message) {
    const auto chunk = wire::decode_query_chunk(message.payload);
    const std::lock_guard lock(answer->mutex);
    if (chunk && !chunk->error) {
      answer->rows.insert(answer->rows.end(), chunk->rows.begin(), chunk->rows.end());
      answer->last = answer->last || chunk->last;
    }
  });
  REQUIRE(subscription);
  static_cast<void>(
      bus_->publish({"station.command.query." + what, {}, payload, inbox}).has_value());
  const bool came = eventually(
      [&answer] {
        const std::lock_guard lock(answer->mutex);
        return answer->last;
      },
      kAnswerLimit);
  const std::lock_guard lock(answer->mutex);
  return came ? std::optional(answer->rows) : std::nullopt;
}

std::vector<wire::JobUnit> Operator::job(const wire::MessageId& id) {
  std::vector<wire::JobUnit> units;
  for (const auto& row :
       ask("job", R"({"job":")" + id.str() + "\"}").value_or(std::vector<std::string>())) {
    const auto detail = wire::decode_job_detail(row);
    REQUIRE(detail);
    units.insert(units.end(), detail->units.begin(), detail->units.end());
  }
  return units;
}

std::optional<wire::UnitRow> Operator::unit(const std::string& name) {
  const auto rows = ask("units", R"({"units":[")" + name + "\"]}");
  if (!rows || rows->empty()) {
    return std::nullopt;
  }
  auto row = wire::decode_unit_row(rows->front());
  REQUIRE(row);
  return *row;
}

}  // namespace steward::tests
