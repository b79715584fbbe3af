#include "handlers/runtime/options.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace steward::tests::options_test {
namespace {

using runtime::Options;
using Words = std::vector<std::string>;
using std::chrono::milliseconds;

Options parsed(std::string_view toml) { return *Options::parse(toml, "edge.toml"); }

}  // namespace

TEST_CASE("options: values come out as they stand, absent ones as their fallback") {
  auto options = parsed("a = 'x'\nb = 7\nc = true\nd_ms = 20\ne = ['p', 'q']\nf = 'one'\n");
  CHECK(options.text("a") == "x");
  CHECK(options.integer("b", 1, 0, 10) == 7);
  CHECK(options.boolean("c", false));
  CHECK(options.milliseconds("d_ms", milliseconds(1), milliseconds(0), milliseconds(99)) ==
        milliseconds(20));
  CHECK(options.texts("e") == Words{"p", "q"});
  CHECK(options.texts("f") == Words{"one"});
  CHECK(options.text("z", "fallback") == "fallback");
  CHECK(options.texts("y").empty());
  CHECK(options.problems().empty());
}

TEST_CASE("options: an unknown key is told with its place and the key that was meant") {
  auto options = parsed("name = 'a'\n\n[log]\n  levle = 'info'\n[helo]\n");
  options.text("name");
  options.section("log").text("level");
  options.section("hello");
  CHECK(options.problems() == Words{"edge.toml:4:3: log.levle: unknown key; did you mean 'level'?",
                                    "edge.toml:5:2: helo: unknown key; did you mean 'hello'?"});
}

TEST_CASE("options: an unknown key like no other is told what there is") {
  auto options = parsed("colour = 1\n");
  options.text("name");
  options.text("broker");
  CHECK(options.problems() ==
        Words{"edge.toml:1:1: colour: unknown key; known here: broker, name"});
}

TEST_CASE("options: wrong types and bounds are told with their place, and give the fallback") {
  auto options = parsed("a = 1\nb = 'x'\nc = 99\nd = 3\ne = [1]\nf = 1\ng = 'blue'");
  CHECK(options.text("a", "fallback") == "fallback");
  CHECK(options.integer("b", 5, 0, 10) == 5);
  CHECK(options.integer("c", 5, 0, 10) == 5);
  CHECK(options.boolean("d", true));
  CHECK(options.texts("e").empty());
  options.section("f");
  CHECK(options.choice("g", {"red", "blu"}, 0) == 0);
  CHECK(options.problems() == Words{"edge.toml:1:5: a: must be a text in quotes",
                                    "edge.toml:2:5: b: must be an integer from 0 to 10",
                                    "edge.toml:3:5: c: must be an integer from 0 to 10",
                                    "edge.toml:4:5: d: must be true or false",
                                    "edge.toml:5:5: e: must be a list of texts",
                                    "edge.toml:6:5: f: must be a table: [f]",
                                    "edge.toml:7:5: g: must be one of red, blu; did you mean "
                                    "'blu'?"});
}

TEST_CASE("options: a section over another hides its keys, and both count as read") {
  auto root = parsed("[work]\nspeed = 1\nsize = 2\n[work.web]\nspeed = 3\n");
  auto method = root.section("work");
  CHECK(method.sections() == Words{"web"});
  auto web = method.section("web").over(method);
  auto other = method.section("other").over(method);
  CHECK(web.integer("speed", 0, 0, 9) == 3);
  CHECK(web.integer("size", 0, 0, 9) == 2);
  CHECK(other.integer("speed", 0, 0, 9) == 1);
  CHECK(root.problems().empty());
}

TEST_CASE("options: a reason of the caller's own is told with the value's place") {
  auto options = parsed("\nname = 'A'\n");
  options.text("name");
  options.reject("name", "is no name");
  CHECK(options.problems() == Words{"edge.toml:2:8: name: is no name"});
}

TEST_CASE("options: a file that is no TOML is told where it ends to be") {
  const auto options = Options::parse("name = \n", "edge.toml");
  REQUIRE_FALSE(options);
  CHECK(options.error().code == ErrorCode::bad_config);
  CHECK(options.error().message.starts_with("edge.toml:1:8: "));
}

TEST_CASE("options: a file is read, and one that cannot be says why") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("options-test-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << "name = 'a'\n";
  auto options = Options::load(path);
  std::filesystem::remove(path);
  REQUIRE(options);
  CHECK(options->text("name") == "a");

  const auto missing = Options::load(path);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find(path.string()) != std::string::npos);
  CHECK_FALSE(Options::load("/"));
}

}  // namespace steward::tests::options_test
