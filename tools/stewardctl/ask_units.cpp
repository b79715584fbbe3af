#include "tools/stewardctl/ask_units.hpp"

#include "subjects/wire/ack.hpp"
#include "tools/stewardctl/send.hpp"

#include <utility>

namespace steward::ctl {

namespace {

constexpr std::chrono::minutes kExpiry{1};

class SilentView final : public JobView {
 public:
  void started(const JobProgress&) override {}

  void acked(const UnitProgress&, std::chrono::milliseconds) override {}

  void output(const UnitProgress&, const wire::ShellEvent&) override {}

  void ended(const UnitProgress&, std::chrono::milliseconds) override {}

  void tick(const JobProgress&) override {}

  void finished(const JobProgress&) override {}
};

bool is_of(const JobProgress& progress, const Delivery& delivery) {
  const auto ack = wire::decode_ack(delivery.message.payload);
  return ack && progress.has(ack->ref);
}

}  // namespace

Result<JobProgress> ask_units(Session& session,
                              const std::string& method,
                              const std::string& domain,
                              const std::vector<UnitQuestion>& questions,
                              Patience patience,
                              std::function<void(const Delivery&)> others) {
  Order order;
  order.method = method;
  order.domain = domain;
  order.expires = kExpiry;
  for (const auto& question : questions) {
    order.units.push_back(question.unit);
    order.payloads.push_back(question.payload);
  }
  JobProgress progress(session.new_id(), method, domain);
  STEWARD_TRY(const auto messages, make_messages(session, order, progress));
  SilentView silent;
  Follower follower(session, progress, silent, patience);
  if (auto listening = follower.listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  follower.also_hear([&progress, &others](const Delivery& delivery) {
    if (others && !is_of(progress, delivery)) {
      others(delivery);
    }
    return false;  // an answer of the station may be among them
  });
  for (const auto& message : messages) {
    if (auto sent = session.publish(message); !sent) {
      return tl::unexpected<Error>(std::move(sent).error());
    }
  }
  follower.run();
  return progress;
}

}  // namespace steward::ctl
