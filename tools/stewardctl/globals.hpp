#pragma once

#include "tools/stewardctl/verb.hpp"

#include <string>

namespace steward::ctl {

// The options that every verb has, as they were written.
struct Globals {
  std::string context;
  std::string server;
  std::string station;
  std::string timeout;
  std::string output = "table";
  std::string colour = "auto";
  bool ascii = false;
  bool quiet = false;
  bool verbose = false;
  bool no_input = false;
  bool yes = false;
  bool help = false;
};

// Declares those whose names the verb has not taken for itself.
void declare_globals(Syntax& syntax, Globals& globals);

// Errors: bad_config.
[[nodiscard]] Result<Format> parse_format(std::string_view text);
[[nodiscard]] Result<ColourChoice> parse_colour(std::string_view text);

// Without `context` and the other parts of the connection: those are Flags.
[[nodiscard]] Result<Flags> flags_of(const Globals& globals);

}  // namespace steward::ctl
