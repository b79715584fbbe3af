#include "subjects/identity/policy_revision.hpp"

#include "subjects/identity/policy.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::identity {
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

}  // namespace steward::identity
