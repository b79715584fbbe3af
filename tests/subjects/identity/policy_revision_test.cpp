#include "subjects/identity/policy_revision.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/identity/policy.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace steward::identity::policy_revision_test {
namespace {

using tests::example_policy;
using tests::written_at;

std::string key_id(std::uint8_t number) { return tests::fixed_key(number).public_key().id(); }

}  // namespace

TEST_CASE("policy revision: the next version denies more, and says all else as before") {
  const auto before = Policy::parse(example_policy()).value();
  const auto now = written_at() + std::chrono::hours(1);
  const auto body = with_denied_keys(example_policy(), {key_id(8), key_id(9)}, now);
  REQUIRE_MESSAGE(body, body.error().message);
  const auto after = Policy::parse(*body).value();
  CHECK(after.version() == before.version() + 1);
  CHECK(after.issued() == now);
  CHECK(after.expires() == before.expires());
  CHECK(after.signers().size() == before.signers().size());
  CHECK(after.rules().size() == before.rules().size());
  auto wanted = before.denied_keys();
  wanted.insert({key_id(8), key_id(9)});
  CHECK(after.denied_keys() == wanted);
}

TEST_CASE("policy revision: one that has expired is not prolonged by a revocation") {
  const auto policy = Policy::parse(example_policy()).value();
  const auto body = with_denied_keys(example_policy(), {key_id(8)}, policy.expires());
  REQUIRE_FALSE(body);
  CHECK(body.error().code == ErrorCode::expired);
  CHECK_FALSE(with_denied_keys("no policy", {key_id(8)}, written_at()));
}

TEST_CASE("policy revision: another operator gets key and roles, once, and no one else's name") {
  const auto before = Policy::parse(example_policy()).value();
  const auto now = written_at() + std::chrono::hours(1);
  const auto key = tests::fixed_key(77).public_key();
  const auto& roles = before.signers().front().roles;
  const auto body = with_operator(example_policy(), "carl", key, roles, now);
  REQUIRE_MESSAGE(body, body.error().message);
  const auto after = Policy::parse(*body).value();
  CHECK(after.version() == before.version() + 1);
  CHECK(after.signers().size() == before.signers().size() + 1);
  const auto* const signer = after.find_signer(key.id());
  REQUIRE(signer != nullptr);
  CHECK(signer->source.str() == "/operator/carl");
  CHECK(signer->roles == roles);
  CHECK(after.rules().size() == before.rules().size());
  CHECK(with_operator(*body, "carl", key, roles, now).value() == *body);

  const auto other = tests::fixed_key(78).public_key();
  CHECK(with_operator(*body, "carl", other, roles, now).error().code == ErrorCode::conflict);
  CHECK(with_operator(*body, "dora", key, roles, now).error().code == ErrorCode::conflict);
  CHECK_FALSE(with_operator(*body, "dora", other, {"no-such-role"}, now));
  const auto denied = with_denied_keys(*body, {other.id()}, now).value();
  CHECK(with_operator(denied, "dora", other, roles, now).error().code == ErrorCode::denied);
  CHECK(with_operator(*body, "dora", other, roles, before.expires()).error().code ==
        ErrorCode::expired);
}

TEST_CASE("policy revision: ten thousand revoked units with both their keys fit into a policy") {
  std::vector<std::string> ids;
  for (int number = 0; number < 20'000; ++number) {
    ids.push_back(hex(sha256(std::to_string(number))).substr(0, 32));
  }
  const auto now = written_at() + std::chrono::hours(1);
  const auto before = Policy::parse(example_policy())->denied_keys();
  const auto body = with_denied_keys(example_policy(), ids, now);
  REQUIRE_MESSAGE(body, body.error().message);
  const auto after = Policy::parse(*body);
  REQUIRE(after);
  auto wanted = before;
  wanted.insert(ids.begin(), ids.end());
  CHECK(after->denied_keys() == wanted);
  // One more by hand, beside what is packed.
  auto edited = *body;
  const auto more = std::string(32, 'f');
  edited.replace(edited.find("\"packed:"), 0, "\"" + more + "\", ");
  wanted.insert(more);
  CHECK(Policy::parse(edited)->denied_keys() == wanted);
}

TEST_CASE("policy revision: a packed item that is none is refused") {
  for (const auto* item : {"packed:", "packed:AAAA", "packed:!", "packed", "00"}) {
    CAPTURE(item);
    const auto text = tests::replaced(
        example_policy(), "\"deny\": [\"", std::string("\"deny\": [\"") + item + "\", \"");
    REQUIRE(text != example_policy());
    CHECK(Policy::parse(text).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::identity::policy_revision_test
