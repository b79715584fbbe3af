#include "subjects/identity/authority.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/policy_revision.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace steward::identity::policy_roots_test {
namespace {

using std::chrono::hours;
using tests::example_policy;
using tests::fixed_key;
using tests::written_at;

const std::uint8_t kFormer = 20;
const std::uint8_t kLater = 21;
const std::uint8_t kStranger = 22;

ClusterName demo() { return *ClusterName::parse("demo"); }

PublicKey key(std::uint8_t number) { return fixed_key(number).public_key(); }

Certificate root(std::uint8_t number) {
  return issue_root(demo(), fixed_key(number), {written_at() - hours(1), written_at() + hours(999)})
      .value();
}

std::string signed_by(std::uint8_t number, const std::string& body) {
  return sign_document(Purpose::policy, body, fixed_key(number)).value();
}

std::string with(const std::string& body, const std::vector<std::uint8_t>& numbers) {
  std::vector<Certificate> roots;
  for (const auto number : numbers) {
    roots.push_back(root(number));
  }
  return with_roots(body, roots, written_at()).value();
}

ErrorCode code_of(const Result<Policy>& taken) {
  REQUIRE_FALSE(taken);
  return taken.error().code;
}

// Believes as a unit does: what is in force says who may sign the next one.
struct Unit {
  std::vector<PublicKey> roots{key(kFormer)};
  std::optional<Policy> present = std::nullopt;

  Result<Policy> take(const std::string& document, wire::Timestamp now = written_at()) {
    auto taken = accept_policy(document, roots, demo(), present ? &*present : nullptr, now);
    if (taken) {
      present = *taken;
      roots = taken->believed_roots();
    }
    return taken;
  }
};

}  // namespace

TEST_CASE("policy roots: the signer is believed alone, unless the policy names others") {
  const auto alone =
      open_policy(signed_by(kFormer, example_policy()), {key(kFormer)}, demo()).value();
  CHECK(alone.signed_by() == key(kFormer));
  CHECK(alone.believed_roots() == std::vector{key(kFormer)});
  CHECK_FALSE(alone.is_overlap());
  const auto own = with(example_policy(), {kFormer});
  CHECK_FALSE(open_policy(signed_by(kFormer, own), {key(kFormer)}, demo()).value().is_overlap());
  const auto both = with(example_policy(), {kFormer, kLater});
  const auto overlap = open_policy(signed_by(kFormer, both), {key(kFormer)}, demo()).value();
  CHECK(overlap.believed_roots() == std::vector{key(kFormer), key(kLater)});
  CHECK(overlap.is_overlap());
  CHECK(overlap.version() == alone.version() + 1);
  CHECK(Policy::parse(both).value().believed_roots().empty());
}

TEST_CASE("policy roots: what is named has to be a root's certificate, once, and few of them") {
  const auto named = [](const std::string& text) {
    return Policy::parse(tests::replaced(example_policy(),
                                         "\"roles\": [\"admins\"",
                                         "\"roots\": " + text + ", \"roles\": [\"admins\""));
  };
  CHECK(named("[]"));
  CHECK(code_of(named(R"(["no certificate"])")) == ErrorCode::bad_payload);
  const auto pem = root(kLater).pem().value();
  std::string escaped;
  for (const auto each : pem) {
    escaped += each == '\n' ? "\\n" : std::string(1, each);
  }
  CHECK(named("[\"" + escaped + "\"]"));
  CHECK(code_of(named("[\"" + escaped + "\", \"" + escaped + "\"]")) == ErrorCode::bad_payload);
  CHECK_FALSE(with_roots(
      example_policy(), {root(20), root(21), root(22), root(23), root(24)}, written_at()));
  // The certificate of a unit is none of a root.
  const auto unit = issue_authority({demo(), *wire::NodeName::parse("ship1")},
                                    key(kStranger),
                                    root(kFormer),
                                    fixed_key(kFormer),
                                    {written_at(), written_at() + hours(9)})
                        .value();
  CHECK_FALSE(with_roots(example_policy(), {unit}, written_at()));
}

TEST_CASE("policy roots: one root follows another, and the former is over when the overlap is") {
  const auto overlap = with(example_policy(), {kFormer, kLater});
  const auto after = with(overlap, {kLater, kFormer});
  const auto end = with(after, {kLater});
  const auto beyond = with_denied_keys(end, {key(7).id()}, written_at()).value();
  Unit unit;
  REQUIRE(unit.take(signed_by(kFormer, overlap)));
  REQUIRE(unit.take(signed_by(kLater, after)));
  CHECK(unit.roots == std::vector{key(kLater), key(kFormer)});
  {
    auto other = unit;  // either signs
    CHECK(other.take(signed_by(kFormer, with_denied_keys(after, {}, written_at()).value())));
    CHECK(other.take(signed_by(kLater, with(with(after, {kLater}), {kLater}))));
  }
  CHECK(code_of(unit.take(signed_by(kFormer, overlap))) == ErrorCode::denied);
  REQUIRE(unit.take(signed_by(kLater, end)));
  // By the ended root, and back to before the end.
  CHECK(code_of(unit.take(signed_by(kFormer, beyond))) == ErrorCode::bad_signature);
  CHECK(code_of(unit.take(signed_by(kFormer, overlap))) == ErrorCode::bad_signature);
  CHECK(code_of(unit.take(signed_by(kLater, after))) == ErrorCode::denied);
  CHECK(unit.take(signed_by(kLater, beyond)));
}

TEST_CASE("policy roots: no root is believed that names itself, or that nobody believed names") {
  const auto theft = with(example_policy(), {kFormer, kStranger});
  Unit unit;
  CHECK(code_of(unit.take(signed_by(kStranger, theft))) == ErrorCode::bad_signature);
  CHECK(code_of(unit.take(signed_by(kLater, with(theft, {kLater})))) == ErrorCode::bad_signature);
  REQUIRE(unit.take(signed_by(kFormer, with(example_policy(), {kFormer, kLater}))));
  CHECK(code_of(unit.take(signed_by(kStranger, with(theft, {kLater, kStranger})))) ==
        ErrorCode::bad_signature);
}

TEST_CASE("policy roots: an overlap that has expired still says who signs the next one") {
  const auto expires = Policy::parse(example_policy()).value().expires();
  Unit unit;
  CHECK(code_of(unit.take(signed_by(kFormer, example_policy()), expires)) == ErrorCode::expired);
  CHECK(code_of(unit.take(signed_by(kFormer, with(example_policy(), {kFormer})), expires)) ==
        ErrorCode::expired);
  CHECK(unit.take(signed_by(kFormer, with(example_policy(), {kFormer, kLater})), expires));
  CHECK(unit.roots.size() == 2);
}

}  // namespace steward::identity::policy_roots_test
