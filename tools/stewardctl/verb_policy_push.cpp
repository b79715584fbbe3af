#include "subjects/identity/files.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/wire/methods.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/policy_push.hpp"
#include "tools/stewardctl/rights.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace steward::ctl {

namespace {

using identity::Policy;
using std::chrono::milliseconds;

constexpr milliseconds kPolicyPause{300};

struct PolicyPushArguments {
  std::string file;
  std::string wait = "15s";
};

Result<Policy> signed_policy(const std::string& document) {
  const auto body = identity::body_of(document);
  if (body.size() == document.size()) {
    return failure(ErrorCode::bad_config,
                   "it is not signed: stewardctl policy sign FILE --key FILE --out FILE");
  }
  return Policy::parse(body);
}

// A policy goes only forward; a station that does not answer us says nothing against it.
Result<void> check_version(Session& session, Console& console, const Policy& policy) {
  const auto present = ask_policy(session);
  if (!present) {
    console.warn("the station cannot be asked for its policy: " + present.error().message);
    return {};
  }
  if (*present && (*present)->version() > policy.version()) {
    return failure(ErrorCode::denied,
                   fmt::format("the station has version {} already, this is version {}",
                               (*present)->version(),
                               policy.version()));
  }
  return {};
}

struct Spread {
  std::size_t have = 0;
  std::size_t lack = 0;  // and are there
  std::size_t away = 0;
};

Result<Spread> ask_spread(Session& session, const Policy& policy) {
  STEWARD_TRY(const auto answer, session.query("units", all_rows()));
  STEWARD_TRY(const auto rows, decode_unit_rows(answer));
  Spread spread;
  for (const auto& row : rows) {
    if (row.hello.policy && *row.hello.policy >= static_cast<std::int64_t>(policy.version())) {
      ++spread.have;
    } else if (row.hello.policy && row.state == wire::UnitState::up) {
      ++spread.lack;
    } else {
      ++spread.away;
    }
  }
  return spread;
}

Result<Exit> follow_policy(Invocation& invocation,
                           Session& session,
                           const Policy& policy,
                           milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (true) {
    const auto spread = ask_spread(session, policy);
    if (!spread) {
      return failure(spread.error().code,
                     "sent, but how far it came is not known: " + spread.error().message);
    }
    if (spread->lack == 0 || Clock::now() >= until) {
      invocation.console.out(fmt::format("version {}: on {}, {} there without it, {} away\n",
                                         policy.version(),
                                         counted(spread->have, "unit"),
                                         spread->lack,
                                         spread->away));
      return spread->lack == 0 ? Exit::ok : Exit::no_answer;
    }
    if (session.wait(std::min(until, Clock::now() + kPolicyPause)) == Session::Woken::interrupted) {
      return Exit::interrupted;
    }
    session.take();
  }
}

// The overlap beside a policy that stewardctl ca rotate has made: nobody takes the policy before
// it. Units that come later have it from the station.
std::string overlap_before(const std::string& file, const Policy& policy) {
  auto document = identity::read_file(std::filesystem::path(file).parent_path() / "overlap.signed");
  const auto overlap = document ? signed_policy(*document) : tl::unexpected(document.error());
  return overlap && overlap->version() + 1 == policy.version() ? *std::move(document) : "";
}

Result<Exit> push(Invocation& invocation, const PolicyPushArguments& arguments) {
  STEWARD_TRY(const auto patience, parse_duration(arguments.wait));
  const auto wrong = [&arguments](const Error& error) {
    return failure(ErrorCode::bad_config, arguments.file + ": " + error.message);
  };
  auto document = identity::read_file(arguments.file);
  if (!document) {
    return wrong(document.error());
  }
  const auto policy = signed_policy(*document);
  if (!policy) {
    return wrong(policy.error());
  }
  return push_policy(
      invocation, *std::move(document), patience, overlap_before(arguments.file, *policy));
}

}  // namespace

Result<Exit> push_policy(Invocation& invocation,
                         std::string document,
                         milliseconds patience,
                         std::string before) {
  STEWARD_TRY(const auto policy, signed_policy(document));
  STEWARD_TRY(const auto session, invocation.session());
  if (auto forward = check_version(*session, invocation.console, policy); !forward) {
    return tl::unexpected<Error>(std::move(forward).error());
  }
  STEWARD_TRY(const auto subject,
              wire::Subject::parse("@all.command." + std::string(wire::kPolicyRoute)));
  for (auto* const each : {&before, &document}) {
    if (each->empty()) {
      continue;
    }
    auto envelope = session->envelope(subject);
    envelope.content_type = "text/plain";
    if (auto sent = session->publish(session->seal(envelope, std::move(*each))); !sent) {
      return tl::unexpected<Error>(std::move(sent).error());
    }
  }
  if (auto flushed = session->bus().flush(kFlushTimeout); !flushed) {
    return tl::unexpected<Error>(flushed.error());
  }
  return follow_policy(invocation, *session, policy, patience);
}

Verb policy_push_verb() {
  return {"policy push",
          "bring a signed policy to all units",
          "Each unit believes it for its own signature, and takes it only if its version is\n"
          "higher than that of the one it has. The station keeps it, and gives it to units\n"
          "that are away when they are back. After ca rotate, overlap.signed beside FILE\n"
          "goes before it.",
          "stewardctl policy push policy.signed",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<PolicyPushArguments>();
            syntax.positional("FILE", arguments->file, Syntax::Presence::required);
            syntax.option("--wait", arguments->wait, "TIME", "for units to say they have it (15s)");
            return [arguments](Invocation& invocation) { return push(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
