#include "subjects/identity/policy.hpp"

#include "subjects/identity/message_signature.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::policy_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using tests::command_of;
using tests::example_policy;
using tests::fixed_key;
using tests::replaced;
using tests::written_at;

constexpr int kAnna = 1;
constexpr int kBob = 2;
constexpr int kStation = 3;
constexpr int kEve = 9;

ClusterName demo() { return ClusterName::parse("demo").value(); }

std::string signed_by(int number, const std::string& body) {
  return sign_document(Purpose::policy, body, fixed_key(static_cast<std::uint8_t>(number))).value();
}

std::vector<PublicKey> roots() { return {fixed_key(50).public_key()}; }

std::string word_of(const Result<Policy>& policy) {
  return policy ? "ok" : std::string(word(policy.error().code));
}

}  // namespace

TEST_CASE("policy: each verdict, with its rule and its reason") {
  const auto policy = Policy::parse(example_policy());
  REQUIRE_MESSAGE(policy, policy.error().text());

  struct Row {
    std::string_view what;
    int key;
    std::string_view source, subject, payload, unit;
    bool allowed;
    std::string_view rule, reason;  // a part of it
  };

  const std::string_view shell = "ship1.command.shellcommand.operatingsystem";
  const std::string_view web = "shop7.command.shellcommand.operatingsystem";
  const Row rows[] = {
      {"an admin anywhere", kAnna, "/operator/anna", shell, "{}", "ship1", true, "admins", ""},
      {"a broadcast",
       kAnna,
       "/operator/anna",
       "@all.command.shellcommand.operatingsystem",
       "{}",
       "ship9",
       true,
       "admins",
       ""},
      {"a station's ping",
       kStation,
       "/station",
       "ship1.command.hello.agent",
       "",
       "ship1",
       true,
       "ping",
       ""},
      {"a station's shell",
       kStation,
       "/station",
       shell,
       "{}",
       "ship1",
       false,
       "ping",
       "for the method hello"},
      {"arguments that are allowed",
       kBob,
       "/operator/bob",
       web,
       R"({"argv":["systemctl","restart","nginx"]})",
       "shop7",
       true,
       "restarts",
       ""},
      {"another program",
       kBob,
       "/operator/bob",
       web,
       R"({"argv":["systemctl","stop","nginx"]})",
       "shop7",
       false,
       "restarts",
       "'argv' has a value"},
      {"a field beside them",
       kBob,
       "/operator/bob",
       web,
       R"({"argv":["systemctl","restart","nginx"],"env":{"LD_PRELOAD":"x"}})",
       "shop7",
       false,
       "restarts",
       "'env' is not among"},
      {"without the field",
       kBob,
       "/operator/bob",
       web,
       "{}",
       "shop7",
       false,
       "restarts",
       "missing"},
      {"no payload", kBob, "/operator/bob", web, "", "shop7", false, "restarts", "missing"},
      {"not JSON", kBob, "/operator/bob", web, "{", "shop7", false, "restarts", "not a JSON"},
      {"a unit outside the group",
       kBob,
       "/operator/bob",
       shell,
       R"({"argv":["systemctl","restart","nginx"]})",
       "ship1",
       false,
       "restarts",
       "does not name ship1"},
      {"another domain",
       kBob,
       "/operator/bob",
       "shop7.command.shellcommand.nginx",
       "{}",
       "shop7",
       false,
       "restarts",
       "for the domain operatingsystem"},
      {"a key that nobody knows",
       kEve,
       "/operator/anna",
       shell,
       "{}",
       "ship1",
       false,
       "",
       "knows no key"},
      {"a key under another name",
       kBob,
       "/operator/anna",
       shell,
       "{}",
       "ship1",
       false,
       "",
       "is that of /operator/bob"},
      {"a key on the deny list",
       4,
       "/operator/mallory",
       shell,
       "{}",
       "ship1",
       false,
       "",
       "deny list"},
      {"one whose time is over", 5, "/operator/guest", shell, "{}", "ship1", false, "", "until"},
      {"one with no role", 6, "/operator/new", shell, "{}", "ship1", false, "", "no rule is for"},
      {"for another unit",
       kAnna,
       "/operator/anna",
       shell,
       "{}",
       "ship2",
       false,
       "",
       "no command for ship2"},
  };
  for (const auto& [what, key, source, subject, payload, unit, allowed, rule, reason] : rows) {
    CAPTURE(what);
    const auto command = command_of(key, source, subject);
    const auto name = wire::NodeName::parse(unit).value();
    const auto verdict = policy->evaluate({command, payload, name, written_at() + minutes(1)});
    CAPTURE(verdict.reason);
    CHECK(verdict.allowed == allowed);
    CHECK(verdict.rule == rule);
    CHECK(verdict.reason.find(reason) != std::string::npos);
    CHECK_FALSE(verdict.reason.empty());
  }
}

TEST_CASE("policy: a command may not wait longer than its rule says, nor be dated ahead for that") {
  const auto policy = Policy::parse(example_policy()).value();
  const auto unit = wire::NodeName::parse("shop7").value();
  const std::string_view payload = R"({"argv":["systemctl","restart","nginx"]})";
  auto command = command_of(kBob, "/operator/bob", "shop7.command.shellcommand.operatingsystem");
  const auto allowed = [&] {
    return policy.evaluate({command, payload, unit, written_at()}).allowed;
  };
  command.expires = command.time + hours(1);
  CHECK(allowed());
  command.expires = command.time + hours(1) + minutes(1);
  CHECK_FALSE(allowed());
  command.time += hours(5);
  command.expires = command.time + hours(1);
  CHECK_FALSE(allowed());
  command.expires.reset();
  CHECK_FALSE(allowed());
}

TEST_CASE("policy: after its end only what it names stays allowed") {
  const auto policy = Policy::parse(example_policy()).value();
  const auto unit = wire::NodeName::parse("ship1").value();
  const auto shell =
      command_of(kAnna, "/operator/anna", "ship1.command.shellcommand.operatingsystem");
  const auto hello = command_of(kStation, "/station", "ship1.command.hello.agent");
  const auto before = policy.expires() - std::chrono::microseconds(1);
  CHECK(policy.evaluate({shell, "{}", unit, before}).allowed);
  const auto after = policy.evaluate({shell, "{}", unit, policy.expires()});
  CHECK_FALSE(after.allowed);
  CHECK(after.reason.find("expired") != std::string::npos);
  CHECK(policy.evaluate({hello, "", unit, policy.expires() + hours(1000)}).allowed);
}

TEST_CASE("policy: an empty one allows nothing") {
  const auto policy =
      Policy::parse(R"({"cluster":"demo","version":1,"issued":"2026-11-21T00:00:00Z",
                                        "expires":"2026-12-21T00:00:00Z"})");
  REQUIRE(policy);
  const auto unit = wire::NodeName::parse("ship1").value();
  const auto command = command_of(kAnna, "/operator/anna", "ship1.command.hello.agent");
  CHECK_FALSE(policy->evaluate({command, "", unit, written_at()}).allowed);
}

TEST_CASE("policy: what is mistaken or not known in the file is refused, and the place is named") {
  const auto good = example_policy();
  REQUIRE(Policy::parse(good));

  struct Row {
    std::string_view from, to;
    ErrorCode code;
    std::string_view place;
  };

  const Row rows[] = {
      {R"("cluster": "demo")", R"("cluster": "*")", ErrorCode::bad_payload, "cluster"},
      {R"("cluster": "demo",)", "", ErrorCode::bad_payload, "cluster"},
      {R"("version": 7)", R"("version": 0)", ErrorCode::bad_payload, "version"},
      {R"("version": 7)", R"("version": "7")", ErrorCode::bad_payload, "version"},
      {R"("version": 7)", R"("version": 7, "quorum": 2)", ErrorCode::unsupported, "quorum"},
      {R"("id": "ping",)", R"("id": "ping", "quorum": 2,)", ErrorCode::unsupported, "quorum"},
      {R"("id": "anna",)", R"("id": "anna", "quorum": 2,)", ErrorCode::unsupported, "quorum"},
      {R"("id": "anna")", R"("id": "bob")", ErrorCode::bad_payload, "twice"},
      {R"("id": "anna")", R"("id": "a/b/c")", ErrorCode::bad_payload, "operators"},
      {R"("expires": "2026-12-21)", R"("expires": "2025-12-21)", ErrorCode::bad_payload, "version"},
      {R"("role": "operators")", R"("role": "oprators")", ErrorCode::bad_payload, "role"},
      {R"("@web")", R"("@wep")", ErrorCode::bad_payload, "group"},
      {R"(["@web"])", "[]", ErrorCode::bad_payload, "nodes"},
      {R"(["@web"])", R"(["ship["])", ErrorCode::bad_payload, "nodes"},
      {R"("method": "hello")", R"("method": "a.b")", ErrorCode::bad_payload, "method"},
      {R"("from": 1)", R"("form": 1)", ErrorCode::unsupported, "args"},
      {R"("after_expiry": ["hello")", R"("after_expiry": ["*")", ErrorCode::bad_payload, "after"},
      {R"("deny": [")", R"("deny": ["x)", ErrorCode::bad_payload, "deny"},
  };
  for (const auto& [from, to, code, place] : rows) {
    CAPTURE(from);
    REQUIRE(good.find(from) != std::string::npos);
    CAPTURE(to);
    const auto policy = Policy::parse(replaced(good, from, to));
    REQUIRE_FALSE(policy);
    CAPTURE(policy.error().message);
    CHECK(policy.error().code == code);
    CHECK(policy.error().message.find(place) != std::string::npos);
  }
  CHECK(Policy::parse("").error().code == ErrorCode::bad_payload);
  CHECK(Policy::parse("[]").error().code == ErrorCode::bad_payload);
  CHECK(Policy::parse(std::string(kLargestPolicy + 1, ' ')).error().code == ErrorCode::bad_payload);
}

TEST_CASE("policy: a forged, foreign, expired, older or second policy never takes the place") {
  const auto body = example_policy();
  const auto document = signed_by(50, body);
  const auto now = written_at() + minutes(1);
  const auto present = accept_policy(document, roots(), demo(), nullptr, now);
  REQUIRE(present);
  CHECK(tests::is_golden("policy.signed", document));
  const auto accept = [&](const std::string& text) {
    return word_of(accept_policy(text, roots(), demo(), &*present, now));
  };
  const auto version = [&](std::string_view number) {
    return replaced(body, R"("version": 7)", std::string(R"("version": )").append(number));
  };
  CHECK(accept(document) == "ok");
  CHECK(accept(signed_by(50, version("8"))) == "ok");
  CHECK(accept(signed_by(50, version("6"))) == "denied");
  CHECK(accept(signed_by(50, body + "\n")) == "conflict");
  CHECK(accept(signed_by(kAnna, version("8"))) == "bad_signature");
  CHECK(accept(replaced(document, "anna", "anne")) == "bad_signature");
  CHECK(accept(replaced(document, R"("version": 7)", R"("version": 9)")) == "bad_signature");
  CHECK(accept(signed_by(
            50, replaced(version("8"), R"("cluster": "demo")", R"("cluster": "x")"))) == "denied");
  CHECK(accept(body) == "bad_payload");
  CHECK(accept("") == "bad_payload");
  CHECK(accept(document.substr(0, 120)) == "bad_payload");
  // Another purpose's signature of the same key.
  const auto bundle = sign_document(Purpose::bundle, version("8"), fixed_key(50)).value();
  CHECK(accept(bundle) == "bad_signature");
  CHECK(word_of(accept_policy(
            signed_by(50, version("8")), roots(), demo(), &*present, present->expires())) ==
        "expired");
  // While roots are replaced, both sign.
  CHECK(word_of(accept_policy(signed_by(51, version("8")),
                              {fixed_key(50).public_key(), fixed_key(51).public_key()},
                              demo(),
                              &*present,
                              now)) == "ok");
}

TEST_CASE("arguments: values, patterns, lists and ranges") {
  struct Row {
    std::string_view rule, payload;
    bool fits;
  };

  const Row rows[] = {
      {R"({"a":["x"]})", R"({"a":"x"})", true},
      {R"({"a":["x"]})", R"({"a":"xx"})", false},
      {R"({"a":["x"]})", R"({"a":["x"]})", false},
      {R"({"a":["x*z"]})", R"({"a":"xyyz"})", true},
      {R"({"a":["x*z"]})", R"({"a":"xyy"})", false},
      {R"({"a":["*"]})", R"({"a":""})", true},
      {R"({"a":["?"]})", R"({"a":""})", false},
      {R"({"a":["a*b*c"]})", R"({"a":"aXbYbZc"})", true},
      {R"({"a":["x","y"]})", R"({"a":"y"})", true},
      {R"({"a":[1]})", R"({"a":1})", true},
      {R"({"a":[1]})", R"({"a":"1"})", false},
      {R"({"a":[true]})", R"({"a":true})", true},
      {R"({"a":[true]})", R"({"a":1})", false},
      {R"({"a":["x"]})", R"({})", false},
      {R"({"a":["x",null]})", R"({})", true},
      {R"({"a":["x",null]})", R"({"a":null})", true},
      {R"({"a":["x"]})", R"({"a":"x","b":1})", false},
      {R"({"a":[["ls","..."]]})", R"({"a":["ls"]})", true},
      {R"({"a":[["ls","..."]]})", R"({"a":["ls","-l","x"]})", true},
      {R"({"a":[["ls","..."]]})", R"({"a":["rm"]})", false},
      {R"({"a":[["ls","..."]]})", R"({"a":[]})", false},
      {R"({"a":[["ls"]]})", R"({"a":["ls","-l"]})", false},
      {R"({"a":[["ls","*"]]})", R"({"a":["ls",1]})", false},
      {R"({"a":[[]]})", R"({"a":[]})", true},
      {R"({"a":[{"from":1,"to":5}]})", R"({"a":5})", true},
      {R"({"a":[{"from":1,"to":5}]})", R"({"a":6})", false},
      {R"({"a":[{"from":1,"to":5}]})", R"({"a":2.5})", false},
      {R"({"a":[{"from":1,"to":5}]})", R"({"a":"2"})", false},
      {R"({"a":[{"any":true}]})", R"({"a":{"b":[1]}})", true},
      {R"({})", R"({})", true},
      {R"({})", R"({"a":1})", false},
      {R"({})", R"([])", false},
  };
  for (const auto& [rule, payload, fits] : rows) {
    CAPTURE(rule);
    CAPTURE(payload);
    const auto parsed = ArgumentRule::parse(rule);
    REQUIRE(parsed);
    CHECK(parsed->complaint(payload).empty() == fits);
  }
  for (const auto* bad : {"[]", "1", R"({"a":"x"})", R"({"a":[]})", R"({"a":1})"}) {
    CHECK(ArgumentRule::parse(bad).error().code == ErrorCode::bad_payload);
  }
  for (const auto* bad : {R"({"a":[{}]})",
                          R"({"a":[{"any":false}]})",
                          R"({"a":[{"from":1}]})",
                          R"({"a":[[{"to":1,"from":"0"}]]})"}) {
    CHECK(ArgumentRule::parse(bad).error().code == ErrorCode::unsupported);
  }
}

}  // namespace steward::identity::policy_test
