#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "tests/subjects/identity/certificates.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::identity::certificate_request_test {
namespace {

using tests::Authorities;
using tests::fixed_key;
using tests::node;
using tests::the_real_now;

}  // namespace

TEST_CASE("request: a node asks for its own name, and openssl reads it") {
  const auto key = fixed_key(0x31);
  const auto pem = make_request(node("ship7"), key).value();
  CHECK(check_request(pem, node("ship7")).value() == key.public_key());
  CHECK(tests::is_golden("request.pem", pem));
  const tests::Folder folder;
  const auto path = (folder / "ship7.req").string();
  REQUIRE(write_file(path, pem, Access::everybody, Existing::keep));
  const auto said = tests::run("openssl req -verify -noout -text -in " + path);
  CHECK(said.exit_code == 0);
  CHECK(said.text.find("DNS:ship7.demo.steward") != std::string::npos);
}

TEST_CASE("request: one for another name, for more than a name, or not by its key is refused") {
  const Authorities world(the_real_now());
  const auto request = [&](const std::string& options) {
    REQUIRE(tests::run("openssl req -new -key " + world.path("leaf.key") + " -subj /O=x " +
                       options + " -out " + world.path("made.req"))
                .exit_code == 0);
    return tests::contents(world.path("made.req"));
  };
  const auto code = [](const std::string& pem) {
    const auto key = check_request(pem, node("ship7"));
    return key ? std::string("ok") : std::string(word(key.error().code));
  };
  const std::string own = "-addext subjectAltName=DNS:ship7.demo.steward";
  CHECK(code(request(own)) == "ok");
  CHECK(code(request("-addext subjectAltName=DNS:ship8.demo.steward")) == "denied");
  CHECK(code(request("-addext 'subjectAltName=DNS:*.demo.steward'")) == "denied");
  CHECK(code(request(own + ",DNS:ship8.demo.steward")) == "denied");
  CHECK(code(request(own + ",IP:10.0.0.1")) == "denied");
  CHECK(code(request(own + " -addext basicConstraints=CA:TRUE")) == "denied");
  CHECK(code(request("")) == "denied");
  const auto ours = make_request(node("ship7"), fixed_key(0x31)).value();
  auto der = std::string(ours);
  const auto at = der.size() - 60;  // in the signature
  der[at] = der[at] == 'A' ? 'B' : 'A';
  CHECK(code(der) == "bad_signature");
  CHECK(code(ours + ours) == "bad_payload");
  CHECK(code(world.root.pem().value()) == "bad_payload");
  CHECK(code("") == "bad_payload");
  CHECK(code(std::string(100'000, 'x')) == "bad_payload");
  CHECK(
      tests::run("openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /O=x " +
                 own + " -keyout /dev/null -out " + world.path("made.req"))
          .exit_code == 0);
  CHECK(code(tests::contents(world.path("made.req"))) == "bad_payload");
}

}  // namespace steward::identity::certificate_request_test
