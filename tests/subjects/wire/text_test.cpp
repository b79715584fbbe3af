#include "subjects/wire/text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::text_test {

TEST_CASE("UTF-8: well-formed text of every length of character") {
  for (const char* good : {"",
                           "a",
                           "\x7f",
                           "\xc2\x80",
                           "\xdf\xbf",
                           "\xe0\xa0\x80",
                           "\xed\x9f\xbf",
                           "\xee\x80\x80",
                           "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf",
                           "gr\xc3\xbc\xc3\x9f\x65"}) {
    CHECK(is_utf8(good));
  }
  CHECK(is_utf8(std::string(3, '\0')));
}

TEST_CASE("UTF-8: overlong forms, surrogates, cut and stray bytes are not") {
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xc2",
                          "\xc2"
                          "a",
                          "\xe0\x80\x80",
                          "\xe0\x9f\xbf",
                          "\xe2\x82",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf0\x80\x80\x80",
                          "\xf0\x8f\xbf\xbf",
                          "\xf0\x9f\x98",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xff",
                          "a\xfe"
                          "b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("base64: the examples of RFC 4648, both ways") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    CHECK(base64(bytes) == text);
    CHECK(parse_base64(text).value() == bytes);
  }
}

TEST_CASE("base64: every byte value comes back") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
    CHECK(parse_base64(base64(bytes)).value() == bytes);
  }
}

TEST_CASE("base64: one text only stands for the same bytes") {
  for (const char* bad : {"Z",
                          "Zg",
                          "Zg=",
                          "Zg===",
                          "Zh==",
                          "Zm9=",
                          "Zm8=Zm8=",
                          "=",
                          "==",
                          "====",
                          "Z===",
                          "Zm-v",
                          "Zm_v",
                          "Zm v",
                          "Zm9v\n",
                          "Zm9v\xff\xff\xff\xff",
                          "Zg=a"}) {
    CAPTURE(bad);
    CHECK(parse_base64(bad).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::wire::text_test
