#include "tools/stewardctl/syntax.hpp"

#include "subjects/wire/target.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace steward::ctl {

struct Syntax::Parser {
  CLI::App app;
  std::string section = "Options";
  std::vector<OptionLine> lines;
  std::vector<std::string> positionals;
  std::set<std::string> valued_flags;  // every name of them

  struct PlainValue {
    CLI::Option* option;
    std::string* value;
    std::string plain;
  };

  std::vector<PlainValue> plain_values;  // what a valued flag means without its value

  void describe(const std::string& names, const std::string& placeholder, const std::string& what) {
    lines.push_back({section, names, placeholder, what});
  }
};

namespace {

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= names.size()) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    out.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// CLI11 reads "-w=5" as the flags w, =, 5: such a word is rewritten to the long name. "--stdin -"
// means
// "--stdin=-".
std::vector<std::string> normalised(const std::vector<std::string>& arguments,
                                    const std::set<std::string>& valued_flags,
                                    const std::vector<Syntax::OptionLine>& lines) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    const bool short_with_value = argument.size() > 2 && argument[0] == '-' && argument[2] == '=' &&
                                  valued_flags.count(argument.substr(0, 2)) != 0;
    if (argument == "-" && !out.empty() && valued_flags.count(out.back()) != 0) {
      out.back() += "=-";
    } else if (short_with_value) {
      std::string name = argument.substr(0, 2);
      for (const auto& line : lines) {
        const auto names = split_names(line.names);
        if (std::find(names.begin(), names.end(), name) != names.end()) {
          name = names.back();
          break;
        }
      }
      out.push_back(name + argument.substr(2));
    } else {
      out.push_back(argument);
    }
  }
  return out;
}

}  // namespace

Syntax::Syntax() : parser_(std::make_unique<Parser>()) { parser_->app.set_help_flag(); }

Syntax::~Syntax() = default;

void Syntax::flag(const std::string& names, bool& value, const std::string& what) {
  parser_->app.add_flag(names, value, what);
  parser_->describe(names, "", what);
}

void Syntax::option(const std::string& names,
                    std::string& value,
                    const std::string& placeholder,
                    const std::string& what) {
  parser_->app.add_option(names, value, what)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  parser_->describe(names, placeholder, what);
}

void Syntax::option(const std::string& names,
                    std::vector<std::string>& values,
                    const std::string& placeholder,
                    const std::string& what) {
  // One value for each mention, so that the next word may be a positional.
  parser_->app.add_option(names, values, what)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  parser_->describe(names, placeholder, what);
}

void Syntax::flag_with_value(const std::string& names,
                             std::string& value,
                             const std::string& plain,
                             const std::string& placeholder,
                             const std::string& what) {
  CLI::Option* option = parser_->app.add_flag(names, value, what);
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  parser_->plain_values.push_back({option, &value, plain});
  parser_->describe(names, fmt::format("[={}]", placeholder), what);
  for (const std::string& name : split_names(names)) {
    parser_->valued_flags.insert(name);
  }
}

void Syntax::positional(const std::string& name, std::string& value, Presence presence) {
  CLI::Option* option = parser_->app.add_option(name, value);
  option->required(presence == Presence::required);
  parser_->positionals.push_back(presence == Presence::required ? name : "[" + name + "]");
}

void Syntax::positional(const std::string& name, std::vector<std::string>& values) {
  parser_->app.add_option(name, values);
  parser_->positionals.push_back("[" + name + "]...");
}

void Syntax::section(const std::string& title) { parser_->section = title; }

Result<void> Syntax::parse(const std::vector<std::string>& arguments) {
  // CLI11 takes its arguments last first.
  auto words = normalised(arguments, parser_->valued_flags, parser_->lines);
  std::reverse(words.begin(), words.end());
  try {
    parser_->app.parse(std::move(words));
  } catch (const CLI::ExtrasError&) {
    const auto left = parser_->app.remaining();
    const std::string first = left.empty() ? "" : left.front();
    if (first.size() < 2 || first[0] != '-') {
      return failure(ErrorCode::bad_config, fmt::format("unexpected argument '{}'", first));
    }
    const std::string name = first.substr(0, first.find('='));
    const std::string near = wire::nearest(name, option_names());
    return failure(ErrorCode::bad_config,
                   fmt::format("unknown option '{}'{}",
                               name,
                               near.empty() ? "" : fmt::format(". Did you mean '{}'?", near)));
  } catch (const CLI::ParseError& error) {
    return failure(ErrorCode::bad_config, error.what());
  }
  for (const auto& [option, value, plain] : parser_->plain_values) {
    if (option->count() > 0 && *value == "true") {
      *value = plain;
    }
  }
  return {};
}

Result<std::vector<std::string>> Syntax::parse_leading(const std::vector<std::string>& arguments) {
  parser_->app.prefix_command();
  if (auto parsed = parse(arguments); !parsed) {
    return tl::unexpected(parsed.error());
  }
  return parser_->app.remaining();
}

const std::vector<Syntax::OptionLine>& Syntax::options() const { return parser_->lines; }

std::string Syntax::positionals() const {
  return fmt::format("{}", fmt::join(parser_->positionals, " "));
}

std::vector<std::string> Syntax::option_names() const {
  std::vector<std::string> out;
  for (const OptionLine& line : parser_->lines) {
    for (const std::string& name : split_names(line.names)) {
      out.push_back(name);
    }
  }
  return out;
}

bool Syntax::takes_value(std::string_view wanted) const {
  for (const OptionLine& line : parser_->lines) {
    for (const std::string& name : split_names(line.names)) {
      if (name == wanted) {
        return !line.placeholder.empty() && line.placeholder[0] != '[';
      }
    }
  }
  return false;
}

}  // namespace steward::ctl
