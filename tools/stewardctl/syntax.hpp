#pragma once

#include "subjects/wire/error.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

// What a verb takes: its options and positionals, bound to variables that must outlive it.
class Syntax {
 public:
  Syntax();
  ~Syntax();
  Syntax(const Syntax&) = delete;
  Syntax& operator=(const Syntax&) = delete;

  // `names` as "-w,--watch". A flag sets its variable, an option takes a value, a flag with a value
  // takes it only as --name=VALUE and else becomes `plain`.
  void flag(const std::string& names, bool& value, const std::string& what);
  void option(const std::string& names,
              std::string& value,
              const std::string& placeholder,
              const std::string& what);
  void option(const std::string& names,
              std::vector<std::string>& values,
              const std::string& placeholder,
              const std::string& what);
  void flag_with_value(const std::string& names,
                       std::string& value,
                       const std::string& plain,
                       const std::string& placeholder,
                       const std::string& what);

  enum class Presence { required, optional };
  void positional(const std::string& name, std::string& value, Presence presence);
  void positional(const std::string& name, std::vector<std::string>& values);  // all that follow

  // What follows is listed in help below this heading.
  void section(const std::string& title);

  // Errors: bad_config, with what is wrong and, for an unknown option, the nearest known one.
  [[nodiscard]] Result<void> parse(const std::vector<std::string>& arguments);

  // Reads options up to the first word that is none and gives back what follows.
  [[nodiscard]] Result<std::vector<std::string>> parse_leading(
      const std::vector<std::string>& arguments);

  struct OptionLine {
    std::string section;
    std::string names;
    std::string placeholder;
    std::string what;
  };

  const std::vector<OptionLine>& options() const;

  // "[TARGET]", "UNIT".
  std::string positionals() const;

  // "--watch", "-w", ... in the order of their definition.
  std::vector<std::string> option_names() const;

  // Whether that option (any of its names) takes its value from the next word.
  bool takes_value(std::string_view name) const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace steward::ctl
