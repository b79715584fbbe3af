#pragma once

#include "subjects/wire/rollout.hpp"
#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

// How a person wants a command rolled out; empty: at once, to all.
struct RolloutArguments {
  std::string batch;
  std::string canary;
  std::string max_fail;
  std::string pause;
  std::string unit_timeout;
  bool approve = false;

  bool is_wanted() const {
    return approve || !batch.empty() || !canary.empty() || !max_fail.empty() || !pause.empty() ||
           !unit_timeout.empty();
  }
};

void declare_rollout(Syntax& syntax, RolloutArguments& arguments);

// What the person wants of so many units. `command_time`: how long the command itself may take.
// Errors: bad_config.
[[nodiscard]] Result<wire::RolloutPlan> rollout_plan(
    const RolloutArguments& arguments,
    const wire::MessageId& job,
    std::size_t units,
    std::optional<std::chrono::milliseconds> command_time);

// The messages that hand a rollout over: the plan, then its sealed commands in chunks. Errors:
// too_large (the payload, with what a message holds).
[[nodiscard]] Result<std::vector<std::string>> hand_over_payloads(
    const wire::RolloutPlan& plan, const std::vector<bus::Message>& commands);

enum class Following { to_the_end, none };

// Hands a rollout over to the station, until that has it whole, and follows it. Errors: too_large,
// no_space, unavailable, timed_out (the station does not take it).
[[nodiscard]] Result<Exit> start_rollout(Invocation& invocation,
                                         Session& session,
                                         const wire::RolloutPlan& plan,
                                         const std::vector<bus::Message>& commands,
                                         Following following);

// Shows how a rollout goes on until it has ended, halted, or waits for nothing but units that are
// away. Errors: not_found.
[[nodiscard]] Result<Exit> follow_rollout(Invocation& invocation,
                                          Session& session,
                                          const wire::MessageId& job);

// None where the station knows no such rollout. Errors: the query's.
[[nodiscard]] Result<std::optional<wire::RolloutRow>> find_rollout(Session& session,
                                                                   const wire::MessageId& job);

// "group 2 of 11   held 160  running 20  done 20  failed 1": what is nought is left out.
std::string rollout_text(const wire::RolloutRow& row);

// What a person can do about it as it stands; empty: nothing has to be done.
std::string next_step(const wire::RolloutRow& row);

// How its units have come out.
Exit exit_of(const wire::RolloutRow& row);

}  // namespace steward::ctl
