// A guard and its files, while one root follows another.
#include "subjects/bus/guard.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/identity/authority.hpp"
#include "subjects/identity/policy_revision.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace steward::bus::rotation_test {
namespace {

using identity::tests::example_policy;
using identity::tests::fixed_key;
using identity::tests::Folder;
using identity::tests::written_at;

const wire::Timestamp kNow = written_at() + std::chrono::minutes(1);

const std::uint8_t kFormer = 8;
const std::uint8_t kLater = 9;

identity::Certificate certificate(std::uint8_t number) {
  return identity::issue_root(*identity::ClusterName::parse("demo"),
                              fixed_key(number),
                              {written_at(), written_at() + std::chrono::hours(24)})
      .value();
}

std::string signed_by(std::uint8_t number, const std::string& body) {
  return identity::sign_document(identity::Purpose::policy, body, fixed_key(number)).value();
}

// Versions 8 to 10: the former root names the later one, which takes over, and then stands alone.
struct Rotation {
  std::string overlap =
      identity::with_roots(example_policy(), {certificate(kFormer), certificate(kLater)}, kNow)
          .value();
  std::string after =
      identity::with_roots(overlap, {certificate(kLater), certificate(kFormer)}, kNow).value();
  std::string end = identity::with_roots(after, {certificate(kLater)}, kNow).value();
};

// A machine whose configuration names the former root for ever.
struct Machine {
  Folder folder;
  TrustFiles files{"demo",
                   {fixed_key(kFormer).public_key().text()},
                   folder / "own.key",
                   folder / "policy",
                   folder / "kept",
                   {}};
  std::unique_ptr<Guard> guard = open_guard(files).value();
  std::unique_ptr<TrustWatch> watch = start();

  std::unique_ptr<TrustWatch> start() {
    return std::make_unique<TrustWatch>(
        files, *guard, TrustWatch::Say{[](const std::string&) {}, [](const std::string&) {}});
  }

  void restart() {
    watch.reset();
    guard = open_guard(files).value();
    watch = start();
  }

  Result<void> take(const std::string& document) { return watch->take(document, kNow); }

  std::uint64_t version() const { return guard->policy() ? guard->policy()->version() : 0; }
};

void follow(Machine& machine, const Rotation& rotation) {
  REQUIRE(machine.take(signed_by(kFormer, example_policy())));
  REQUIRE(machine.take(signed_by(kFormer, rotation.overlap)));
  REQUIRE(machine.take(signed_by(kLater, rotation.after)));
  REQUIRE(machine.take(signed_by(kLater, rotation.end)));
}

}  // namespace

TEST_CASE("rotation: the way from root to root is kept, and walked again at each start") {
  Machine machine;
  const Rotation rotation;
  follow(machine, rotation);
  machine.restart();
  CHECK(machine.version() == 10);
  CHECK(machine.guard->roots() == std::vector{fixed_key(kLater).public_key()});
  CHECK(inspect(machine.files, kNow).wrong.empty());
  const auto read = read_roots(machine.files).value();
  CHECK(read.keys == machine.guard->roots());
  REQUIRE(read.certificates.size() == 1);
  CHECK(read.certificates[0].public_key() == fixed_key(kLater).public_key());
}

TEST_CASE("rotation: what the ended root signs is refused, also after a start") {
  Machine machine;
  const Rotation rotation;
  follow(machine, rotation);
  const auto beyond = identity::with_denied_keys(rotation.end, {}, kNow).value();
  for (int turn = 0; turn < 2; ++turn) {
    CHECK(machine.take(signed_by(kFormer, beyond)).error().code == ErrorCode::bad_signature);
    CHECK(machine.take(signed_by(kFormer, rotation.overlap)).error().code ==
          ErrorCode::bad_signature);
    CHECK(machine.take(signed_by(kLater, rotation.after)).error().code == ErrorCode::denied);
    CHECK(machine.version() == 10);
    machine.restart();
  }
}

TEST_CASE("rotation: a step that nobody believed has signed leads nowhere") {
  Machine machine;
  const Rotation rotation;
  REQUIRE(machine.take(signed_by(kFormer, example_policy())));
  std::filesystem::create_directory(machine.folder / "overlaps");
  std::ofstream(machine.folder / "overlaps/00000000000000000008.signed")
      << signed_by(kLater, rotation.overlap);
  std::ofstream(machine.files.kept) << signed_by(kLater, rotation.end);
  machine.restart();
  CHECK(machine.version() == 0);
  CHECK(machine.guard->roots() == std::vector{fixed_key(kFormer).public_key()});
  CHECK(machine.take(signed_by(kLater, rotation.end)).error().code == ErrorCode::bad_signature);
}

TEST_CASE("rotation: who was away is given the overlap first, and then what is in force") {
  Machine station;
  const Rotation rotation;
  CHECK(station.guard->step_after(0).document == nullptr);
  follow(station, rotation);
  station.restart();
  Machine unit;
  REQUIRE(unit.take(signed_by(kFormer, example_policy())));
  CHECK(unit.take(*station.guard->document()).error().code == ErrorCode::bad_signature);
  std::vector<std::int64_t> steps;
  for (auto step = station.guard->step_after(7); step.document;
       step = station.guard->step_after(static_cast<std::int64_t>(unit.version()))) {
    REQUIRE(steps.size() < 5);
    steps.push_back(step.version);
    REQUIRE(unit.take(*step.document));
  }
  CHECK(steps == std::vector<std::int64_t>{8, 10});
  CHECK(unit.guard->roots() == station.guard->roots());
}

TEST_CASE("rotation: brought as files, the overlap beside the policy goes before it") {
  Machine machine;
  const Rotation rotation;
  REQUIRE(machine.take(signed_by(kFormer, example_policy())));
  std::ofstream(machine.files.policy) << signed_by(kLater, rotation.end);
  machine.watch->look(kNow);
  CHECK(machine.version() == 7);
  std::filesystem::remove(machine.files.policy);
  std::ofstream(machine.folder / "overlap.signed") << signed_by(kFormer, rotation.overlap);
  std::ofstream(machine.files.policy) << signed_by(kLater, rotation.end);
  machine.restart();
  machine.watch->look(kNow);
  CHECK(machine.version() == 10);
}

}  // namespace steward::bus::rotation_test
