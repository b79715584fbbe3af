#include "subjects/identity/digest.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::tests::digest_test {

using steward::identity::Sha256;

TEST_CASE("digest: the vectors of FIPS 180-4 come out") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 abc;
  abc.update("abc");
  CHECK(abc.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("digest: bytes in pieces give the digest of the whole") {
  Sha256 pieces;
  for (int i = 0; i < 1000; ++i) {
    pieces.update(std::string(1000, 'a'));
  }
  CHECK(pieces.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace steward::tests::digest_test
