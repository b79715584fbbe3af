#include "tools/stewardctl/completion.hpp"

#include "tools/stewardctl/globals.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace steward::ctl {

namespace {

constexpr std::string_view kBash =
    R"script(# stewardctl completion for bash: eval "$(stewardctl completion bash)"
_stewardctl() {
  local IFS=$'\n'
  COMPREPLY=($(stewardctl __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _stewardctl stewardctl
)script";

constexpr std::string_view kZsh = R"script(#compdef stewardctl
# stewardctl completion for zsh: source <(stewardctl completion zsh)
_stewardctl() {
  local -a candidates
  candidates=("${(@f)$(stewardctl __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- ${candidates:#}
}
compdef _stewardctl stewardctl
)script";

constexpr std::string_view kFish =
    R"script(# stewardctl completion for fish: stewardctl completion fish | source
function __stewardctl_complete
  set -l words (commandline -opc) (commandline -ct)
  stewardctl __complete -- $words[2..-1] 2>/dev/null
end
complete -c stewardctl -f -a '(__stewardctl_complete)'
)script";

bool begins_with(const std::string& text, const std::string& begin) {
  return text.compare(0, begin.size(), begin) == 0;
}

Completion among(const std::vector<std::string>& all, const std::string& begin) {
  Completion completion{Wanted::candidates, {}};
  for (const std::string& candidate : all) {
    const bool twice =
        std::find(completion.candidates.begin(), completion.candidates.end(), candidate) !=
        completion.candidates.end();
    if (begins_with(candidate, begin) && !twice) {
      completion.candidates.push_back(candidate);
    }
  }
  return completion;
}

// The verb that the words name, with how many words that took.
const Verb* find_plain_verb(const std::vector<std::string>& plain, const Verbs& verbs) {
  for (const Verb& verb : verbs) {
    const std::string two = plain.size() > 1 ? plain[0] + " " + plain[1] : "";
    if (verb.name == two || (!plain.empty() && verb.name == plain[0])) {
      return &verb;
    }
  }
  return nullptr;
}

Wanted wanted_by(std::string_view verb, std::size_t position) {
  if (verb == "jobs show" || verb == "jobs logs" || verb == "jobs wait" || verb == "jobs cancel" ||
      verb == "jobs retry" || (verb.starts_with("rollout ") && verb != "rollout ls") ||
      verb == "update pause" || verb == "update resume" || verb == "update abort") {
    return position == 0 ? Wanted::jobs : Wanted::nothing;
  }
  if (verb == "context use" || verb == "context rm" || verb == "context show") {
    return position == 0 ? Wanted::contexts : Wanted::nothing;
  }
  const bool takes_units = verb == "units" || verb == "show" || verb == "ping" || verb == "run" ||
                           verb == "call" || verb == "events" || verb == "logs" || verb == "tail";
  return takes_units && position == 0 ? Wanted::units : Wanted::nothing;
}

Completion values_of(const std::string& option, const std::string& begin) {
  if (option == "-o" || option == "--output") {
    return among({"table", "wide", "json", "jsonl", "name", "raw"}, begin);
  }
  if (option == "--color") {
    return among({"auto", "always", "never"}, begin);
  }
  if (option == "--sort") {
    return among({"name", "state", "seen", "rtt", "open"}, begin);
  }
  if (option == "--state") {
    return among({"up", "late", "down", "never", "conflict"}, begin);
  }
  return {option == "--context" ? Wanted::contexts : Wanted::nothing, {}};
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") {
    return std::string(kBash);
  }
  if (shell == "zsh") {
    return std::string(kZsh);
  }
  if (shell == "fish") {
    return std::string(kFish);
  }
  return failure(ErrorCode::bad_config, fmt::format("'{}': one of bash, zsh, fish", shell));
}

Completion complete(const std::vector<std::string>& words, const Verbs& verbs) {
  const std::string last = words.empty() ? "" : words.back();
  const std::size_t before = words.empty() ? 0 : words.size() - 1;
  std::vector<std::string> plain;  // words so far that are neither options nor their values
  Globals globals;
  Syntax common;
  declare_globals(common, globals);
  const Verb* verb = nullptr;
  auto syntax = std::make_unique<Syntax>();
  const auto takes_value = [&common, &syntax](const std::string& word) {
    return common.takes_value(word) || syntax->takes_value(word);
  };
  for (std::size_t i = 0; i < before; ++i) {
    if (words[i] == "--") {
      return {};
    }
    if (!words[i].empty() && words[i][0] == '-') {
      if (takes_value(words[i]) && ++i == before) {
        return values_of(words[before - 1], last);
      }
      continue;
    }
    plain.push_back(words[i]);
    const Verb* found = find_plain_verb(plain, verbs);
    if (found != nullptr && found != verb && plain.size() <= 2) {
      verb = found;
      syntax = std::make_unique<Syntax>();
      const Action unused = verb->declare(*syntax);
    }
  }
  if (!last.empty() && last[0] == '-') {
    auto names = verb == nullptr ? std::vector<std::string>() : syntax->option_names();
    const auto more = common.option_names();
    names.insert(names.end(), more.begin(), more.end());
    return among(names, last);
  }
  if (verb != nullptr) {
    const std::size_t of_name = verb->name.find(' ') == std::string_view::npos ? 1 : 2;
    return {wanted_by(verb->name, plain.size() - of_name), {}};
  }
  std::vector<std::string> names;
  for (const Verb& candidate : verbs) {
    const std::string first = first_word(candidate.name);
    if (first.rfind("__", 0) == 0) {
      continue;
    }
    if (plain.empty()) {
      names.push_back(first);
    } else if (first == plain[0] && plain.size() == 1 && first.size() < candidate.name.size()) {
      names.emplace_back(candidate.name.substr(first.size() + 1));
    }
  }
  return among(names, last);
}

std::vector<std::string> complete_units(const std::string& word,
                                        const std::vector<std::string>& known) {
  const std::size_t comma = word.rfind(',');
  const std::string kept = comma == std::string::npos ? "" : word.substr(0, comma + 1);
  const std::string begin = word.substr(kept.size());
  std::vector<std::string> out;
  for (const std::string& unit : known) {
    if (begins_with(unit, begin)) {
      out.push_back(kept + unit);
    }
  }
  return out;
}

}  // namespace steward::ctl
