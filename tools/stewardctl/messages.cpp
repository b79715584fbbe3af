#include "tools/stewardctl/messages.hpp"

#include "subjects/wire/envelope.hpp"
#include "subjects/wire/subject.hpp"
#include "subjects/wire/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace steward::ctl {

namespace {

constexpr std::size_t kEnvelopeBytes = 500;    // of a signed command, with the protocol's own
constexpr std::size_t kLongestTarget = 8'192;  // each unit reads it

// Found as text: rather one too many is kept apart.
bool is_private(const std::string& payload) {
  constexpr std::array<std::string_view, 2> kPrivate{"\"secret_env\"", "\"stdin\""};
  return std::any_of(kPrivate.begin(), kPrivate.end(), [&payload](auto field) {
    return payload.find(field) != std::string::npos;
  });
}

Result<wire::Envelope> envelope_for(const Session& session,
                                    const Order& order,
                                    const std::string& node,
                                    const JobProgress& progress) {
  STEWARD_TRY(
      auto subject,
      wire::Subject::parse(fmt::format("{}.command.{}.{}", node, order.method, order.domain)));
  wire::Envelope envelope = session.envelope(std::move(subject));
  envelope.job = progress.job();
  envelope.expires = envelope.time + order.expires.value_or(wire::kDefaultExpiry);
  return envelope;
}

void note(JobProgress& progress, const std::string& unit, const wire::Envelope& envelope) {
  const auto now = Clock::now();
  progress.add({unit, envelope.id, now, envelope.expires, {}, {}, {}, {}, now});
}

}  // namespace

Result<std::vector<bus::Message>> make_messages(Session& session,
                                                const Order& order,
                                                JobProgress& progress) {
  std::vector<bus::Message> out;
  for (std::size_t i = 0; i < order.units.size(); ++i) {
    STEWARD_TRY(auto envelope, envelope_for(session, order, order.units[i], progress));
    if (!order.repeated.empty()) {
      envelope.ref = order.repeated[i];
    }
    note(progress, order.units[i], envelope);
    out.push_back(
        session.seal(envelope, order.payloads.empty() ? order.payload : order.payloads[i]));
  }
  return out;
}

std::optional<std::string> cheaper_target(const Order& order, std::size_t fleet) {
  if (order.units.size() < 2 || !order.payloads.empty() || is_private(order.payload)) {
    return std::nullopt;
  }
  auto target = wire::target_of(order.units);
  const auto meant = order.units.size();
  const auto single = kEnvelopeBytes + order.payload.size();
  const auto heard_by = std::max(fleet, meant);
  if (target.size() > kLongestTarget ||
      (1 + heard_by) * (single + target.size()) >= 2 * meant * single) {
    return std::nullopt;
  }
  // It must mean these and nobody else.
  auto units = order.units;
  std::sort(units.begin(), units.end());
  const auto read = wire::Target::parse(target);
  return read && read->names() == units ? std::optional(std::move(target)) : std::nullopt;
}

Result<bus::Message> make_broadcast(Session& session,
                                    const Order& order,
                                    const std::string& target,
                                    JobProgress& progress) {
  STEWARD_TRY(auto envelope, envelope_for(session, order, "@all", progress));
  envelope.target = target;
  for (const auto& unit : order.units) {
    note(progress, unit, envelope);
  }
  return session.seal(envelope, order.payload);
}

}  // namespace steward::ctl
