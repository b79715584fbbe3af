#include "tools/stewardctl/table.hpp"

#include <doctest/doctest.h>

namespace steward::tests::table_test {

using steward::ctl::Align;
using steward::ctl::ColourChoice;
using steward::ctl::Environment;
using steward::ctl::Letters;
using steward::ctl::Mark;
using steward::ctl::Paint;
using steward::ctl::Stream;
using steward::ctl::Style;
using steward::ctl::Table;
using steward::ctl::wants_colour;

namespace {

Table sample() {
  Table table({{"STATE"}, {"UNIT"}, {"RTT", Align::right}});
  table.add({{"● up"}, {"ship1"}, {"0.21ms"}});
  table.add({{"◐ late"}, {"a-rather-long-name-of-a-ship"}, {"410ms"}});
  return table;
}

}  // namespace

TEST_CASE("table: columns stand below their titles, letters beyond ASCII count as one") {
  CHECK(sample().render(Style{}, std::nullopt) ==
        "STATE   UNIT                             RTT\n"
        "● up    ship1                         0.21ms\n"
        "◐ late  a-rather-long-name-of-a-ship   410ms\n");
}

TEST_CASE("table: on a narrow terminal the widest column gives way, elsewhere nothing is cut") {
  CHECK(sample().render(Style{}, 30) ==
        "STATE   UNIT               RTT\n"
        "● up    ship1           0.21ms\n"
        "◐ late  a-rather-long…   410ms\n");
}

TEST_CASE("table: no line ends with spaces") {
  Table table({{"A"}, {"B"}});
  table.add({{"x"}});
  CHECK(table.render(Style{}, std::nullopt) == "A  B\nx\n");
  CHECK(table.render(Style{}, std::nullopt, Table::Titles::hidden) == "x\n");
}

TEST_CASE("table: colour does not move a column") {
  Table table({{"A"}, {"B"}});
  table.add({{"x", Paint::good}, {"y"}});
  CHECK(table.render(Style{true, Letters::unicode}, std::nullopt) ==
        "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[32mx\x1b[0m  y\n");
}

TEST_CASE("marks have letters in ASCII, each its own") {
  const Style ascii{false, Letters::ascii};
  CHECK(ascii.mark(Mark::good) == "*");
  CHECK(ascii.mark(Mark::partial) == "~");
  CHECK(ascii.mark(Mark::absent) == "-");
  CHECK(ascii.mark(Mark::bad) == "x");
}

TEST_CASE("colour: a terminal has it, unless NO_COLOR or a dumb one; the choice wins") {
  const auto with = [](const char* term, const char* no_color) -> Environment {
    return [term, no_color](const std::string& name) -> std::optional<std::string> {
      const char* value = name == "TERM" ? term : name == "NO_COLOR" ? no_color : nullptr;
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
  };
  const auto automatic = [&with](Stream stream, const char* term, const char* no_color) {
    return wants_colour(ColourChoice::automatic, stream, with(term, no_color));
  };
  CHECK(automatic(Stream::terminal, "xterm", nullptr));
  CHECK(!automatic(Stream::other, "xterm", nullptr));
  CHECK(!automatic(Stream::terminal, "xterm", ""));
  CHECK(!automatic(Stream::terminal, "dumb", nullptr));
  CHECK(!automatic(Stream::terminal, nullptr, nullptr));
  CHECK(wants_colour(ColourChoice::always, Stream::other, with("dumb", "1")));
  CHECK(!wants_colour(ColourChoice::never, Stream::terminal, with("xterm", nullptr)));
}

}  // namespace steward::tests::table_test
