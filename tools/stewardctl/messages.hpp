#pragma once

#include "tools/stewardctl/job_progress.hpp"
#include "tools/stewardctl/session.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

// One command for many units, as `run` and `call` make it.
struct Order {
  std::vector<std::string> units;
  std::string method;
  std::string domain;
  std::string payload;                               // JSON text
  std::optional<std::chrono::milliseconds> expires;  // none: the contract's hour
  // A job that is sent again: for each unit what it is to do, and the command that this repeats.
  std::vector<std::string> payloads;
  std::vector<wire::MessageId> repeated;
  std::optional<wire::MessageId> retries;
};

// A message for each unit, in their order, each noted in `progress`. Errors: bad_subject.
[[nodiscard]] Result<std::vector<bus::Message>> make_messages(Session& session,
                                                              const Order& order,
                                                              JobProgress& progress);

// The ce-target of a broadcast that brings the order to its units in fewer bytes than a message for
// each would, to the broker and from it; `fleet`: how many units hear a broadcast. None where a
// message for each is cheaper, where what it says differs, or where it is nobody else's to read:
// input and secrets go to those who are meant only.
std::optional<std::string> cheaper_target(const Order& order, std::size_t fleet);

// One message to all of which `target` are meant: the order's units, each noted in `progress` with
// its id. Errors: bad_subject.
[[nodiscard]] Result<bus::Message> make_broadcast(Session& session,
                                                  const Order& order,
                                                  const std::string& target,
                                                  JobProgress& progress);

}  // namespace steward::ctl
