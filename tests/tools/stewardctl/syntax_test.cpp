#include "tools/stewardctl/syntax.hpp"

#include <doctest/doctest.h>

namespace steward::tests::syntax_test {

using steward::ctl::Syntax;

namespace {

struct Fixture {
  Syntax syntax;
  std::string target;
  std::string watch;
  std::string input;
  std::string sort;
  std::vector<std::string> environment;
  bool all = false;

  Fixture() {
    syntax.positional("TARGET", target, Syntax::Presence::optional);
    syntax.flag("--all", all, "all");
    syntax.flag_with_value("-w,--watch", watch, "1s", "TIME", "watch");
    syntax.flag_with_value("--stdin", input, "-", "FILE", "input");
    syntax.option("-s,--sort", sort, "KEY", "sort");
    syntax.option("--env", environment, "K=V", "environment");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "syntax: a flag with a value does not eat the next word") {
  REQUIRE(syntax.parse({"-w", "ship1"}));
  CHECK(watch == "1s");
  CHECK(target == "ship1");
}

TEST_CASE_FIXTURE(Fixture, "syntax: -w=3 and --watch=3 are the same") {
  REQUIRE(syntax.parse({"ship1", "-w=3"}));
  CHECK(watch == "3");
  Fixture other;
  REQUIRE(other.syntax.parse({"--watch=3"}));
  CHECK(other.watch == "3");
}

TEST_CASE_FIXTURE(Fixture, "syntax: --stdin reads ours, --stdin=FILE a file, --stdin - ours") {
  REQUIRE(syntax.parse({"--stdin", "ship1"}));
  CHECK(input == "-");
  Fixture file;
  REQUIRE(file.syntax.parse({"ship1", "--stdin=motd"}));
  CHECK(file.input == "motd");
  Fixture dash;
  REQUIRE(dash.syntax.parse({"--stdin", "-", "ship1"}));
  CHECK(dash.input == "-");
  CHECK(dash.target == "ship1");
}

TEST_CASE_FIXTURE(Fixture, "syntax: an option that repeats takes one value each time") {
  REQUIRE(syntax.parse({"--env", "A=1", "--env", "B=x y", "ship1"}));
  CHECK(environment == std::vector<std::string>{"A=1", "B=x y"});
  CHECK(target == "ship1");
}

TEST_CASE_FIXTURE(Fixture, "syntax: the last of two values stands") {
  REQUIRE(syntax.parse({"--sort", "name", "-s", "rtt"}));
  CHECK(sort == "rtt");
}

TEST_CASE_FIXTURE(Fixture, "syntax: an unknown option is named, with the nearest known one") {
  const auto parsed = syntax.parse({"--sotr", "name"});
  REQUIRE(!parsed);
  CHECK(parsed.error().message == "unknown option '--sotr'. Did you mean '--sort'?");
}

TEST_CASE_FIXTURE(Fixture, "syntax: a word too many is named") {
  const auto parsed = syntax.parse({"ship1", "ship2"});
  REQUIRE(!parsed);
  CHECK(parsed.error().message == "unexpected argument 'ship2'");
}

TEST_CASE("syntax: leading options end at the first word, which is left with the rest") {
  Syntax syntax;
  std::string sort;
  bool all = false;
  syntax.option("--sort", sort, "KEY", "sort");
  syntax.flag("--all", all, "all");
  const auto rest = syntax.parse_leading({"--sort", "rtt", "units", "--all", "-x"});
  REQUIRE(rest);
  CHECK(*rest == std::vector<std::string>{"units", "--all", "-x"});
  CHECK(sort == "rtt");
  CHECK(!all);
}

TEST_CASE("syntax: a required positional that is missing is an error") {
  Syntax syntax;
  std::string unit;
  syntax.positional("UNIT", unit, Syntax::Presence::required);
  const auto parsed = syntax.parse({});
  REQUIRE(!parsed);
  CHECK(parsed.error().message.find("UNIT") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "syntax: knows which options take the next word") {
  CHECK(syntax.takes_value("--sort"));
  CHECK(syntax.takes_value("-s"));
  CHECK(!syntax.takes_value("--watch"));
  CHECK(!syntax.takes_value("--all"));
}

}  // namespace steward::tests::syntax_test
