#include "subjects/identity/join_string.hpp"

#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::identity::join_string_test {
namespace {

using tests::fixed_key;
using tests::fixed_nkey;
using tests::noon;

JoinString invitation() {
  const tests::Broker broker;
  const auto user = fixed_nkey(NkeyKind::user, 0x70);
  const auto jwt = sign_user(broker.user(user, "ship7"), broker.enroll_scope, noon()).value();
  return {*ClusterName::parse("demo"),
          *wire::NodeName::parse("ship7"),
          fixed_key(50).public_key(),
          {"nats://one:4222", "nats://two:4222"},
          std::string(encode_credentials(jwt, user).view()),
          std::nullopt};
}

}  // namespace

TEST_CASE("join string: one word says cluster, name, root, brokers and login") {
  const auto text = encode_join_string(invitation());
  CHECK(text.find_first_of(" \t\r\n") == std::string::npos);
  for (const auto& pasted : {text, "  " + text + "\r\n"}) {
    const auto read = decode_join_string(pasted);
    REQUIRE(read);
    CHECK(read->cluster == invitation().cluster);
    CHECK(read->node == invitation().node);
    CHECK(read->root == invitation().root);
    CHECK(read->brokers == invitation().brokers);
    CHECK(read->credentials == invitation().credentials);
    CHECK_FALSE(read->tls);
  }
  auto by_tls = invitation();
  by_tls.tls = JoinString::Tls{"ca\n", "chain\n", "key\n"};
  const auto read = decode_join_string(encode_join_string(by_tls));
  REQUIRE(read);
  REQUIRE(read->tls);
  CHECK(read->tls->ca == "ca\n");
  CHECK(read->tls->chain == "chain\n");
  CHECK(read->tls->key == "key\n");
}

TEST_CASE("join string: one that was cut, altered or is of another form is refused") {
  const auto text = encode_join_string(invitation());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK(decode_join_string(text.substr(0, size)).error().code == ErrorCode::bad_payload);
  }
  auto altered = text;
  altered[text.size() / 2] = altered[text.size() / 2] == 'A' ? 'B' : 'A';
  CHECK(decode_join_string(altered).error().code == ErrorCode::bad_payload);
  auto later = text;
  later[14] = '2';
  CHECK(decode_join_string(later).error().code == ErrorCode::unsupported);
  auto nowhere = invitation();
  nowhere.brokers.clear();
  CHECK(decode_join_string(encode_join_string(nowhere)).error().code == ErrorCode::bad_payload);
  auto nobody = invitation();
  nobody.credentials = "none";
  CHECK(decode_join_string(encode_join_string(nobody)).error().code == ErrorCode::bad_payload);
}

}  // namespace steward::identity::join_string_test
