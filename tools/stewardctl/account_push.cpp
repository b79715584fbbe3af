#include "tools/stewardctl/account_push.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/methods.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

constexpr const char* kRevoker = "revoker";  // as the cluster's folder names that login
constexpr milliseconds kServerPause{100};
constexpr milliseconds kAnswer{2'000};

// The broker's own account, as seen by whoever may bring it other accounts.
Result<std::unique_ptr<Session>> as_revoker(const Invocation& invocation,
                                            const std::filesystem::path& folder) {
  STEWARD_TRY(auto settings, invocation.settings());
  auto& connection = settings.connection;
  connection.user.clear();
  connection.password.clear();
  connection.token.clear();
  connection.signing_key.clear();
  connection.inbox_prefix.clear();
  connection.credentials_file = (folder / "offline/system.creds").string();
  connection.operator_id = kRevoker;
  return Session::open(settings);
}

// What the broker answers; none where it hears no such thing, or is silent.
Result<std::optional<nlohmann::json>> ask_server(Session& session,
                                                 const std::string& subject,
                                                 const std::string& payload) {
  const auto inbox = session.bus().new_inbox();
  STEWARD_TRY(const auto heard, session.bus().subscribe(inbox, session.sink()));
  if (auto sent = session.publish({subject, {}, payload, inbox}); !sent) {
    return tl::unexpected<Error>(std::move(sent).error());
  }
  const auto until = Clock::now() + kAnswer;
  while (session.wait(until) != Session::Woken::interrupted) {
    for (const auto& delivery : session.take()) {
      if (delivery.message.subject != inbox) {
        continue;
      }
      if (delivery.message.payload.empty()) {
        return std::nullopt;
      }
      return wire::parse_json(delivery.message.payload).map([](auto json) {
        return std::optional(std::move(json));
      });
    }
    if (Clock::now() >= until) {
      return std::nullopt;
    }
  }
  return failure(ErrorCode::timed_out, "interrupted");
}

// Whether a broker takes accounts from the bus and has taken this one.
Result<bool> update(Session& session, const std::string& account_jwt) {
  STEWARD_TRY(const auto answer, ask_server(session, "$SYS.REQ.CLAIMS.UPDATE", account_jwt));
  if (!answer) {
    return false;
  }
  if (const auto error = answer->find("error"); error != answer->end()) {
    return failure(ErrorCode::unavailable, "the broker refuses the account: " + error->dump());
  }
  return true;
}

Result<bool> is_in_force(Session& session,
                         const std::string& account,
                         const std::string& account_jwt) {
  STEWARD_TRY(const auto answer, ask_server(session, "$SYS.REQ.ACCOUNT." + account + ".INFO", ""));
  if (!answer) {
    return false;
  }
  const auto data = answer->find("data");
  return data != answer->end() && data->is_object() && data->value("jwt", "") == account_jwt;
}

Result<void> give_to_station(Session& session, const std::string& account_jwt) {
  STEWARD_TRY(auto subject,
              wire::Subject::parse(session.settings().station + ".command." +
                                   std::string(wire::kAccountRoute)));
  auto envelope = session.envelope(std::move(subject));
  envelope.content_type = "text/plain";
  return session.publish(session.seal(envelope, account_jwt));
}

}  // namespace

Result<void> push_account(Invocation& invocation,
                          const std::filesystem::path& folder,
                          const std::string& account_jwt,
                          milliseconds patience) {
  const auto account_file = folder / "station/account";
  STEWARD_TRY(const auto text, identity::read_file(account_file));
  const auto account = text.substr(0, text.find('\n'));
  STEWARD_TRY(const auto revoker, as_revoker(invocation, folder));
  STEWARD_TRY(const auto taken, update(*revoker, account_jwt));
  std::unique_ptr<Session> own;
  if (!taken) {
    STEWARD_TRY(own, invocation.session());
    if (auto given = give_to_station(*own, account_jwt); !given) {
      return given;
    }
  }
  for (const auto until = Clock::now() + patience;;) {
    STEWARD_TRY(const auto there, is_in_force(*revoker, account, account_jwt));
    if (there) {
      return {};
    }
    if (Clock::now() >= until) {
      return failure(ErrorCode::timed_out,
                     "the broker has not taken it in time: whoever is revoked may still be in. "
                     "Run this again where broker and station can be reached");
    }
    if (revoker->wait(std::min(until, Clock::now() + kServerPause)) ==
        Session::Woken::interrupted) {
      return failure(ErrorCode::timed_out, "interrupted");
    }
  }
}

}  // namespace steward::ctl
