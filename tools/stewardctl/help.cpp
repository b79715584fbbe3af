#include "tools/stewardctl/help.hpp"

#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::ctl {

namespace {

// One line for a family ("jobs ls|show|wait"), one for each verb that stands alone.
struct Entry {
  std::string name;
  std::string summary;
};

std::vector<Entry> entries(const Verbs& verbs) {
  std::vector<Entry> out;
  for (const Verb& verb : verbs) {
    if (verb.name.substr(0, 2) == "__") {
      continue;
    }
    const std::string family = first_word(verb.name);
    if (family.size() == verb.name.size()) {
      out.push_back({family, std::string(verb.summary)});
      continue;
    }
    const std::string member(verb.name.substr(family.size() + 1));
    if (out.empty() || first_word(out.back().name) != family) {
      out.push_back({fmt::format("{} {}", family, member), ""});
    } else {
      out.back().name += "|" + member;
    }
  }
  return out;
}

std::string_view family_summary(std::string_view family) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kFamilies{
      {{"jobs", "work under way, and how far each unit is"},
       {"daemons", "programs that units keep running"},
       {"update", "updates of units' operating systems"},
       {"rollout", "what the station rolls out, group by group"},
       {"group", "names for units, to be meant by @NAME"},
       {"alerts", "what units raise alarm about"},
       {"context", "connections, saved under names"},
       {"keys", "keys to sign with"},
       {"policy", "who may do what on which unit, signed"},
       {"enroll", "units that ask over the bus to be let in"},
       {"ca", "sign what units ask for, offline"},
       {"trust", "whether a peer's certificate holds"},
       {"audit", "who asked what, and what became of it"},
       {"bus", "raw messages, and what is wrong with the bus"}}};
  const auto* const at = std::find_if(kFamilies.begin(),
                                      kFamilies.end(),
                                      [family](const auto& one) { return one.first == family; });
  return at == kFamilies.end() ? std::string_view() : at->second;
}

std::string indent(std::string_view lines) {
  std::string out;
  std::size_t begin = 0;
  while (begin < lines.size()) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    out += fmt::format("  {}\n", lines.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// The verbs of a large family, on lines of their own.
std::string broken(std::string_view name) {
  constexpr std::size_t kLongest = 74;
  std::string out;
  while (name.size() > kLongest) {
    const std::size_t end = name.rfind('|', kLongest - 1) + 1;
    out += fmt::format("{}\n    ", name.substr(0, end));
    name.remove_prefix(end);
  }
  return out.append(name);
}

// A name that is wider than its column has its summary below it.
std::string two_columns(const std::vector<Entry>& lines) {
  constexpr std::size_t kWidest = 30;
  std::size_t width = 0;
  for (const Entry& line : lines) {
    width = std::max(width, std::min(line.name.size(), kWidest));
  }
  std::string out;
  for (const Entry& line : lines) {
    if (line.name.size() > width) {
      out += fmt::format("  {}\n  {:<{}}  {}\n", broken(line.name), "", width, line.summary);
    } else {
      out += fmt::format("  {:<{}}  {}\n", line.name, width, line.summary);
    }
  }
  return out;
}

// Lines of at most 80 columns; the text's own line ends count as spaces.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 80;
  std::string out;
  std::size_t column = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const bool fits = column + 1 + word.size() <= kWidth;
    if (column > 0) {
      out += fits ? " " : "\n";
    }
    column = column > 0 && fits ? column + 1 + word.size() : word.size();
    out += word;
    begin = end + 1;
  }
  return out;
}

// "-w, --watch[=TIME]", long names below each other where there is no short one.
std::string option_text(const Syntax::OptionLine& option) {
  const std::size_t comma = option.names.find(',');
  std::string out = comma == std::string::npos
                        ? "    " + option.names
                        : option.names.substr(0, comma) + ", " + option.names.substr(comma + 1);
  if (!option.placeholder.empty()) {
    out += (option.placeholder[0] == '[' ? "" : " ") + option.placeholder;
  }
  return out;
}

}  // namespace

std::string program_help(const Verbs& verbs, const Style& style) {
  std::vector<Entry> lines = entries(verbs);
  for (Entry& line : lines) {
    if (line.summary.empty()) {
      line.summary = family_summary(first_word(line.name));
    }
  }
  const auto head = [&style](std::string_view text) { return style.paint(Paint::strong, text); };
  return fmt::format(
      "stewardctl: see and direct a fleet of units over NATS\n\n"
      "{}\n  stewardctl VERB [ARGUMENTS] [OPTIONS]\n\n"
      "{}\n{}\n"
      "{}\n"
      "  stewardctl units -w\n"
      "  stewardctl run --all -- uname -a\n"
      "  stewardctl run 'ship[1-20],rig3' --timeout 5m -- make check\n"
      "  stewardctl bus doctor\n\n"
      "{}\n"
      "  0 all units ok         3 target matches nothing   6 denied by policy\n"
      "  1 a unit failed        4 no answer in time        130 interrupted\n"
      "  2 usage, configuration 5 cannot reach the bus\n\n"
      "Options of every verb: stewardctl VERB --help\n",
      head("Usage"),
      head("Verbs"),
      two_columns(lines),
      head("Examples"),
      head("Exit status"));
}

std::string family_help(std::string_view family, const Verbs& verbs, const Style& style) {
  std::vector<Entry> lines;
  std::string examples;
  for (const Verb& verb : verbs) {
    if (verb.name.size() > family.size() && first_word(verb.name) == family) {
      lines.push_back({std::string(verb.name), std::string(verb.summary)});
      examples += std::string(verb.examples.substr(0, verb.examples.find('\n'))) + "\n";
    }
  }
  if (lines.empty()) {
    return {};
  }
  return fmt::format("stewardctl {}: {}\n\n{}\n{}\n{}\n{}",
                     family,
                     family_summary(family),
                     style.paint(Paint::strong, "Verbs"),
                     two_columns(lines),
                     style.paint(Paint::strong, "Examples"),
                     indent(examples));
}

std::string verb_help(const Verb& verb, const Syntax& syntax, const Style& style) {
  const std::string positionals = syntax.positionals();
  std::string out =
      fmt::format("stewardctl {}: {}\n\n{}\n  stewardctl {}{}{} [OPTIONS]{}\n",
                  verb.name,
                  verb.summary,
                  style.paint(Paint::strong, "Usage"),
                  verb.name,
                  positionals.empty() ? "" : " ",
                  positionals,
                  verb.takes_command == TakesCommand::yes ? " -- COMMAND [ARGUMENT...]" : "");
  if (!verb.details.empty()) {
    out += fmt::format("\n{}\n", wrapped(verb.details));
  }
  std::size_t width = 0;
  for (const auto& option : syntax.options()) {
    width = std::max(width, option_text(option).size());
  }
  std::string section;
  for (const auto& option : syntax.options()) {
    if (option.section != section) {
      section = option.section;
      out += fmt::format("\n{}\n", style.paint(Paint::strong, section));
    }
    out += fmt::format("  {:<{}}  {}\n", option_text(option), width, option.what);
  }
  return out +
         fmt::format("\n{}\n{}", style.paint(Paint::strong, "Examples"), indent(verb.examples));
}

}  // namespace steward::ctl
