#pragma once

#include "subjects/wire/query.hpp"
#include "tools/stewardctl/session.hpp"

#include <string>

namespace steward::ctl {

// A job as the station has it.
struct Job {
  std::string text;  // JSON
  wire::JobDetail detail;
};

// By the id of the job, or of one of its commands. Errors: bad_config (not an id), not_found, those
// of Session::query.
[[nodiscard]] Result<Job> load_job(Session& session, const std::string& id);

// One command of a job: the head is about this command, its payload with it. Errors as above.
[[nodiscard]] Result<wire::JobDetail> load_command(Session& session, const wire::MessageId& id);

}  // namespace steward::ctl
