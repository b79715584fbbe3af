#include "tools/stewardctl/send.hpp"

#include "subjects/wire/envelope.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/job_view.hpp"
#include "tools/stewardctl/leave.hpp"
#include "tools/stewardctl/receipts.hpp"
#include "tools/stewardctl/rights.hpp"
#include "tools/stewardctl/targets.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <optional>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

// Running units are no failure where nobody wants to wait for their end.
Exit after(Follower::Ending ending, Console& console, const JobProgress& progress) {
  if (ending == Follower::Ending::finished) {
    return progress.exit();
  }
  const bool interrupted = ending == Follower::Ending::interrupted;
  console.note(fmt::format("Detached: the job goes on. See: stewardctl jobs {} {}",
                           interrupted ? "show" : "logs -f",
                           progress.job().view()));
  if (interrupted) {
    return Exit::interrupted;
  }
  const auto silent = std::count_if(progress.units().begin(),
                                    progress.units().end(),
                                    [](const auto& unit) { return unit.given_up; });
  return progress.counts().failed > 0 || silent > 0 ? progress.exit() : Exit::ok;
}

// A unit may be away for long, and its turn comes late.
constexpr std::chrono::hours kRolloutExpiry{24 * 7};

// One message for each unit in their order, or one for all of them.
using Messages = std::vector<bus::Message>;

const bus::Message& message_for(const Messages& messages, std::size_t unit) {
  return messages.size() == 1 ? messages.front() : messages[unit];
}

std::string dry_row(const std::string& unit,
                    const bus::Message& message,
                    const std::optional<identity::Verdict>& verdict) {
  nlohmann::json headers = nlohmann::json::object();
  for (const auto& [name, value] : message.headers) {
    headers[name] = value;
  }
  const auto payload = wire::parse_json(message.payload);
  nlohmann::json out{{"kind", "dry_run"},
                     {"unit", unit},
                     {"subject", message.subject},
                     {"headers", headers},
                     {"payload", payload ? *payload : nlohmann::json(nullptr)}};
  if (verdict) {
    out["verdict"] = {
        {"allowed", verdict->allowed}, {"rule", verdict->rule}, {"reason", verdict->reason}};
  }
  return wire::dump_json(out) + "\n";
}

// A message that goes to many is shown once, with whom it is for.
std::string dry_text(const std::string& unit,
                     bool first,
                     bool to_all,
                     const bus::Message& message,
                     const std::optional<identity::Verdict>& verdict) {
  std::string out;
  if (first || !to_all) {
    out = fmt::format("{}\n  {}\n", message.subject, message.payload);
    if (to_all) {
      out += fmt::format("  for {}\n", message.headers.find("ce-target").value_or(""));
    }
  }
  if (verdict) {
    out += fmt::format("  {}{}: {}\n",
                       to_all ? unit + ": " : "",
                       verdict->allowed ? "allowed" : "denied",
                       verdict->reason);
  }
  return out;
}

// Each message, and where messages are signed what the policy says of it.
Result<Exit> show_dry(Invocation& invocation,
                      Session& session,
                      const Order& order,
                      const Messages& messages) {
  Console& console = invocation.console;
  auto asked = ask_policy(session);
  if (!asked && !is_silence(asked.error())) {
    return tl::unexpected<Error>(std::move(asked).error());
  }
  const auto policy = asked.value_or(std::nullopt);
  const bool to_all = messages.size() < order.units.size();
  std::size_t denied = 0;
  for (std::size_t i = 0; i < order.units.size(); ++i) {
    const std::string& unit = order.units[i];
    const bus::Message& message = message_for(messages, i);
    const auto verdict = policy ? std::optional(judge(*policy, message, unit)) : std::nullopt;
    denied += verdict && !verdict->allowed ? 1 : 0;
    console.out(invocation.is_table() ? dry_text(unit, i == 0, to_all, message, verdict)
                                      : dry_row(unit, message, verdict));
  }
  console.note(fmt::format("{}, nothing sent (--dry-run)", counted(order.units.size(), "unit")));
  if (policy) {
    console.note(fmt::format("By policy version {}, as the station has it", policy->version()));
  }
  return denied == 0 ? Exit::ok : Exit::denied;
}

// One for all where that is cheaper than one for each; who is not sure of how many would hear it
// sends one for each.
Result<Messages> messages_of(Session& session, const Order& order, JobProgress& progress) {
  if (cheaper_target(order, order.units.size())) {
    const auto fleet = fleet_size(session);
    if (const auto target = fleet ? cheaper_target(order, *fleet) : std::nullopt; target) {
      STEWARD_TRY(auto message, make_broadcast(session, order, *target, progress));
      return Messages{std::move(message)};
    }
  }
  return make_messages(session, order, progress);
}

}  // namespace

void declare_sending(Syntax& syntax, Sending& sending) {
  syntax.option("--wait", sending.wait, "TIME", "give up on a unit without a word after (10s)");
  syntax.option("--expires", sending.expires, "TIME", "do not start it later than that (1h)");
  syntax.flag("--no-wait", sending.no_wait, "send, print the job's id, do not wait");
  syntax.flag("--dry-run", sending.dry_run, "show what would go to whom, and if it may");
}

Result<Exit> send_order(Invocation& invocation,
                        Session& session,
                        Order order,
                        const Sending& sending,
                        std::optional<milliseconds> command_timeout) {
  STEWARD_TRY(const auto offline, parse_duration(sending.wait));
  if (!sending.expires.empty()) {
    STEWARD_TRY(const auto expires, parse_duration(sending.expires));
    order.expires = expires;
  }
  if (order.expires && *order.expires > wire::kLongestExpiry) {
    return failure(ErrorCode::bad_config, "--expires: at most 30d");
  }
  const bool rolls_out = sending.rollout.is_wanted();
  if (rolls_out) {
    order.expires = order.expires.value_or(kRolloutExpiry);
  }
  JobProgress progress(session.new_id(), order.method, order.domain);
  STEWARD_TRY(auto plan,
              rollout_plan(sending.rollout, progress.job(), order.units.size(), command_timeout));
  STEWARD_TRY(
      auto messages,
      rolls_out ? make_messages(session, order, progress) : messages_of(session, order, progress));
  if (sending.dry_run) {
    return show_dry(invocation, session, order, messages);
  }
  if (auto sure = confirm(invocation,
                          fmt::format("{}.{}", order.method, order.domain),
                          order.units.size(),
                          session.settings().confirm_over);
      !sure) {
    return tl::unexpected<Error>(sure.error());
  }
  if (rolls_out) {
    plan.method = order.method;
    plan.domain = order.domain;
    plan.payload = order.payload;
    return start_rollout(invocation,
                         session,
                         plan,
                         messages,
                         sending.no_wait ? Following::none : Following::to_the_end);
  }
  const auto view = job_view(invocation, offline);
  Follower follower(session, progress, *view, {offline, command_timeout, sending.until_running});
  if (auto listening = sending.no_wait ? Result<void>() : follower.listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  STEWARD_TRY(const auto receipts, Receipts::open(session));
  follower.also_hear([&invocation, &receipts](const Delivery& delivery) {
    const bool refused_before = receipts->refusal().has_value();
    const bool taken = receipts->take(delivery);
    if (!refused_before && receipts->refusal()) {
      invocation.console.warn(receipts->refusal()->message);
    }
    return taken;
  });
  if (order.retries) {
    invocation.console.note(fmt::format("Sending what failed in job {} again, to {}",
                                        order.retries->view(),
                                        counted(order.units.size(), "unit")));
  }
  for (bus::Message& message : messages) {
    receipts->ask_for(message);
    if (auto sent = session.publish(message); !sent) {
      return tl::unexpected<Error>(std::move(sent).error().with_context("send " + message.subject));
    }
  }
  if (sending.no_wait) {
    if (auto flushed = session.bus().flush(kFlushTimeout); !flushed) {
      return tl::unexpected<Error>(flushed.error());
    }
    return leave(invocation, session, *receipts, progress);
  }
  return after(follower.run(), invocation.console, progress);
}

Result<Exit> follow_job(Invocation& invocation,
                        Session& session,
                        JobProgress& progress,
                        Patience patience) {
  const auto view = job_view(invocation, patience.offline);
  Follower follower(session, progress, *view, patience);
  if (auto listening = follower.listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  return after(follower.run(), invocation.console, progress);
}

namespace {

// None where reading fails on the way, as that of a folder does.
std::optional<std::string> read_stream(std::istream& in) {
  std::string text;
  std::array<char, 65'536> block{};
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  return in.bad() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
  }
  auto text = file ? read_stream(path == "-" ? std::cin : file) : std::nullopt;
  if (!text) {
    return failure(ErrorCode::bad_config, system_error(errno, "read " + path).message);
  }
  return *std::move(text);
}

}  // namespace steward::ctl
