#include "edge/enrollment.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/key.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace steward::edge::enrollment_test {
namespace {

namespace fs = std::filesystem;

const wire::Timestamp kNow = wire::parse_time("2026-11-21T12:00:00Z").value();

std::string root() {
  static const std::string text =
      identity::PrivateKey::from_seed(std::string(32, 'r')).value().public_key().text();
  return text;
}

JoinPlan plan(const fs::path& folder, const std::string& name = "ship7") {
  return {folder, "demo", name, root(), {"nats://127.0.0.1:4222"}};
}

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files.emplace(entry.path().filename().string(), identity::read_file(entry.path()).value());
  }
  return files;
}

// In the order in which they are made.
const std::vector<std::string> kOrder{
    "edge.toml", "message.key", "login.seed", "authority.key", "ship7.req"};

TEST_CASE("enrollment: asked for again it is the same request, wherever it was interrupted") {
  const tests::TemporaryFolder folder;
  const auto whole = folder.path() / "unit";
  const auto first = begin_enrollment(plan(whole), kNow);
  REQUIRE(first);
  CHECK(first->file == whole / "ship7.req");
  const auto files = files_in(whole);
  REQUIRE(files.size() == kOrder.size());
  CHECK(begin_enrollment(plan(whole), kNow + std::chrono::hours(1))->fingerprint ==
        first->fingerprint);
  CHECK(files_in(whole) == files);
  for (std::size_t made = 0; made < kOrder.size(); ++made) {
    CAPTURE(made);
    for (std::size_t i = made; i < kOrder.size(); ++i) {
      REQUIRE(fs::remove(whole / kOrder[i]));
    }
    const auto before = files_in(whole);
    REQUIRE(begin_enrollment(plan(whole), kNow));
    const auto after = files_in(whole);
    CHECK(after.size() == kOrder.size());
    for (const auto& [name, text] : before) {
      CHECK(after.at(name) == text);
    }
  }
}

TEST_CASE("enrollment: the folder of another unit or root is a conflict, bad names are refused") {
  const tests::TemporaryFolder folder;
  const auto place = folder.path() / "unit";
  REQUIRE(begin_enrollment(plan(place), kNow));
  CHECK(begin_enrollment(plan(place, "ship8"), kNow).error().code == ErrorCode::conflict);
  auto other = plan(place);
  other.root = identity::PrivateKey::from_seed(std::string(32, 'x')).value().public_key().text();
  CHECK(begin_enrollment(other, kNow).error().code == ErrorCode::conflict);
  CHECK(begin_enrollment(plan(folder.path() / "new", "*"), kNow).error().code ==
        ErrorCode::bad_config);
  CHECK_FALSE(fs::exists(folder.path() / "new"));
}

TEST_CASE("enrollment: a bundle needs the keys that its request was made of") {
  const tests::TemporaryFolder folder;
  const auto place = folder.path() / "unit";
  REQUIRE(begin_enrollment(plan(place), kNow));
  CHECK(finish_enrollment(place, place / "ship7.req", kNow).error().code ==
        ErrorCode::bad_signature);
  fs::remove(place / "authority.key");
  CHECK(finish_enrollment(place, place / "ship7.req", kNow).error().code == ErrorCode::not_found);
  CHECK_FALSE(fs::exists(place / "authority.key"));
}

}  // namespace
}  // namespace steward::edge::enrollment_test
