#include "tools/stewardctl/job_source.hpp"

#include "tools/stewardctl/targets.hpp"

#include <fmt/format.h>

#include <iterator>

namespace steward::ctl {

namespace {

// A job on many units comes in several rows, each with some of them.
Result<Job> join(const std::vector<std::string>& rows) {
  STEWARD_TRY(auto detail, wire::decode_job_detail(rows.front()));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    STEWARD_TRY(auto more, wire::decode_job_detail(rows[i]));
    std::move(more.units.begin(), more.units.end(), std::back_inserter(detail.units));
  }
  return Job{rows.size() == 1 ? rows.front() : wire::encode(detail), std::move(detail)};
}

}  // namespace

Result<Job> load_job(Session& session, const std::string& text) {
  const auto id = wire::MessageId::parse(text);
  if (!id) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("'{}' is no job id (26 letters and digits). See: stewardctl jobs ls", text));
  }
  wire::QueryRequest request = all_rows();
  request.job = id->str();
  auto answer = session.query("job", request);
  const bool unknown = answer ? answer->rows.empty() : answer.error().code == ErrorCode::not_found;
  if (unknown) {
    request.job.clear();
    request.command = id->str();
    answer = session.query("job", request);
  }
  if (!answer && answer.error().code != ErrorCode::not_found) {
    return tl::unexpected<Error>(answer.error());
  }
  if (!answer || answer->rows.empty()) {
    return failure(ErrorCode::not_found,
                   fmt::format("the station knows no job {}. See: stewardctl jobs ls", id->view()));
  }
  return join(answer->rows);
}

Result<wire::JobDetail> load_command(Session& session, const wire::MessageId& id) {
  wire::QueryRequest request = all_rows();
  request.command = id.str();
  STEWARD_TRY(const auto answer, session.query("command", request));
  if (answer.rows.empty()) {
    return failure(ErrorCode::not_found, fmt::format("the station knows no command {}", id.view()));
  }
  return wire::decode_job_detail(answer.rows.front());
}

}  // namespace steward::ctl
