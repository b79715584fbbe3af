#pragma once

#include "tools/stewardctl/follow.hpp"
#include "tools/stewardctl/messages.hpp"
#include "tools/stewardctl/rollout.hpp"
#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

// How a person wants it sent.
struct Sending {
  bool no_wait = false;
  bool dry_run = false;
  bool until_running = false;  // wait for the beginning, not for the end
  std::string wait = "10s";
  std::string expires;
  RolloutArguments rollout = {};
};

void declare_sending(Syntax& syntax, Sending& sending);

// Sends one message to each unit under one job id, or one to all where that is cheaper
// (cheaper_target), and follows it to its end. With --no-wait it
// ends once the broker keeps the messages and the station knows them, and says what of that is not
// so. Where a rollout is wanted the station gets the messages, and publishes them in its groups.
// The first word of errors is what could not be sent. Errors: bad_config, unavailable, too_large.
[[nodiscard]] Result<Exit> send_order(Invocation& invocation,
                                      Session& session,
                                      Order order,
                                      const Sending& sending,
                                      std::optional<std::chrono::milliseconds> command_timeout);

// Follows a job that is there already, to its end or to Ctrl-C.
[[nodiscard]] Result<Exit> follow_job(Invocation& invocation,
                                      Session& session,
                                      JobProgress& progress,
                                      Patience patience);

// A file's bytes; "-" is stdin. Errors: not_found as bad_config, io, permission.
[[nodiscard]] Result<std::string> read_input(const std::string& path);

}  // namespace steward::ctl
