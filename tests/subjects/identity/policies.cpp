#include "tests/subjects/identity/policies.hpp"

#include "tests/subjects/identity/identities.hpp"

namespace steward::identity::tests {
namespace {

PublicKey key_of(int number) { return fixed_key(static_cast<std::uint8_t>(number)).public_key(); }

}  // namespace

std::string example_policy() {
  return R"({
  "cluster": "demo",
  "version": 7,
  "issued": "2026-11-21T12:00:00Z",
  "expires": "2026-12-21T12:00:00Z",
  "roles": ["admins", "operators", "automation"],
  "groups": [{"name": "web", "nodes": ["shop*", "rig[1-3]"]}],
  "operators": [
    {"id": "anna", "key": ")" +
         key_of(1).text() + R"(", "roles": ["admins"]},
    {"id": "bob", "key": ")" +
         key_of(2).text() + R"(", "roles": ["operators"]},
    {"id": "mallory", "key": ")" +
         key_of(4).text() + R"(", "roles": ["admins"]},
    {"id": "guest", "key": ")" +
         key_of(5).text() + R"(", "roles": ["admins"], "expires": "2026-11-21T12:00:30Z"},
    {"id": "new", "key": ")" +
         key_of(6).text() + R"(", "roles": []}
  ],
  "stations": [{"name": "station", "key": ")" +
         key_of(3).text() + R"(", "roles": ["automation"]}],
  "rules": [
    {"id": "admins", "role": "admins", "nodes": ["*"], "method": "*", "domain": "*"},
    {"id": "ping", "role": "automation", "nodes": ["*"], "method": "hello", "domain": "agent"},
    {"id": "restarts", "role": "operators", "nodes": ["@web"], "method": "shellcommand",
     "domain": "operatingsystem", "max_ttl_ms": 3600000,
     "args": {"argv": [["systemctl", "restart", "nginx*"], ["uname", "..."]],
              "timeout_ms": [null, {"from": 1, "to": 60000}]}}
  ],
  "deny": [")" +
         key_of(4).id() + R"("],
  "after_expiry": ["hello"]
}
)";
}

wire::Timestamp written_at() { return wire::parse_time("2026-11-21T12:00:00Z").value(); }

wire::Envelope command_of(int key, std::string_view source, std::string_view subject) {
  auto envelope = wire::make_envelope(wire::MessageId::make(1'795'247'248'123, {}),
                                      wire::Source::parse(source).value(),
                                      wire::Subject::parse(subject).value(),
                                      written_at());
  envelope.key_id = key_of(key).id();
  return envelope;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace steward::identity::tests
