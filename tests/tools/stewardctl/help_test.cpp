#include "tools/stewardctl/help.hpp"

#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/globals.hpp"

#include <doctest/doctest.h>

#include <sstream>

namespace steward::tests::help_test {

using steward::ctl::all_verbs;
using steward::ctl::declare_globals;
using steward::ctl::Globals;
using steward::ctl::Style;
using steward::ctl::Syntax;
using steward::ctl::Verb;

namespace {

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) {
    widest = std::max(widest, steward::ctl::columns(line));
  }
  return widest;
}

}  // namespace

TEST_CASE("help: of every verb fits 80 columns and has an example that names it") {
  for (const Verb& verb : all_verbs()) {
    CAPTURE(verb.name);
    Syntax syntax;
    Globals globals;
    const auto action = verb.declare(syntax);
    declare_globals(syntax, globals);
    const std::string text = steward::ctl::verb_help(verb, syntax, Style{});
    CAPTURE(text);
    CHECK(widest_line(text) <= 80);
    CHECK(text.find("\nExamples\n  ") != std::string::npos);
    const std::string first(verb.name.substr(0, verb.name.find(' ')));
    CHECK(verb.examples.find("stewardctl " + first) != std::string_view::npos);
  }
}

TEST_CASE("help: of the program fits 80 columns and names every verb but the hidden one") {
  const std::string text = steward::ctl::program_help(all_verbs(), Style{});
  CHECK(widest_line(text) <= 80);
  for (const char* verb : {"units",
                           "show",
                           "ping",
                           "run",
                           "call",
                           "jobs ls|show|wait|cancel",
                           "events",
                           "context",
                           "bus pub|sub|doctor",
                           "version",
                           "completion"}) {
    CAPTURE(verb);
    CHECK(text.find(verb) != std::string::npos);
  }
  CHECK(text.find("__complete") == std::string::npos);
  // Each line of a verb says what it is for.
  CHECK(text.find("  \n") == std::string::npos);
}

TEST_CASE("help: of a family lists its members; a word that is none has no help") {
  const std::string text = steward::ctl::family_help("jobs", all_verbs(), Style{});
  CHECK(widest_line(text) <= 80);
  CHECK(text.find("jobs cancel") != std::string::npos);
  CHECK(steward::ctl::family_help("units", all_verbs(), Style{}).empty());
}

}  // namespace steward::tests::help_test
