#pragma once

#include "subjects/wire/osupdate.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {

// Since when this unit knows of each version that it is offered: some want an update to have been
// out for a while before they take it. A file; each object reads it anew, and one that cannot be
// read is empty: all is new then.
class Seen {
 public:
  explicit Seen(std::filesystem::path file);

  // What a plan offers. A clock that is behind counts for nothing: what was first seen later than
  // now is seen now. Forgets what nobody has offered for long. On disk when it returns. Errors: io,
  // no_space, permission.
  [[nodiscard]] Result<void> note(const wire::UpdatePlan& plan, wire::Timestamp now);

  // The packages of a plan in a version that was not there yet so long ago.
  std::vector<std::string> younger(const wire::UpdatePlan& plan,
                                   std::chrono::milliseconds age,
                                   wire::Timestamp now) const;

 private:
  struct Times {
    wire::Timestamp first;
    wire::Timestamp last;  // within a day
  };

  [[nodiscard]] Result<void> save() const;

  const std::filesystem::path file_;
  std::map<std::string, Times> seen_;  // by "bash=5.2-2"
};

}  // namespace steward::handlers::osupdate
