#include "tools/stewardctl/globals.hpp"

#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace steward::ctl {

namespace {

template <class Enum, std::size_t count>
Result<Enum> choice(std::string_view option,
                    std::string_view text,
                    const std::array<std::string_view, count>& words) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{} '{}': one of {}", option, text, fmt::join(words, ", ")));
  }
  return static_cast<Enum>(found - words.begin());
}

}  // namespace

void declare_globals(Syntax& syntax, Globals& globals) {
  const auto taken = syntax.option_names();
  const auto is_free = [&taken](const char* name) {
    return std::find(taken.begin(), taken.end(), name) == taken.end();
  };
  syntax.section("Every verb");
  syntax.option("--context", globals.context, "NAME", "connection saved by context add");
  syntax.option("--server", globals.server, "URL", "the broker: nats://HOST:PORT");
  syntax.option("--station", globals.station, "NAME", "the station to ask (station)");
  if (is_free("--timeout")) {
    syntax.option("--timeout", globals.timeout, "TIME", "wait so long for an answer (10s)");
  }
  syntax.option(
      "-o,--output", globals.output, "FORMAT", "table, wide, json, jsonl, name; logs, tail: raw");
  syntax.option("--color", globals.colour, "WHEN", "auto, always or never");
  syntax.flag("--ascii", globals.ascii, "no letters beyond ASCII");
  syntax.flag("-q,--quiet", globals.quiet, "no hints, no progress");
  syntax.flag("-v,--verbose", globals.verbose, "say every step");
  syntax.flag("--no-input", globals.no_input, "never ask, fail where an answer is needed");
  syntax.flag("-y,--yes", globals.yes, "answer yes to every question");
  syntax.flag("-h,--help", globals.help, "show this");
}

Result<Format> parse_format(std::string_view text) {
  constexpr std::array<std::string_view, 6> kWords{"table", "wide", "json", "jsonl", "name", "raw"};
  return choice<Format>("--output", text, kWords);
}

Result<ColourChoice> parse_colour(std::string_view text) {
  constexpr std::array<std::string_view, 3> kWords{"auto", "always", "never"};
  return choice<ColourChoice>("--color", text, kWords);
}

Result<Flags> flags_of(const Globals& globals) {
  Flags flags{globals.context, globals.server, globals.station, {}};
  if (!globals.timeout.empty()) {
    auto timeout = parse_duration(globals.timeout);
    if (!timeout) {
      return tl::unexpected<Error>(std::move(timeout).error().with_context("--timeout"));
    }
    flags.timeout = *timeout;
  }
  return flags;
}

}  // namespace steward::ctl
