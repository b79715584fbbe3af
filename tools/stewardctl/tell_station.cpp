#include "tools/stewardctl/tell_station.hpp"

#include "subjects/wire/envelope.hpp"
#include "tools/stewardctl/receipts.hpp"

#include <fmt/format.h>

namespace steward::ctl {

namespace {

constexpr std::chrono::milliseconds kTellingRound{50};

}  // namespace

Result<void> tell_station(Session& session,
                          std::string_view method,
                          std::string payload,
                          const std::function<Result<bool>(const wire::MessageId& id)>& is_done) {
  STEWARD_TRY(
      auto subject,
      wire::Subject::parse(fmt::format("{}.command.{}.fleet", session.settings().station, method)));
  STEWARD_TRY(const auto receipts, Receipts::open(session));
  const auto envelope = session.envelope(std::move(subject));
  auto message = session.seal(envelope, std::move(payload));
  receipts->ask_for(message);
  if (auto sent = session.publish(message); !sent) {
    return sent;
  }
  const auto deadline = Clock::now() + session.settings().timeout;
  while (Clock::now() < deadline) {
    const bool interrupted =
        session.wait(Clock::now() + kTellingRound) == Session::Woken::interrupted;
    for (const Delivery& delivery : session.take()) {
      receipts->take(delivery);
    }
    if (receipts->refusal()) {
      return tl::unexpected<Error>(*receipts->refusal());
    }
    STEWARD_TRY(const bool done, is_done(envelope.id));
    if (done || interrupted) {
      return {};
    }
  }
  return failure(ErrorCode::timed_out,
                 fmt::format("station '{}' has not done it. It may not be allowed by the policy "
                             "(method {}, domain fleet): see its log, and stewardctl events",
                             session.settings().station,
                             method));
}

}  // namespace steward::ctl
