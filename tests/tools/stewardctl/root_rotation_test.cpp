#include "tools/stewardctl/root_rotation.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace steward::ctl::root_rotation_test {
namespace {

using identity::tests::fixed_key;

const wire::Timestamp kNow = identity::tests::written_at() + std::chrono::hours(1);

identity::AskPassphrase says(const std::string& passphrase) {
  return
      [passphrase]() -> Result<identity::Secret> { return identity::Secret::copy_of(passphrase); };
}

// The folder of a cluster as far as a rotation is concerned; its root is under a passphrase.
struct RootFolder {
  RootFolder() {
    const auto root = fixed_key(1);
    std::filesystem::create_directory(folder / "offline");
    REQUIRE(identity::write_key_file(folder / "offline/root.key",
                                     root,
                                     identity::Secret::copy_of("correct horse"),
                                     identity::Existing::keep));
    const auto certificate = identity::issue_root(
        *identity::ClusterName::parse("demo"), root, {kNow, kNow + std::chrono::hours(24 * 365)});
    std::ofstream(folder / "root.crt") << certificate->pem().value();
    std::ofstream(folder / "policy.signed")
        << identity::sign_document(
               identity::Purpose::policy, identity::tests::example_policy(), root)
               .value();
  }

  std::string text(const char* file) const { return identity::tests::contents(folder / file); }

  identity::tests::Folder folder;
};

}  // namespace

TEST_CASE("root rotation: the new root is under the passphrase of the present one") {
  const RootFolder cluster;
  const std::filesystem::path folder = cluster.folder / "";
  const auto wrong = rotate_root(folder, says("battery staple"), kNow);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ErrorCode::denied);
  const auto rotated = rotate_root(folder, says("correct horse"), kNow);
  REQUIRE_MESSAGE(rotated, rotated.error().message);
  CHECK(rotated->policy == rotated->overlap + 1);
  CHECK(cluster.text("offline/root.key").find("ENCRYPTED") != std::string::npos);
  CHECK(identity::read_key_file(folder / "offline/former-root.key", says("correct horse"))
            .value()
            .public_key() == fixed_key(1).public_key());
  const auto next = identity::read_key_file(folder / "offline/root.key", says("correct horse"));
  REQUIRE(next);
  CHECK(next->public_key() != fixed_key(1).public_key());
  CHECK(cluster.text("root.pub") == next->public_key().text() + "\n");
  CHECK(identity::signer_of(cluster.text("policy.signed")) == next->public_key().id());
  CHECK(identity::signer_of(cluster.text("overlap.signed")) == fixed_key(1).public_key().id());
  const auto retired = retire_root(folder, says("correct horse"), kNow);
  REQUIRE_MESSAGE(retired, retired.error().message);
  CHECK(*retired == rotated->policy + 1);
}

TEST_CASE(
    "root rotation: a second one before the first is ended is a conflict, and changes nothing") {
  const RootFolder cluster;
  const std::filesystem::path folder = cluster.folder / "";
  REQUIRE(rotate_root(folder, says("correct horse"), kNow));
  const auto policy = cluster.text("policy.signed");
  const auto again = rotate_root(folder, says("correct horse"), kNow);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::conflict);
  CHECK(cluster.text("policy.signed") == policy);
  CHECK_FALSE(std::filesystem::exists(folder / "offline/next-root.key"));
}

TEST_CASE("root rotation: a folder that is no cluster's is named by the file that it lacks") {
  const identity::tests::Folder empty;
  for (const auto& said : {rotate_root(empty / "", says("x"), kNow).map([](auto) { return 0; }),
                           retire_root(empty / "", says("x"), kNow).map([](auto) { return 0; })}) {
    REQUIRE_FALSE(said);
    CHECK(said.error().code == ErrorCode::bad_config);
    CHECK(said.error().message.find("offline/root.key") != std::string::npos);
  }
}

}  // namespace steward::ctl::root_rotation_test
