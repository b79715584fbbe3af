#pragma once

#include "tools/stewardctl/follow.hpp"
#include "tools/stewardctl/verb.hpp"

#include <memory>
#include <string>

namespace steward::ctl {

// Live output with unit names before the lines, a progress bar, and a line for each unit at the
// end. A job on one unit prints its output as it is, stdout to stdout, so that it can be piped on.
// `silence` is how long a unit may be without a word, for the text that says so.
std::unique_ptr<JobView> table_job_view(Console& console, std::chrono::milliseconds silence);

// One JSON object a line: discovery, ack, output, result, summary.
std::unique_ptr<JobView> jsonl_job_view(Console& console);

// One JSON object at the end: {job, units: [result ...], summary}.
std::unique_ptr<JobView> json_job_view(Console& console);

// The job's id and nothing else.
std::unique_ptr<JobView> name_job_view(Console& console);

std::unique_ptr<JobView> job_view(const Invocation& invocation, std::chrono::milliseconds silence);

// "exit 3", "killed by KILL", "timed out", "refused: no_handler: ...", as one unit ended.
std::string ending_text(const UnitProgress& unit);

// " acked [####----] 2/4   done [##------] 1/4  0:03"
std::string progress_line(const JobProgress::Counts& counts,
                          std::size_t units,
                          std::chrono::seconds running,
                          Letters letters);

}  // namespace steward::ctl
