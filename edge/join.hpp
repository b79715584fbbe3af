#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

// `steward-edge join`: a unit joins a cluster over the bus. It makes its keys and asks by the login
// of a join string, which is good for that alone, until a person has decided. Each step is on disk
// before the next one: begun again, also without the string, it goes on where it was interrupted.
namespace steward::edge {

enum class Joined {
  enrolled,
  refused,  // a person said no, or the name is another key's
  waiting,  // nobody has decided in time
};

struct JoinOrder {
  std::filesystem::path folder;
  std::string text;  // the join string; empty: the one that was given before
  std::optional<std::chrono::milliseconds> patience;  // none: for as long as it takes
};

// `say` gets lines for the person. Ends early by SIGINT or SIGTERM, as `waiting`. Errors:
// bad_payload, unsupported (the string), not_found (there is none), conflict (the folder is another
// unit's, root's or cluster's), those of files and keys.
[[nodiscard]] Result<Joined> join(const JoinOrder& order,
                                  const std::function<void(const std::string&)>& say);

}  // namespace steward::edge
