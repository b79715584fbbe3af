#include "steward/station.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/wire/methods.hpp"

#include <utility>

// How units are let in over the bus, and how their logins go on. Each station of a name keeps the
// requests and takes what was decided; the one that acts answers.

namespace steward::station {
namespace {

std::string route_of(const wire::Subject& subject) {
  return subject.method.str() + "." + subject.domain.str();
}

}  // namespace

Result<void> Station::open_enrollment() {
  if (settings_.enrollments) {
    STEWARD_TRY(auto opened, Enrollments::open(*settings_.enrollments));
    enrollments_.emplace(std::move(opened));
  }
  if (settings_.logins) {
    STEWARD_TRY(auto opened, UnitLogins::open(*settings_.logins));
    logins_.emplace(std::move(opened));
  }
  return {};
}

Result<void> Station::hear_enrollment() {
  const auto hear = [this](const std::string& subject) -> Result<void> {
    STEWARD_TRY(auto heard, bus_.subscribe(subject, [this](bus::Message&& message) {
      enroll_inbox_.push(std::move(message));
    }));
    subscriptions_.push_back(std::move(heard));
    return {};
  };
  std::vector<std::string> subjects;
  if (enrollments_) {
    const auto own = settings_.name.str() + ".command.";
    subjects = {"*.event." + std::string(wire::kEnrollRequestRoute),
                own + std::string(wire::kEnrollBundleRoute),
                own + std::string(wire::kEnrollRejectRoute)};
  }
  if (logins_) {
    subjects.push_back("*.event." + std::string(wire::kEnrollRenewRoute));
  }
  for (const auto& subject : subjects) {
    if (auto heard = hear(subject); !heard) {
      return heard;
    }
  }
  return {};
}

// Whoever sends a command waits for the station's word.
void Station::drain_enrollment() {
  for (auto& message : enroll_inbox_.take()) {
    enroll_inbox_.release(Inbox::size_of(message));
    const std::string inbox = message.reply;
    const auto subject = message.subject;
    const auto done = enroll(std::move(message));
    if (!done) {
      bus_complaint_.say("enrollment, " + subject + ": " + done.error().text());
    }
    if (inbox.empty() || !acting()) {
      continue;
    }
    ChunkWriter word([this, &inbox](std::string chunk) { send_chunk(inbox, std::move(chunk)); });
    done ? word.finish() : word.fail(done.error());
  }
}

Result<void> Station::enroll(bus::Message&& message) {
  const bool is_rejection =
      message.subject == settings_.name.str() + ".command." + std::string(wire::kEnrollRejectRoute);
  // A rejection needs a right; everything else is believed for what it brings.
  const auto opened = is_rejection
                          ? channel_.open_command(settings_.name, std::move(message), clock_.now())
                          : channel_.open(std::move(message), clock_.now());
  if (!opened) {
    return tl::unexpected<Error>(opened.error().error);
  }
  const auto route = route_of(opened->transport);
  if (is_rejection) {
    return turn_away(*opened);
  }
  if (route == wire::kEnrollBundleRoute) {
    return let_in(*opened);
  }
  return route == wire::kEnrollRenewRoute ? renew_login(*opened) : take_request(*opened);
}

Result<void> Station::take_request(const bus::Opened& opened) {
  const auto& unit = opened.transport.node;
  if (!unit) {
    return failure(ErrorCode::bad_subject, "a request of no unit");
  }
  const auto policy = guard_ == nullptr ? nullptr : guard_->policy();
  const auto told = enrollments_->ask(*unit,
                                      opened.payload,
                                      policy ? policy->denied_keys() : std::set<std::string>(),
                                      clock_.now());
  if (!told) {
    return tl::unexpected<Error>(told.error());
  }
  tell_enrolling(unit->str(), *told);
  return {};
}

void Station::tell_enrolling(const std::string& unit, const Enrollments::Answer& told) {
  if (!acting()) {
    return;
  }
  const auto to = unit + ".command.";
  send(to + std::string(wire::kEnrollStatusRoute), wire::encode(told.status));
  if (!told.bundle.empty()) {
    send(to + std::string(wire::kEnrollBundleRoute), told.bundle, "text/plain");
  }
}

// The channel has seen that the unit's own key has signed it, and that it is not denied.
Result<void> Station::renew_login(const bus::Opened& opened) {
  const auto& unit = opened.transport.node;
  if (!acting() || !unit) {
    return {};
  }
  if (!channel_.guarded()) {
    return failure(ErrorCode::not_signed, "logins are renewed where messages are signed");
  }
  STEWARD_TRY(const auto jwt, logins_->renew(*unit, clock_.now(), clock_.steady()));
  log_.info("a new login for " + unit->str());
  send(unit->str() + ".command." + std::string(wire::kEnrollLoginRoute), jwt, "text/plain");
  return {};
}

Result<void> Station::let_in(const bus::Opened& opened) {
  STEWARD_TRY(const auto let_in, enrollments_->approve(opened.payload, clock_.now()));
  log_.info(let_in.unit.str() + " is let in");
  fold_.note(let_in.unit.str() + " is let into the cluster", now());
  const auto& rows = enrollments_->rows({let_in.unit.str()});
  if (!rows.empty()) {
    tell_enrolling(let_in.unit.str(),
                   {{rows.front().state, rows.front().fingerprint, ""}, let_in.bundle});
  }
  return {};
}

Result<void> Station::turn_away(const bus::Opened& opened) {
  STEWARD_TRY(const auto rejection, wire::decode_enrollment_rejection(opened.payload));
  const auto by = opened.envelope.source.str();
  STEWARD_TRY(const auto told, enrollments_->reject(rejection, by, clock_.now()));
  fold_.note(rejection.unit + " is not let in, by " + by, now());
  tell_enrolling(rejection.unit, told);
  return {};
}

}  // namespace steward::station
