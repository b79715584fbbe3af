#include "tools/stewardctl/completion.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

namespace steward::ctl {

namespace {

// Somebody waits at the prompt with a finger on Tab.
constexpr std::chrono::milliseconds kCompletionPatience{500};

Result<std::vector<std::string>> ask_units(Invocation& invocation) {
  STEWARD_TRY(const auto session, invocation.session(kCompletionPatience));
  STEWARD_TRY(const auto answer, session->query("units", all_rows(), kCompletionPatience));
  STEWARD_TRY(const auto rows, decode_unit_rows(answer));
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    out.push_back(row.unit);
  }
  return out;
}

Result<std::vector<std::string>> ask_jobs(Invocation& invocation) {
  STEWARD_TRY(const auto session, invocation.session(kCompletionPatience));
  wire::QueryRequest request;
  request.limit = 50;
  STEWARD_TRY(const auto answer, session->query("jobs", request, kCompletionPatience));
  std::vector<std::string> out;
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(const auto row, wire::decode_job_row(text));
    out.push_back(row.job.str());
  }
  return out;
}

Result<std::vector<std::string>> candidates(Invocation& invocation,
                                            const std::vector<std::string>& words) {
  const Completion completion = complete(words, all_verbs());
  const std::string last = words.empty() ? "" : words.back();
  std::vector<std::string> known;
  switch (completion.wanted) {
    case Wanted::nothing:
    case Wanted::candidates:
      return completion.candidates;
    case Wanted::units: {
      STEWARD_TRY(known, ask_units(invocation));
      break;
    }
    case Wanted::jobs: {
      STEWARD_TRY(known, ask_jobs(invocation));
      break;
    }
    case Wanted::contexts:
      known = invocation.contexts.names();
      break;
  }
  return complete_units(last, known);
}

// What goes wrong here is silent: an error message in the middle of a typed line helps nobody.
Result<Exit> complete_words(Invocation& invocation) {
  const auto found =
      candidates(invocation, invocation.command.value_or(std::vector<std::string>()));
  if (found) {
    for (const std::string& candidate : *found) {
      invocation.console.out(candidate + "\n");
    }
  }
  return Exit::ok;
}

}  // namespace

Verb completion_verb() {
  return {
      "completion",
      "completion scripts for bash, zsh and fish",
      "It completes verbs, options, names of units (asked from the station), jobs and contexts.",
      "eval \"$(stewardctl completion bash)\"\n"
      "stewardctl completion fish | source",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto shell = std::make_shared<std::string>();
        syntax.positional("SHELL", *shell, Syntax::Presence::required);
        return [shell](Invocation& invocation) -> Result<Exit> {
          STEWARD_TRY(const auto script, completion_script(*shell));
          invocation.console.out(script);
          return Exit::ok;
        };
      }};
}

Verb complete_verb() {
  return {"__complete",
          "candidates for the last of the words after --, one a line",
          "",
          "stewardctl __complete -- run sh",
          TakesCommand::yes,
          [](Syntax&) -> Action {
            return [](Invocation& invocation) { return complete_words(invocation); };
          }};
}

}  // namespace steward::ctl
