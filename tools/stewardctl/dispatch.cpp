#include "tools/stewardctl/dispatch.hpp"

#include "subjects/wire/target.hpp"
#include "tools/stewardctl/globals.hpp"
#include "tools/stewardctl/help.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace steward::ctl {

namespace {

const Verb* named(const std::string& name, const Verbs& verbs) {
  const auto found = std::find_if(
      verbs.begin(), verbs.end(), [&name](const Verb& verb) { return verb.name == name; });
  return found == verbs.end() ? nullptr : &*found;
}

bool is_family(const std::string& word, const Verbs& verbs) {
  return std::any_of(verbs.begin(), verbs.end(), [&word](const Verb& verb) {
    return verb.name.size() > word.size() && first_word(verb.name) == word;
  });
}

Error unknown_verb(const std::string& word, const std::string& family, const Verbs& verbs) {
  std::vector<std::string> known;
  for (const Verb& verb : verbs) {
    if (family.empty()) {
      known.push_back(first_word(verb.name));
    } else if (first_word(verb.name) == family) {
      known.emplace_back(verb.name.substr(std::min(verb.name.size(), family.size() + 1)));
    }
  }
  const std::string prefix = family.empty() ? "" : family + " ";
  const std::string near = wire::nearest(word, known);
  return {ErrorCode::bad_config,
          fmt::format("no verb '{}{}'. {}",
                      prefix,
                      word,
                      near.empty() ? fmt::format("See: stewardctl {}--help", prefix)
                                   : fmt::format("Did you mean '{}{}'?", prefix, near))};
}

Console::Look look_of(const Globals& globals, const Environment& environment) {
  const auto colour = parse_colour(globals.colour).value_or(ColourChoice::automatic);
  const auto verbosity = globals.quiet     ? Verbosity::quiet
                         : globals.verbose ? Verbosity::verbose
                                           : Verbosity::normal;
  return Console::look(
      colour, globals.ascii ? Letters::ascii : Letters::unicode, verbosity, environment);
}

// The words behind the first "--" belong to the program that is to be run, whatever they look like.
std::optional<std::vector<std::string>> cut_command(std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end()) {
    return std::nullopt;
  }
  std::vector<std::string> command(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return command;
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "--help" || word == "-h";
  });
}

Exit fail(const Error& error, const Globals& globals, const Environment& environment) {
  if (Interrupts::happened()) {
    return Exit::interrupted;
  }
  Console console(look_of(globals, environment));
  console.error(error.message);
  return exit_of(error);
}

struct Parsed {
  Dispatch dispatch;
  Globals globals;
  std::optional<std::vector<std::string>> command;
};

Result<Exit> act(const Parsed& parsed, Globals& globals, const Environment& environment) {
  const Verb& verb = *parsed.dispatch.verb;
  Syntax syntax;
  const Action action = verb.declare(syntax);
  declare_globals(syntax, globals);
  if (asks_for_help(parsed.dispatch.arguments)) {
    Console console(look_of(globals, environment));
    console.out(verb_help(verb, syntax, console.look().out));
    return Exit::ok;
  }
  if (auto good = syntax.parse(parsed.dispatch.arguments); !good) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{}\nSee: stewardctl {} --help", good.error().message, verb.name));
  }
  if (parsed.command && verb.takes_command == TakesCommand::no) {
    return failure(ErrorCode::bad_config, fmt::format("{} takes nothing after --", verb.name));
  }
  STEWARD_TRY(const Format format, parse_format(globals.output));
  const auto& name = parsed.dispatch.verb->name;
  if (format == Format::raw && name != "logs" && name != "tail") {
    return failure(ErrorCode::bad_config, "--output raw: of logs and tail only");
  }
  STEWARD_TRY([[maybe_unused]] const ColourChoice colour, parse_colour(globals.colour));
  STEWARD_TRY(const Flags flags, flags_of(globals));
  Console console(look_of(globals, environment));
  Invocation invocation{console,
                        environment,
                        ContextStore(ContextStore::default_folder(environment)),
                        flags,
                        format,
                        globals.yes        ? Asking::answered_yes
                        : globals.no_input ? Asking::never
                                           : Asking::allowed,
                        parsed.command};
  return action(invocation);
}

}  // namespace

Result<Dispatch> find_verb(const std::vector<std::string>& words, const Verbs& verbs) {
  const std::string first = words.empty() ? "" : words[0];
  const auto rest = [&words](std::size_t from) {
    return std::vector<std::string>(words.begin() + static_cast<std::ptrdiff_t>(from), words.end());
  };
  if (const Verb* verb = named(first == "ls" ? "units" : first, verbs); verb != nullptr) {
    return Dispatch{verb, rest(1)};
  }
  if (!is_family(first, verbs)) {
    return tl::unexpected<Error>(unknown_verb(first, "", verbs));
  }
  if (words.size() > 1 && !words[1].empty() && words[1][0] != '-') {
    if (const Verb* verb = named(first + " " + words[1], verbs); verb != nullptr) {
      return Dispatch{verb, rest(2)};
    }
    return tl::unexpected<Error>(unknown_verb(words[1], first, verbs));
  }
  if (const Verb* verb = named(first + " ls", verbs); verb != nullptr) {
    return Dispatch{verb, rest(1)};
  }
  return failure(ErrorCode::bad_config,
                 fmt::format("{} what? See: stewardctl {} --help", first, first));
}

Exit dispatch(std::vector<std::string> words, const Verbs& verbs, const Environment& environment) {
  Parsed parsed;
  parsed.command = cut_command(words);
  Syntax leading;
  Globals globals;
  declare_globals(leading, globals);
  auto from_verb = leading.parse_leading(words);
  if (!from_verb) {
    return fail(from_verb.error(), globals, environment);
  }
  Console console(look_of(globals, environment));
  const bool only_help = !from_verb->empty() && from_verb->front() == "help";
  if (only_help) {
    from_verb->erase(from_verb->begin());
  }
  const bool help = only_help || globals.help || asks_for_help(*from_verb);
  if (from_verb->empty()) {
    const std::string text = program_help(verbs, help ? console.look().out : console.look().err);
    help ? console.out(text) : console.err(text);
    return help ? Exit::ok : Exit::usage;
  }
  const bool names_family = from_verb->size() < 2 || (*from_verb)[1][0] == '-';
  const std::string family =
      help && names_family ? family_help(from_verb->front(), verbs, console.look().out) : "";
  if (!family.empty()) {
    console.out(family);
    return Exit::ok;
  }
  auto found = find_verb(*from_verb, verbs);
  if (!found) {
    return fail(found.error(), globals, environment);
  }
  parsed.dispatch = *std::move(found);
  if (help) {
    parsed.dispatch.arguments.emplace_back("--help");
  }
  const auto exit = act(parsed, globals, environment);
  return exit ? *exit : fail(exit.error(), globals, environment);
}

}  // namespace steward::ctl
