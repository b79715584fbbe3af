#pragma once

#include "tools/stewardctl/job_progress.hpp"
#include "tools/stewardctl/receipts.hpp"
#include "tools/stewardctl/verb.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace steward::ctl {

// What is certain of a job that nobody waits for.
struct Custody {
  std::size_t commands = 0;
  std::size_t stored = 0;        // kept by the broker
  std::optional<Error> refusal;  // why the broker does not keep one
  enum class Station { knows, knows_not, silent } station = Station::silent;

  bool is_stored() const { return stored == commands; }

  bool is_known() const { return station == Station::knows; }
};

// Prints a job that was sent, once broker and station are sure of it or a while has passed, and
// says what is not certain. Exit: ok where at least one of the two has it, else no_answer.
[[nodiscard]] Result<Exit> leave(Invocation& invocation,
                                 Session& session,
                                 Receipts& receipts,
                                 const JobProgress& progress);

// What is to be said of it: nothing where both have it.
std::string custody_text(const Custody& custody, const wire::MessageId& job);

}  // namespace steward::ctl
