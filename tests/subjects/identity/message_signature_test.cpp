#include "subjects/identity/message_signature.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/identity/nkey.hpp"
#include "tests/subjects/identity/identities.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::message_signature_test {
namespace {

using std::string_view_literals::operator""sv;
using tests::fixed_key;

constexpr std::string_view kPayload = R"({"argv":["uname","-a"]})";

wire::MessageId id_of(std::uint8_t number) {
  return wire::MessageId::make(1'795'247'248'123, {1, 2, 3, 4, 5, 6, 7, 8, 9, number});
}

wire::Timestamp noon() {
  return wire::Timestamp(std::chrono::milliseconds(1'795'247'248'123)) +
         std::chrono::microseconds(456);
}

wire::Envelope command(std::string_view subject) {
  return wire::make_envelope(
      id_of(1), *wire::Source::parse("/operator/anna"), *wire::Subject::parse(subject), noon());
}

wire::Envelope broadcast() {
  auto envelope = command("@all.command.shellcommand.operatingsystem");
  envelope.job = id_of(9);
  envelope.target = "ship[1-20]";
  envelope.content_encoding = "zstd";
  return envelope;
}

wire::Envelope event() {
  auto envelope = wire::make_envelope(id_of(2),
                                      *wire::Source::parse("/ship1"),
                                      *wire::Subject::parse("ship1.event.ack.shellcommand"),
                                      noon());
  envelope.ref = id_of(1);
  envelope.job = id_of(9);
  envelope.position = wire::Position{id_of(8), 42};
  return envelope;
}

ClusterName demo() { return ClusterName::parse("demo").value(); }

}  // namespace

TEST_CASE("signature: the signed bytes are those of the contract, field by field") {
  auto envelope = broadcast();
  envelope.key_id = "k";
  std::string expected;
  for (const auto part : {"demo"sv,
                          "@all.command.shellcommand.operatingsystem"sv,
                          envelope.id.view(),
                          "/operator/anna"sv,
                          "k"sv,
                          "2026-11-21T07:47:28.123456Z"sv,
                          "2026-11-21T08:47:28.123456Z"sv,
                          ""sv,
                          envelope.job->view(),
                          "ship[1-20]"sv,
                          ""sv,
                          ""sv,
                          "application/json"sv,
                          "zstd"sv}) {
    expected += std::string("\0\0\0", 3) + static_cast<char>(part.size());
    expected += part;
  }
  expected += std::string("\0\0\0\x20", 4) + sha256(kPayload);
  CHECK(signed_fields(demo(), envelope, kPayload) == expected);
}

TEST_CASE("signature: signed bytes and signatures stay as the committed files have them") {
  const auto key = fixed_key(1);
  std::string text;
  for (auto [name, envelope] : {std::pair("command", command("ship1.command.shellcommand.nginx")),
                                std::pair("broadcast", broadcast()),
                                std::pair("event", event())}) {
    REQUIRE(sign_message(envelope, kPayload, demo(), key));
    text += std::string(name) + "\n" +
            hex(std::string(prefix(Purpose::message)) + signed_fields(demo(), envelope, kPayload)) +
            "\n" + envelope.key_id + "\n" + envelope.signature + "\n";
    CHECK(envelope.signature.size() == 86);
  }
  CHECK(tests::is_golden("signed_messages.txt", text));
}

TEST_CASE("signature: it survives the headers and the relay to one unit") {
  const auto key = fixed_key(1);
  auto envelope = broadcast();
  envelope.content_encoding.clear();
  REQUIRE(sign_message(envelope, kPayload, demo(), key));
  auto headers = wire::encode_envelope(envelope);
  const wire::Fresh fresh{id_of(7), noon()};
  // Sent again by a station to one unit: the transport's subject differs, ce-subject does not.
  const auto arrived = wire::decode_envelope(
      "ship1.command.shellcommand.operatingsystem", headers, wire::Completeness::required, fresh);
  REQUIRE(arrived);
  CHECK(verify_message(*arrived, kPayload, demo(), key.public_key()));
}

TEST_CASE("signature: whatever is changed on the way, the message is refused") {
  const auto key = fixed_key(1);

  struct Row {
    std::string_view attack;
    std::function<void(wire::Envelope&)> change;
  };

  const std::vector<Row> rows{
      {"another node",
       [](auto& e) { e.subject = *wire::Subject::parse("ship2.command.shellcommand.nginx"); }},
      {"a broadcast of it",
       [](auto& e) { e.subject = *wire::Subject::parse("@all.command.shellcommand.nginx"); }},
      {"another method",
       [](auto& e) { e.subject = *wire::Subject::parse("ship1.command.osupdate.nginx"); }},
      {"another domain",
       [](auto& e) { e.subject = *wire::Subject::parse("ship1.command.shellcommand.mail"); }},
      {"an event of it",
       [](auto& e) { e.subject = *wire::Subject::parse("ship1.event.shellcommand.nginx"); }},
      {"another id (replay as a new one)", [](auto& e) { e.id = id_of(3); }},
      {"another source", [](auto& e) { e.source = *wire::Source::parse("/operator/bob"); }},
      {"another time", [](auto& e) { e.time += std::chrono::microseconds(1); }},
      {"a later expiry", [](auto& e) { *e.expires += std::chrono::hours(24); }},
      {"no expiry", [](auto& e) { e.expires.reset(); }},
      {"a ref", [](auto& e) { e.ref = id_of(4); }},
      {"a job", [](auto& e) { e.job = id_of(4); }},
      {"a target", [](auto& e) { e.target = "ship1"; }},
      {"a position",
       [](auto& e) {
         e.position = wire::Position{id_of(4), 1};
       }},
      {"another content type", [](auto& e) { e.content_type = "text/plain"; }},
      {"an encoding", [](auto& e) { e.content_encoding = "zstd"; }},
      {"another key id", [](auto& e) { e.key_id = fixed_key(2).public_key().id(); }},
      {"no signature", [](auto& e) { e.signature.clear(); }},
      {"a cut signature", [](auto& e) { e.signature.pop_back(); }},
      {"a padded signature", [](auto& e) { e.signature += "=="; }},
      {"zeros for a signature", [](auto& e) { e.signature = std::string(86, 'A'); }},
  };
  auto good = command("ship1.command.shellcommand.nginx");
  REQUIRE(sign_message(good, kPayload, demo(), key));
  REQUIRE(verify_message(good, kPayload, demo(), key.public_key()));
  for (const auto& [attack, change] : rows) {
    CAPTURE(attack);
    auto changed = good;
    change(changed);
    const auto verdict = verify_message(changed, kPayload, demo(), key.public_key());
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().code == ErrorCode::bad_signature);
  }
  const auto refused = [&](std::string_view payload, const ClusterName& cluster, int number) {
    const auto verdict = verify_message(
        good, payload, cluster, fixed_key(static_cast<std::uint8_t>(number)).public_key());
    return !verdict && verdict.error().code == ErrorCode::bad_signature;
  };
  CHECK(refused(R"({"argv":["reboot"]})", demo(), 1));
  CHECK(refused("", demo(), 1));
  CHECK(refused(kPayload, ClusterName::parse("other").value(), 1));
  CHECK(refused(kPayload, demo(), 2));
}

// A login answers a nonce of the broker's choice, so a broker that lies gets a signature over a
// message from it.
TEST_CASE("signature: what a broker got out of a login is no signature of a message") {
  const auto login = NkeyPair::from_seed(NkeyKind::user, std::string(32, '\x60')).value();
  const auto known = fixed_key(1);
  auto forged = command("ship1.command.shellcommand.operatingsystem");
  forged.key_id = known.public_key().id();
  const std::string nonce =
      std::string(prefix(Purpose::message)) + signed_fields(demo(), forged, kPayload);
  forged.signature = base64url(login.sign(nonce).value());
  CHECK(verify_message(forged, kPayload, demo(), known.public_key()).error().code ==
        ErrorCode::bad_signature);
  // Nor under the login's own key id: a verifier looks keys up in its policy and enrollments, and
  // one key for both would be found there. That the same bytes do verify is why there must be two.
  const auto same = PublicKey::from_bytes(login.public_key().bytes()).value();
  forged.key_id = same.id();
  const std::string again =
      std::string(prefix(Purpose::message)) + signed_fields(demo(), forged, kPayload);
  forged.signature = base64url(login.sign(again).value());
  CHECK(verify_message(forged, kPayload, demo(), same));
}

TEST_CASE("signature: tracing may be changed on the way") {
  const auto key = fixed_key(1);
  auto envelope = event();
  REQUIRE(sign_message(envelope, kPayload, demo(), key));
  envelope.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  CHECK(verify_message(envelope, kPayload, demo(), key.public_key()));
}

TEST_CASE("label: a cluster or daemon named with more than a DNS label is refused") {
  for (const auto* text : {"", "*", ">", "a.b", "A", "-a", "a-", "a b", "a\n", "a/b", "@all"}) {
    CAPTURE(text);
    CHECK(ClusterName::parse(text).error().code == ErrorCode::bad_subject);
    CHECK(DaemonName::parse(text).error().code == ErrorCode::bad_subject);
  }
  CHECK(ClusterName::parse(std::string(63, 'a')));
  CHECK_FALSE(ClusterName::parse(std::string(64, 'a')));
}

}  // namespace steward::identity::message_signature_test
