#include "subjects/identity/encoding.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace steward::identity::encoding_test {

// RFC 4648 section 10, without the padding.
TEST_CASE("encoding: the vectors of RFC 4648 come out and go in") {
  struct Row {
    std::string_view bytes, url, thirty_two;
  };

  for (const auto& [bytes, url, thirty_two] : {Row{"", "", ""},
                                               Row{"f", "Zg", "MY"},
                                               Row{"fo", "Zm8", "MZXQ"},
                                               Row{"foo", "Zm9v", "MZXW6"},
                                               Row{"foob", "Zm9vYg", "MZXW6YQ"},
                                               Row{"fooba", "Zm9vYmE", "MZXW6YTB"},
                                               Row{"foobar", "Zm9vYmFy", "MZXW6YTBOI"},
                                               Row{"\xfb\xff\xbf", "-_-_", "7P736"}}) {
    CHECK(base64url(bytes) == url);
    CHECK(parse_base64url(url) == std::string(bytes));
    CHECK(base32(bytes) == thirty_two);
    CHECK(parse_base32(thirty_two) == std::string(bytes));
  }
  CHECK(hex(std::string_view("\x00\x9f\xff", 3)) == "009fff");
}

TEST_CASE("encoding: a second spelling of the same bytes is refused") {
  for (const auto* text : {"Zg==", "Zh", "Zg ", "Z", "Zm9vY", "Zm+v", "Zm/v", "Zm9v\n", "Zm8A="}) {
    CAPTURE(text);
    CHECK(parse_base64url(text).error().code == ErrorCode::bad_payload);
  }
  for (const auto* text : {"MY======", "MZ", "my", "M", "MZX", "MZXW6Y", "M1", "MY\n"}) {
    CAPTURE(text);
    CHECK(parse_base32(text).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::identity::encoding_test
