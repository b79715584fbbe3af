#include "subjects/wire/names.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::names_test {
namespace {

const std::string kLower = "abcdefghijklmnopqrstuvwxyz0123456789";

// Every byte, beside those of `allowed`, makes `before` + byte + `after` a text that is refused.
template <class Parse>
void check_alphabet(Parse parse, const std::string& allowed, ErrorCode code) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    CAPTURE(byte);
    const auto parsed = parse("a" + std::string(1, c) + "b");
    CHECK(parsed.has_value() == (allowed.find(c) != std::string::npos));
    if (!parsed) {
      CHECK(parsed.error().code == code);
    }
  }
}

}  // namespace

TEST_CASE("node name: only a-z, 0-9 and '-' are in one") {
  check_alphabet(&NodeName::parse, kLower + "-", ErrorCode::bad_subject);
}

TEST_CASE("node name: a DNS label of 1 to 63 characters, no '-' first or last") {
  CHECK(NodeName::parse("a").has_value());
  CHECK(NodeName::parse("7").has_value());
  CHECK(NodeName::parse("ship-1").value().str() == "ship-1");
  CHECK(NodeName::parse(std::string(63, 'a')).has_value());
  for (const char* bad :
       {"", "-", "-a", "a-", "*", ">", "@all", "Ship1", "a.b", "a b", "schi\xc3\xb6"}) {
    CAPTURE(bad);
    CHECK(NodeName::parse(bad).error().code == ErrorCode::bad_subject);
  }
  CHECK_FALSE(NodeName::parse(std::string(64, 'a')).has_value());
}

TEST_CASE("token: only letters, digits, '_' and '-' are in one") {
  check_alphabet(&Token::parse, kLower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-", ErrorCode::bad_subject);
}

TEST_CASE("token: 1 to 64 characters, case kept") {
  CHECK(Token::parse("-").has_value());
  CHECK(Token::parse("Nginx_2").value().str() == "Nginx_2");
  CHECK(Token::parse(std::string(64, 'x')).has_value());
  CHECK_FALSE(Token::parse(std::string(65, 'x')).has_value());
  CHECK_FALSE(Token::parse("").has_value());
}

TEST_CASE("names: an error shows the text shortened and safe for a terminal") {
  const auto error = NodeName::parse("\x1b[31m" + std::string(1'000, 'x')).error();
  CHECK(error.message.find('\x1b') == std::string::npos);
  CHECK(error.message.size() < 200);
}

TEST_CASE("message id: of Crockford's base32, either case, upper case given") {
  const std::string text = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  CHECK(MessageId::parse(text).value().str() == text);
  CHECK(MessageId::parse("01arz3ndektsv4rrffq69g5fav").value().str() == text);
  CHECK(MessageId::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").has_value());
  for (const char* bad : {"",
                          "01ARZ3NDEKTSV4RRFFQ69G5FA",
                          "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
                          "81ARZ3NDEKTSV4RRFFQ69G5FAV",
                          "01ARZ3NDEKTSV4RRFFQ69G5FAI",
                          "01ARZ3NDEKTSV4RRFFQ69G5FAL",
                          "01ARZ3NDEKTSV4RRFFQ69G5FAO",
                          "01ARZ3NDEKTSV4RRFFQ69G5FAU",
                          "01ARZ3NDEKTSV4RRFFQ69G5F.V",
                          "01ARZ3NDEKTSV4RRFFQ69G5FA\xff"}) {
    CAPTURE(bad);
    CHECK(MessageId::parse(bad).error().code == ErrorCode::bad_envelope);
  }
  CHECK_FALSE(MessageId::parse(std::string(26, '\0')).has_value());
}

TEST_CASE(
    "message id: made of the time and the random bits, as the ULID specification lays them out") {
  CHECK(MessageId::make(0, {}).str() == "00000000000000000000000000");
  CHECK(MessageId::make(1'469'918'176'385, {}).str().substr(0, 10) == "01ARYZ6S41");
  const auto last = MessageId::make((std::uint64_t{1} << 48) - 1,
                                    {255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
  CHECK(last.str() == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  CHECK(MessageId::make(0, {0, 0, 0, 0, 1, 0, 0, 0, 0, 2}).str() == "00000000000000000100000002");
  CHECK(MessageId::make(~std::uint64_t{0}, {}).unix_milliseconds() == (std::uint64_t{1} << 48) - 1);
  CHECK(MessageId::make(1'795'247'248'123, {9}).unix_milliseconds() == 1'795'247'248'123);
}

TEST_CASE("message id: sorts by the time of its making") {
  CHECK(MessageId::make(1, {255}) < MessageId::make(2, {}));
  CHECK(MessageId::make(31, {}) < MessageId::make(32, {}));
}

TEST_CASE("source: one or two parts behind slashes") {
  for (const char* good : {"/ship1", "/station", "/operator/anna", "/operator/a.b_c@d+e-F9"}) {
    CAPTURE(good);
    CHECK(Source::parse(good).value().str() == good);
  }
  for (const char* bad :
       {"", "/", "ship1", "//", "/a/", "//a", "/a/b/c", "/a b", "/a\n", "/a/*", "/\xc3\xb6"}) {
    CAPTURE(bad);
    CHECK(Source::parse(bad).error().code == ErrorCode::bad_envelope);
  }
  CHECK(Source::parse("/" + std::string(128, 'a')).has_value());
  CHECK_FALSE(Source::parse("/" + std::string(129, 'a')).has_value());
  CHECK(Source::node(*NodeName::parse("ship1")).str() == "/ship1");
}

TEST_CASE("source: only letters, digits and . _ @ + - are in a part") {
  check_alphabet([](const std::string& text) { return Source::parse("/operator/" + text); },
                 kLower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._@+-",
                 ErrorCode::bad_envelope);
}

}  // namespace steward::wire::names_test
