#pragma once

#include "tools/stewardctl/console.hpp"
#include "tools/stewardctl/exit_code.hpp"
#include "tools/stewardctl/session.hpp"
#include "tools/stewardctl/settings.hpp"
#include "tools/stewardctl/syntax.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

enum class Format { table, wide, json, jsonl, name, raw };

// What may be asked of the person at the terminal.
enum class Asking { allowed, never, answered_yes };

// Everything that a verb's action gets.
struct Invocation {
  Console& console;
  Environment environment;
  ContextStore contexts;
  Flags flags;
  Format format = Format::table;
  Asking asking = Asking::allowed;
  std::optional<std::vector<std::string>> command;  // the words after "--"

  // Resolved now, not before: `context` must work where the selected context is broken.
  [[nodiscard]] Result<Settings> settings() const;

  // Connected. Errors: those of resolve_settings and Session::open.
  [[nodiscard]] Result<std::unique_ptr<Session>> session() const;

  // With a timeout of the verb's own where the person named none.
  [[nodiscard]] Result<std::unique_ptr<Session>> session(std::chrono::milliseconds usual) const;

  bool is_table() const { return format == Format::table || format == Format::wide; }
};

using Action = std::function<Result<Exit>(Invocation&)>;

// Whether words after "--" mean something to a verb.
enum class TakesCommand { no, yes };

// One command of stewardctl, in a file of its own; main.cpp joins them.
struct Verb {
  std::string_view name;      // "run", "jobs show"
  std::string_view summary;   // one line
  std::string_view details;   // paragraphs for --help; may be empty
  std::string_view examples;  // lines
  TakesCommand takes_command = TakesCommand::no;
  // Declares what the verb takes and gives what it does; called once.
  Action (*declare)(Syntax& syntax);
};

using Verbs = std::vector<Verb>;

// "jobs" of "jobs show".
inline std::string first_word(std::string_view name) {
  return std::string(name.substr(0, name.find(' ')));
}

// What each file of a verb gives to main.cpp.
Verb units_verb();
Verb show_verb();
Verb ping_verb();
Verb run_verb();
Verb call_verb();
Verbs jobs_verbs();
Verb retry_verb();
Verb events_verb();
Verb facts_verb();
Verb label_verb();
Verb metrics_verb();
Verb top_verb();
Verbs daemons_verbs();
Verbs update_verbs();
Verbs update_rollout_verbs();
Verbs rollout_verbs();
Verbs group_verbs();
Verbs alerts_verbs();
Verb logs_verb();
Verb tail_verb();
Verbs context_verbs();
Verbs keys_verbs();
Verbs policy_verbs();
Verb policy_push_verb();
Verb ca_sign_verb();
Verbs ca_rotation_verbs();
Verb enroll_token_verb();
Verbs enroll_verbs();
Verb revoke_verb();
Verb trust_verify_verb();
Verbs audit_verbs();
Verbs bus_verbs();
Verb doctor_verb();
Verb version_verb();
Verb completion_verb();
Verb complete_verb();

// Every verb, in the order of help.
const Verbs& all_verbs();

}  // namespace steward::ctl
