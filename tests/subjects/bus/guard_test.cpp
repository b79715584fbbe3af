#include "subjects/bus/guard.hpp"

#include "subjects/bus/channel.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace steward::bus::guard_test {
namespace {

using identity::tests::example_policy;
using identity::tests::fixed_key;
using identity::tests::Folder;
using identity::tests::replaced;
using identity::tests::written_at;

const wire::Timestamp kNow = written_at() + std::chrono::minutes(1);

wire::NodeName node(std::string_view name) { return *wire::NodeName::parse(name); }

wire::Subject subject(std::string_view text) { return *wire::Subject::parse(text); }

// Key 1 is anna's, an admin; 3 the station's; 4 is denied. 8 is the root's, 9 the unit's.
std::unique_ptr<Guard> guard_of(std::uint8_t own) {
  auto guard = std::make_unique<Guard>(*identity::ClusterName::parse("demo"),
                                       std::vector{fixed_key(8).public_key()},
                                       fixed_key(own));
  guard->set_policy(*identity::Policy::parse(example_policy()), "");
  Guard::UnitKeys units;
  units.emplace("ship1", fixed_key(9).public_key());
  guard->set_unit_keys(std::move(units));
  return guard;
}

Channel channel(std::string_view source, const Guard* guard) {
  return {*wire::Source::parse(source), wire::Completeness::filled_in, system_ids(), guard};
}

Message sealed(std::uint8_t key, std::string_view source, std::string_view to) {
  const auto guard = guard_of(key);
  const auto sender = channel(source, guard.get());
  return sender.seal(sender.envelope(subject(to), kNow), "{}");
}

ErrorCode code_of(const tl::expected<Opened, Refusal>& opened) {
  REQUIRE(!opened);
  return opened.error().error.code;
}

constexpr std::string_view kShell = "ship1.command.shellcommand.operatingsystem";

TEST_CASE("guard: a command is opened that the policy allows to the one who has signed it") {
  const auto guard = guard_of(9);
  const auto unit = channel("/ship1", guard.get());
  CHECK(unit.open_command(node("ship1"), sealed(1, "/operator/anna", kShell), kNow));
  CHECK(code_of(unit.open_command(node("ship1"), sealed(3, "/station", kShell), kNow)) ==
        ErrorCode::denied);
  CHECK(code_of(unit.open_command(node("ship1"), sealed(4, "/operator/mallory", kShell), kNow)) ==
        ErrorCode::denied);
  CHECK(code_of(unit.open_command(node("ship1"), sealed(7, "/operator/anna", kShell), kNow)) ==
        ErrorCode::unknown_signer);
  auto altered = sealed(1, "/operator/anna", kShell);
  altered.payload = "[]";
  CHECK(code_of(unit.open_command(node("ship1"), std::move(altered), kNow)) ==
        ErrorCode::bad_signature);
}

TEST_CASE("guard: a message of a channel without one is refused by a channel that has one") {
  const auto guard = guard_of(9);
  const auto unit = channel("/ship1", guard.get());
  const auto sender = channel("/operator/anna", nullptr);
  const auto message = sender.seal(sender.envelope(subject(kShell), kNow), "{}");
  CHECK(!message.headers.find("ce-signature"));
  CHECK(code_of(unit.open_command(node("ship1"), Message(message), kNow)) == ErrorCode::not_signed);
  // By hand, without headers: nothing is filled in.
  CHECK(
      code_of(unit.open_command(node("ship1"), Message{std::string(kShell), {}, "{}", ""}, kNow)) ==
      ErrorCode::bad_envelope);
}

TEST_CASE("guard: without a policy nothing is allowed") {
  const Guard guard(
      *identity::ClusterName::parse("demo"), {fixed_key(8).public_key()}, fixed_key(9));
  const auto unit = channel("/ship1", &guard);
  CHECK(code_of(unit.open_command(node("ship1"), sealed(1, "/operator/anna", kShell), kNow)) ==
        ErrorCode::denied);
}

TEST_CASE("guard: an opened command is asked about again by the policy of that moment") {
  const auto guard = guard_of(9);
  const auto unit = channel("/ship1", guard.get());
  const auto opened = unit.open_command(node("ship1"), sealed(1, "/operator/anna", kShell), kNow);
  REQUIRE(opened);
  CHECK(unit.allows(node("ship1"), *opened, kNow));
  guard->set_policy(
      *identity::Policy::parse(replaced(
          example_policy(), fixed_key(4).public_key().id(), fixed_key(1).public_key().id())),
      "");
  CHECK(unit.allows(node("ship1"), *opened, kNow).error().code == ErrorCode::denied);
}

TEST_CASE("guard: an event is believed by the key of its own node") {
  const auto guard = guard_of(3);
  const auto station = channel("/station", guard.get());
  const std::string ack = "ship1.event.ack.shellcommand";
  CHECK(station.open(sealed(9, "/ship1", ack), kNow));
  CHECK(code_of(station.open(sealed(1, "/ship1", ack), kNow)) == ErrorCode::bad_signature);
  CHECK(code_of(station.open(sealed(1, "/operator/anna", ack), kNow)) == ErrorCode::denied);
  CHECK(code_of(station.open(sealed(9, "/ship1", "ship2.event.ack.shellcommand"), kNow)) ==
        ErrorCode::denied);
  CHECK(code_of(station.open(sealed(9, "/ship2", "ship2.event.ack.shellcommand"), kNow)) ==
        ErrorCode::unknown_signer);
  CHECK(station.open(sealed(3, "/station", "station.event.received.ship1"), kNow));
  CHECK(code_of(station.open(sealed(1, "/station", "station.event.received.ship1"), kNow)) ==
        ErrorCode::denied);
}

TEST_CASE("guard: hello and live output need no signature; what has a place in an outbox does") {
  const auto guard = guard_of(9);
  const auto unit = channel("/ship1", guard.get());
  auto envelope = unit.envelope(subject("ship1.event.hello.agent"), kNow);
  auto hello = unit.seal(envelope, "{}");
  CHECK(!hello.headers.find("ce-signature"));
  CHECK(unit.open(std::move(hello), kNow));
  envelope.position = wire::Position{envelope.id, 1};
  CHECK(unit.seal(envelope, "{}").headers.find("ce-signature"));
}

// A signed policy of that version in a file.
void bring(const std::filesystem::path& file, int version, std::uint8_t root) {
  const auto body =
      replaced(example_policy(), "\"version\": 7", "\"version\": " + std::to_string(version));
  const auto document = identity::sign_document(identity::Purpose::policy, body, fixed_key(root));
  REQUIRE(identity::write_file(
      file, *document, identity::Access::everybody, identity::Existing::replace));
}

struct Watched {
  Folder folder;
  TrustFiles files{"demo",
                   {fixed_key(8).public_key().text()},
                   folder / "own.key",
                   folder / "policy",
                   folder / "kept",
                   {}};
  std::vector<std::string> errors;

  std::uint64_t version_after_look(Guard& guard) {
    TrustWatch watch(
        files,
        guard,
        {[](const std::string&) {}, [this](const std::string& text) { errors.push_back(text); }});
    watch.look(kNow);
    return guard.policy() ? guard.policy()->version() : 0;
  }
};

TEST_CASE("trust files: a policy is kept over a restart, and no older one is taken after it") {
  Watched at;
  bring(at.files.policy, 7, 8);
  CHECK(at.version_after_look(**open_guard(at.files)) == 7);
  std::filesystem::remove(at.files.policy);
  CHECK(at.version_after_look(**open_guard(at.files)) == 7);
  CHECK(at.errors.empty());
  bring(at.files.policy, 6, 8);
  CHECK(at.version_after_look(**open_guard(at.files)) == 7);
  CHECK(at.errors.size() == 1);
  bring(at.files.policy, 8, 8);
  CHECK(at.version_after_look(**open_guard(at.files)) == 8);
}

TEST_CASE("trust files: a policy of another root is not taken, from wherever it comes") {
  Watched at;
  bring(at.files.policy, 7, 1);
  bring(at.files.kept, 7, 1);
  CHECK(at.version_after_look(**open_guard(at.files)) == 0);
  CHECK(at.errors.size() == 2);
}

TEST_CASE("trust files: a policy that came over the bus is kept as one from a file is") {
  Watched at;
  bring(at.files.policy, 8, 8);
  const auto document = identity::tests::contents(at.files.policy);
  bring(at.files.policy, 7, 8);
  const auto older = identity::tests::contents(at.files.policy);
  std::filesystem::remove(at.files.policy);
  const auto guard = *open_guard(at.files);
  TrustWatch watch(at.files, *guard, {[](const std::string&) {}, [](const std::string&) {}});
  CHECK(guard->document() == nullptr);
  CHECK(watch.take(document, kNow));
  CHECK(*guard->document() == document);
  CHECK(watch.take(document, kNow));
  CHECK(watch.take(older, kNow).error().code == ErrorCode::denied);
  CHECK(watch.take(document + " ", kNow).error().code == ErrorCode::bad_signature);
  CHECK(*guard->document() == document);
  CHECK(at.version_after_look(**open_guard(at.files)) == 8);
}

TEST_CASE("trust files: looked at beforehand, they say what is in them and write nothing") {
  Watched at;
  auto report = inspect(at.files, kNow);
  CHECK(report.wrong.empty());
  CHECK(report.summary == "cluster demo, no policy yet: no command is carried out");
  CHECK(!std::filesystem::exists(at.files.key));
  bring(at.files.policy, 7, 8);
  at.files.units = at.folder / "units";
  std::filesystem::create_directory(at.files.units);
  REQUIRE(identity::write_file(at.files.units / "ship1.pub",
                               fixed_key(9).public_key().text() + "\n",
                               identity::Access::everybody,
                               identity::Existing::keep));
  report = inspect(at.files, kNow);
  CHECK(report.wrong.empty());
  CHECK(report.summary.find("policy version 7 until ") != std::string::npos);
  CHECK(report.summary.find("keys of 1 units") != std::string::npos);
  CHECK(!std::filesystem::exists(at.files.kept));
}

TEST_CASE("trust files: looked at beforehand, each that is wrong is named") {
  Watched at;
  const auto wrong = [&at](std::string_view what) {
    const auto report = inspect(at.files, kNow);
    CAPTURE(what);
    REQUIRE(report.wrong.size() == 1);
    CHECK_MESSAGE(report.wrong[0].find(what) != std::string::npos, report.wrong[0]);
  };
  bring(at.files.policy, 7, 1);
  wrong("policy: bad_signature");
  bring(at.files.policy, 7, 8);
  bring(at.files.kept, 8, 8);
  wrong("policy: denied");
  std::filesystem::remove(at.files.policy);
  REQUIRE(identity::write_file(
      at.files.key, "nonsense", identity::Access::owner_only, identity::Existing::replace));
  wrong("trust.key: ");
  std::filesystem::remove(at.files.key);
  at.files.units = at.folder / "units";
  wrong("units: ");
  std::filesystem::create_directory(at.files.units);
  REQUIRE(identity::write_file(at.files.units / "ship1.pub",
                               "nonsense",
                               identity::Access::everybody,
                               identity::Existing::keep));
  wrong("ship1.pub is no key of a unit");
  at.files.cluster = "*";
  wrong("trust.cluster: ");
}

TEST_CASE("trust files: our own key is made once, and its public half stands beside it") {
  Watched at;
  REQUIRE(open_guard(at.files));
  const auto made = identity::tests::contents(at.folder / "own.pub");
  REQUIRE(open_guard(at.files));
  CHECK(identity::tests::contents(at.folder / "own.pub") == made);
  CHECK(made.size() == 44);
  at.files.roots.clear();
  CHECK(open_guard(at.files).error().code == ErrorCode::bad_config);
}

}  // namespace
}  // namespace steward::bus::guard_test
