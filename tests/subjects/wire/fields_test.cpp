#include "subjects/wire/fields.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string>

namespace steward::wire::fields_test {
namespace {

using std::chrono::milliseconds;
using Names = std::vector<std::string>;

// Runs read(Fields&) on the object and gives what finish() says.
template <class Read>
Result<Names> reading(std::string_view text, Read read) {
  const auto object = parse_json(text).value();
  Fields fields(object);
  read(fields);
  return fields.finish();
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("json: what is not one whole JSON value of UTF-8 is refused, with the place") {
  for (const char* bad : {"",
                          " ",
                          "{",
                          "{}x",
                          "{} {}",
                          "nul",
                          "{'a':1}",
                          "{\"a\":1,}",
                          "[1e999]",
                          "\"\xff\"",
                          "\"\xed\xa0\x80\"",
                          "\"\\ud800\"",
                          "// x\n{}",
                          "NaN",
                          "\"\n\"",
                          "01",
                          "\xef\xbb\xbf"}) {
    CAPTURE(bad);
    CHECK(parse_json(bad).error().code == ErrorCode::bad_payload);
  }
  CHECK(parse_json("{\"a\":}").error().message == "not JSON: wrong at byte 6");
  CHECK(parse_json("{\"" + std::string(100'000, 'x')).error().message.size() < 64);
}

TEST_CASE("json: 64 levels are read, 65 are refused, brackets in strings do not count") {
  CHECK(parse_json(nested(64)).has_value());
  CHECK(parse_json(nested(65)).error().code == ErrorCode::bad_payload);
  CHECK(parse_json(nested(72), kDeepestAnswer).has_value());
  CHECK_FALSE(parse_json(nested(73), kDeepestAnswer).has_value());
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')).has_value());
  CHECK(parse_json("\"" + std::string(1'000, '[') + "\\\"" + "\"").has_value());
}

TEST_CASE("json: text that is not UTF-8 goes out as U+FFFD") {
  CHECK(dump_json(nlohmann::json("a\xff")) == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("fields: values come out, absent and null ones give the fallback") {
  const auto ignored = reading(
      R"({"t":"x","i":7,"b":true,"d":1.5,"ms":250,"l":["a","b"],"n":[1,2],"m":{"k":"v"},"z":null})",
      [](Fields& fields) {
        CHECK(fields.text("t") == "x");
        CHECK(fields.required_text("t") == "x");
        CHECK(fields.integer("i", 0, 0, 10) == 7);
        CHECK(fields.optional_integer("i", 0, 10) == 7);
        CHECK(fields.boolean("b", false));
        CHECK(fields.number("d", 0) == 1.5);
        CHECK(fields.number("i", 0) == 7.0);
        CHECK(fields.milliseconds("ms", {}, {}, milliseconds(1'000)) == milliseconds(250));
        CHECK(fields.texts("l") == Names{"a", "b"});
        CHECK(fields.integers("n", 1, 2) == std::vector<std::int64_t>{1, 2});
        CHECK(fields.text_map("m") == std::map<std::string, std::string>{{"k", "v"}});
        CHECK(fields.raw("m") == R"({"k":"v"})");
        CHECK(fields.raws("n") == Names{"1", "2"});
        CHECK(fields.has("t"));
        for (const char* absent : {"z", "none"}) {
          CHECK_FALSE(fields.has(absent));
          CHECK(fields.text(absent, "f") == "f");
          CHECK(fields.integer(absent, 5, 0, 1) == 5);
          CHECK_FALSE(fields.optional_integer(absent, 0, 1).has_value());
          CHECK(fields.boolean(absent, true));
          CHECK(fields.number(absent, 2.5) == 2.5);
          CHECK(fields.texts(absent).empty());
          CHECK(fields.integers(absent, 0, 1).empty());
          CHECK(fields.text_map(absent).empty());
          CHECK(fields.raw(absent).empty());
          CHECK(fields.raws(absent).empty());
          CHECK(fields.choice(absent, {"a", "b"}, 1) == 1);
          fields.object(absent, [](Fields&) { FAIL("there is none"); });
          fields.objects(absent, [](Fields&) { FAIL("there are none"); });
        }
      });
  CHECK(ignored.value().empty());
}

TEST_CASE("fields: a wrong type is bad_payload with the field's name, for every getter") {
  const std::array<std::function<void(Fields&)>, 12> reads{
      [](Fields& f) { f.text("x"); },
      [](Fields& f) { f.integer("x", 0, -9, 9); },
      [](Fields& f) { f.boolean("x", false); },
      [](Fields& f) { f.number("x", 0); },
      [](Fields& f) { f.texts("x"); },
      [](Fields& f) { f.integers("x", -9, 9); },
      [](Fields& f) { f.text_map("x"); },
      [](Fields& f) { f.choice("x", {"a"}, 0); },
      [](Fields& f) { f.object("x", [](Fields&) {}); },
      [](Fields& f) { f.objects("x", [](Fields&) {}); },
      [](Fields& f) { f.raws("x"); },
      [](Fields& f) { f.milliseconds("x", {}, {}, milliseconds(1)); }};
  // What each of them takes, to be skipped.
  const std::array<std::string, 12> takes{"\"s\"",
                                          "1",
                                          "true",
                                          "1 1.5",
                                          "[\"s\"]",
                                          "[1]",
                                          "{\"k\":\"s\"}",
                                          "",
                                          "{\"k\":\"s\"} {\"k\":1}",
                                          "[{}]",
                                          "[\"s\"] [1] [{}] [[]]",
                                          "1"};
  for (std::size_t i = 0; i < reads.size(); ++i) {
    for (const char* value : {"\"s\"",
                              "1",
                              "1.5",
                              "true",
                              "[\"s\"]",
                              "[1]",
                              "[{}]",
                              "[[]]",
                              "{\"k\":\"s\"}",
                              "{\"k\":1}"}) {
      if (takes[i].find(value) != std::string::npos || i == 7) {
        continue;
      }
      CAPTURE(i);
      CAPTURE(value);
      const auto read = reading(std::string("{\"x\":") + value + "}", reads[i]);
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error().code == ErrorCode::bad_payload);
      CHECK(read.error().message.starts_with("x"));
    }
  }
  CHECK(reading(R"({"x":1})", reads[7]).error().code == ErrorCode::bad_payload);
}

TEST_CASE("fields: numbers outside their bounds are refused") {
  const auto integer = [](std::string_view text) {
    return reading(text, [](Fields& fields) { fields.integer("x", 0, -5, 5); });
  };
  CHECK(integer(R"({"x":5})").has_value());
  CHECK(integer(R"({"x":-5})").has_value());
  for (const char* bad : {"6",
                          "-6",
                          "5.0",
                          "1e0",
                          "9223372036854775807",
                          "9223372036854775808",
                          "18446744073709551615",
                          "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(integer(std::string("{\"x\":") + bad + "}").has_value());
  }
  const auto integers = [](std::string_view text) {
    return reading(text, [](Fields& fields) { fields.integers("x", -1, 5); });
  };
  CHECK(integers(R"({"x":[-1,5]})").has_value());
  CHECK_FALSE(integers(R"({"x":[18446744073709551615]})").has_value());
  CHECK_FALSE(integers(R"({"x":[6]})").has_value());
}

TEST_CASE("fields: an unknown word is unsupported, and the known ones are told") {
  const auto read = reading(R"({"x":"c"})", [](Fields& fields) {
    fields.choice("x", {"a", "b"}, 0);
  });
  CHECK(read.error().code == ErrorCode::unsupported);
  CHECK(read.error().message == "x: 'c' is not one of: a, b");
}

TEST_CASE("fields: the first error is kept, later ones and fallbacks do not hide it") {
  const auto read = reading(R"({"a":1,"b":2})", [](Fields& fields) {
    fields.text("a");
    fields.boolean("b", false);
    fields.fail(ErrorCode::internal, "c", "later");
  });
  CHECK(read.error().message == "a: must be a string");
}

TEST_CASE("fields: a required text that is absent or null is missing") {
  const auto read = [](Fields& fields) { fields.required_text("a"); };
  CHECK(reading("{}", read).error().message == "a: is missing");
  CHECK(reading(R"({"a":null})", read).error().message == "a: is missing");
}

TEST_CASE("fields: those that nobody read come out, nested ones with their path") {
  const auto read = [](Fields& fields) {
    fields.text("a");
    fields.object("o", [](Fields& inner) { inner.text("b"); });
  };
  CHECK(reading(R"({"a":"1","o":{"b":"2","c":3},"d":4})", read).value() == Names{"o.c", "d"});
  CHECK(reading(R"({"o":{"b":7}})", read).error().message == "o.b: must be a string");
  CHECK(reading(R"({"o":[]})", read).error().message == "o: must be an object");
}

TEST_CASE("fields: the list of unread fields is bounded") {
  nlohmann::json object;
  for (int i = 0; i < 1'000; ++i) {
    object[std::string(1'000, 'x') + std::to_string(i)] = 1;
  }
  const auto ignored = Fields(object).finish().value();
  CHECK(ignored.size() == 33);
  CHECK(ignored.front().size() == 64);
  CHECK(ignored.back() == "and 968 more");
}

TEST_CASE("fields: each object of an array is read, an error in one is kept") {
  int sum = 0;
  const auto read = [&sum](Fields& fields) {
    fields.objects("o",
                   [&sum](Fields& inner) { sum += static_cast<int>(inner.integer("n", 0, 0, 9)); });
  };
  CHECK(reading(R"({"o":[{"n":1},{"n":2},{"n":3,"other":1}]})", read).value().empty());
  CHECK(sum == 6);
  CHECK(reading(R"({"o":[{"n":1},{"n":"x"}]})", read).error().message ==
        "o.n: must be a whole number");
  CHECK_FALSE(reading(R"({"o":[1]})", read).has_value());
}

TEST_CASE("fields: what the sender relies on must have been read") {
  const auto read = [](Fields& fields) {
    fields.text("a");
    fields.object("o", [](Fields& inner) { inner.text("b"); });
    fields.must();
  };
  CHECK(reading(R"({"must":["a","o","o.b","must"],"o":{}})", read).has_value());
  CHECK(reading(R"({"must":["c"],"c":1})", read).error().code == ErrorCode::unsupported);
  CHECK(reading(R"({"must":["o.c"],"o":{"c":1}})", read).error().code == ErrorCode::unsupported);
  CHECK(reading(R"({"must":"a"})", read).error().code == ErrorCode::bad_payload);
}

TEST_CASE("fields: a payload that is not an object is refused whatever is read of it") {
  for (const char* bad : {"null", "[]", "1", "\"x\"", "true"}) {
    const auto read = reading(bad, [](Fields& fields) { fields.text("a"); });
    CHECK(read.error().message == "the payload must be a JSON object");
  }
}

}  // namespace steward::wire::fields_test
