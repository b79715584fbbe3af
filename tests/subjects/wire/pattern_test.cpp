#include "subjects/wire/pattern.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::pattern_test {

TEST_CASE("pattern: is searched anywhere in a line unless it is anchored") {
  const auto pattern = Pattern::compile("[0-9]+%").value();
  CHECK(pattern.found_in("done 42% of it"));
  CHECK_FALSE(pattern.found_in("done 42 of it"));
  CHECK_FALSE(Pattern::compile("^42").value().found_in(" 42"));
  CHECK(Pattern::compile("login:$").value().found_in("ship1 login:"));
}

TEST_CASE("pattern: a copy finds the same") {
  const auto pattern = Pattern::compile("a|b").value();
  const Pattern copy = pattern;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.found_in("xbx"));
}

TEST_CASE("pattern: what is not a pattern, or could take too much, is refused") {
  for (const char* bad : {"",
                          "a(",
                          "(?=a)b",
                          "(?!a)b",
                          "a)(b",
                          "(",
                          "[",
                          "a{2,1}",
                          "*",
                          "\\",
                          "a{1001}",
                          "(a{100}){11}",
                          "(a{32}){32}",
                          "a{0,99999999999999999999}",
                          "(a)\\1",
                          "[[:nothing:]]"}) {
    CAPTURE(bad);
    CHECK(Pattern::compile(bad).error().code == ErrorCode::bad_payload);
  }
  CHECK(Pattern::compile(std::string(512, 'a')).has_value());
  CHECK_FALSE(Pattern::compile(std::string(513, 'a')).has_value());
  CHECK(Pattern::compile("(a{31}){32}").has_value());
}

TEST_CASE("pattern: the time on a line does not explode, and only its first 1024 bytes count") {
  const auto pattern = Pattern::compile("(a*)*b").value();
  CHECK_FALSE(pattern.found_in(std::string(1024, 'a')));
  CHECK(Pattern::compile(".*x").value().found_in(std::string(1023, ' ') + "x"));
  CHECK_FALSE(Pattern::compile("x").value().found_in(std::string(1024, ' ') + "x"));
  CHECK_FALSE(Pattern::compile("^(a?){900}x").value().found_in(std::string(50, 'a')));
}

}  // namespace steward::wire::pattern_test
