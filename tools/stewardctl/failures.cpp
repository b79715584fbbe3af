#include "tools/stewardctl/failures.hpp"

#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

std::string failures_text(const std::vector<wire::FailureRow>& rows,
                          const Console& console,
                          wire::Timestamp now) {
  Table table({{"JOB"}, {"AGE", Align::right}, {"UNIT"}, {"STATE"}, {"REASON"}, {"COMMAND"}});
  for (const wire::FailureRow& row : rows) {
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - row.at.value_or(row.created));
    table.add({{row.job.str()},
               {short_age(std::chrono::floor<std::chrono::seconds>(age))},
               {row.unit},
               {std::string(wire::word(row.state)), Paint::bad},
               {reason_text(row)},
               {one_line(row.summary)}});
  }
  return table.render(console.look().out, console.width());
}

void print_jobs(Console& console, const std::vector<wire::FailureRow>& rows) {
  std::vector<wire::MessageId> jobs;
  for (const wire::FailureRow& row : rows) {
    if (std::find(jobs.begin(), jobs.end(), row.job) == jobs.end()) {
      jobs.push_back(row.job);
      console.out(row.job.str() + "\n");
    }
  }
}

}  // namespace

std::string reason_text(const wire::FailureRow& row) {
  if (!row.code.empty()) {
    return row.message.empty() ? row.code : row.code + ": " + one_line(row.message);
  }
  const auto result = wire::parse_json(row.result.empty() ? "{}" : row.result);
  if (result && result->contains("signal") && (*result)["signal"].is_string()) {
    return fmt::format("killed by {}", one_line((*result)["signal"].get<std::string>()));
  }
  if (result && result->contains("exit_code") && (*result)["exit_code"].is_number_integer()) {
    return fmt::format("exit {}", (*result)["exit_code"].get<std::int64_t>());
  }
  return row.message.empty() ? "-" : one_line(row.message);
}

Result<Exit> list_failures(Invocation& invocation, std::int64_t limit) {
  STEWARD_TRY(const auto session, invocation.session());
  wire::QueryRequest request;
  request.limit = limit;
  STEWARD_TRY(const auto answer, session->query("failures", request));
  std::vector<wire::FailureRow> rows;
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_failure_row(text));
    rows.push_back(std::move(row));
  }
  Console& console = invocation.console;
  if (invocation.format == Format::json) {
    console.out(fmt::format("[{}]\n", fmt::join(answer.rows, ",\n ")));
  } else if (invocation.format == Format::jsonl) {
    console.out(fmt::format("{}{}", fmt::join(answer.rows, "\n"), answer.rows.empty() ? "" : "\n"));
  } else if (invocation.format == Format::name) {
    print_jobs(console, rows);
  } else if (rows.empty()) {
    console.note("Nothing has failed.");
  } else {
    std::reverse(rows.begin(), rows.end());  // the newest last, next to the prompt
    console.out(failures_text(rows, console, answer.station_time.value_or(wall_clock())));
    console.note("Send those of a job again: stewardctl jobs retry JOB");
  }
  return Exit::ok;
}

}  // namespace steward::ctl
