#include "subjects/wire/envelope.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::wire::envelope_test {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

constexpr std::string_view kCommand = "ship1.command.shellcommand.operatingsystem";
constexpr std::string_view kEvent = "ship1.event.ack.shellcommand";
const std::string kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const std::string kOther = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
const std::string kTime = "2026-11-21T07:47:28.123456Z";

const Fresh kFresh{*MessageId::parse(kOther), *parse_time("2026-11-21T08:00:00Z")};

using Fields = std::vector<Headers::Field>;

Fields command_fields() {
  return {{"ce-specversion", "1.0"},
          {"ce-wire", "1"},
          {"ce-id", kId},
          {"ce-source", "/operator/anna"},
          {"ce-type", "steward.command.shellcommand"},
          {"ce-subject", std::string(kCommand)},
          {"ce-time", kTime}};
}

Fields event_fields() {
  return {{"ce-specversion", "1.0"},
          {"ce-wire", "1"},
          {"ce-id", kId},
          {"ce-source", "/ship1"},
          {"ce-type", "steward.event.ack"},
          {"ce-time", kTime},
          {"ce-epoch", kOther},
          {"ce-seq", "7"}};
}

Headers headers_of(const Fields& fields) {
  Headers headers;
  for (const auto& [name, value] : fields) {
    headers.add(name, value);
  }
  return headers;
}

Fields without(Fields fields, std::string_view name) {
  std::erase_if(fields, [name](const auto& field) { return field.first == name; });
  return fields;
}

Fields with(Fields fields, std::string_view name, std::string value) {
  fields = without(std::move(fields), name);
  fields.emplace_back(name, std::move(value));
  return fields;
}

Result<Envelope> decode(std::string_view subject,
                        const Fields& fields,
                        Completeness completeness = Completeness::required) {
  return decode_envelope(subject, headers_of(fields), completeness, kFresh);
}

}  // namespace

TEST_CASE("envelope: a whole command is read") {
  const auto envelope = decode(kCommand, command_fields()).value();
  CHECK(envelope.id.str() == kId);
  CHECK(envelope.source.str() == "/operator/anna");
  CHECK(envelope.subject.str() == kCommand);
  CHECK(format_time(envelope.time) == kTime);
  CHECK(envelope.expires == envelope.time + kDefaultExpiry);
  CHECK_FALSE(envelope.ref.has_value());
  CHECK_FALSE(envelope.job.has_value());
  CHECK_FALSE(envelope.position.has_value());
  CHECK(envelope.content_type == "application/json");
  CHECK(decode(kCommand, with(command_fields(), "Content-Type", "")).value() == envelope);
}

TEST_CASE("envelope: a whole event is read") {
  const auto envelope = decode(kEvent, event_fields()).value();
  CHECK(envelope.position == Position{*MessageId::parse(kOther), 7});
  CHECK_FALSE(envelope.expires.has_value());
}

TEST_CASE("envelope: encoded and decoded again it is the same, with every optional header") {
  auto command = decode(kCommand, command_fields()).value();
  command.ref = MessageId::parse(kOther).value();
  command.job = MessageId::parse(kOther).value();
  command.key_id = "anna-1";
  command.signature = "c2ln";
  command.content_type = "application/x-ndjson";
  command.content_encoding = "zstd";
  command.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto headers = encode_envelope(command);
  CHECK(decode_envelope(kCommand, headers, Completeness::required, kFresh).value() == command);
  CHECK(headers.find("Nats-Msg-Id") == kId);

  const auto event = decode(kEvent, event_fields()).value();
  const auto of_event = encode_envelope(event);
  CHECK(decode_envelope(kEvent, of_event, Completeness::required, kFresh).value() == event);
  CHECK_FALSE(of_event.find("ce-subject").has_value());
}

TEST_CASE("envelope: each required header that is missing refuses the message") {
  for (const char* name :
       {"ce-specversion", "ce-wire", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"}) {
    CAPTURE(name);
    const auto refused = decode(kCommand, without(command_fields(), name));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::bad_envelope);
    CHECK(refused.error().message == std::string(name) + ": is missing");
    if (std::string_view(name) != "ce-subject") {
      CHECK_FALSE(decode(kEvent, without(event_fields(), name)).has_value());
    }
  }
}

TEST_CASE("envelope: where it is allowed, what is missing is taken as fresh") {
  const auto envelope = decode(kCommand, {}, Completeness::filled_in).value();
  CHECK(envelope.id == kFresh.id);
  CHECK(envelope.time == kFresh.now);
  CHECK(envelope.expires == kFresh.now + kDefaultExpiry);
  CHECK(envelope.source.str() == "/operator/unsigned");
  CHECK(envelope.subject.str() == kCommand);
  for (const auto& field : command_fields()) {
    CAPTURE(field.first);
    CHECK(decode(kCommand, without(command_fields(), field.first), Completeness::filled_in)
              .has_value());
    CHECK(decode(kCommand, {field}, Completeness::filled_in).has_value());
  }
}

TEST_CASE("envelope: each header of the contract that is there twice refuses the message") {
  const auto twice = [](std::string_view subject, Fields fields, const Headers::Field& field) {
    fields = with(std::move(fields), field.first, field.second);
    CAPTURE(field.first);
    CHECK(decode(subject, fields).has_value());
    fields.push_back(field);
    for (auto completeness : {Completeness::required, Completeness::filled_in}) {
      const auto refused = decode(subject, fields, completeness);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == ErrorCode::bad_envelope);
      CHECK(refused.error().message == field.first + ": is there twice");
    }
  };
  for (const auto& field : command_fields()) {
    twice(kCommand, command_fields(), field);
  }
  for (const Headers::Field& field : Fields{{"ce-expires", "2026-11-21T08:00:00Z"},
                                            {"ce-ref", kOther},
                                            {"ce-job", kOther},
                                            {"ce-keyid", "k"},
                                            {"ce-signature", "s"},
                                            {"Content-Type", "application/json"},
                                            {"Content-Encoding", "zstd"},
                                            {"traceparent", "00"}}) {
    twice(kCommand, command_fields(), field);
  }
  twice(kEvent, event_fields(), {"ce-epoch", kOther});
  twice(kEvent, event_fields(), {"ce-seq", "7"});
}

TEST_CASE("envelope: each header that is malformed refuses the message, whatever is filled in") {
  const std::string long_value(1025, 'x');
  const Fields bad{{"ce-specversion", "0.3"},
                   {"ce-specversion", ""},
                   {"ce-wire", "2"},
                   {"ce-wire", "01"},
                   {"ce-id", "x"},
                   {"ce-id", ""},
                   {"ce-source", "ship1"},
                   {"ce-source", ""},
                   {"ce-type", "steward.event.shellcommand"},
                   {"ce-type", "steward.command.daemon"},
                   {"ce-type", "STEWARD.command.shellcommand"},
                   {"ce-subject", "ship2.command.shellcommand.operatingsystem"},
                   {"ce-subject", "ship1.command.shellcommand.other"},
                   {"ce-subject", "ship1.command.daemon.operatingsystem"},
                   {"ce-subject", "ship1.event.shellcommand.operatingsystem"},
                   {"ce-subject", "@all.command.daemon.operatingsystem"},
                   {"ce-subject", "ship1"},
                   {"ce-target", "ship*"},
                   {"ce-time", "yesterday"},
                   {"ce-expires", "tomorrow"},
                   {"ce-expires", ""},
                   {"ce-ref", "x"},
                   {"ce-job", "x"},
                   {"ce-epoch", kOther},
                   {"ce-seq", "1"},
                   {"ce-keyid", long_value},
                   {"ce-signature", "a\xff"},
                   {"ce-signature", "a\nb"},
                   {"Content-Type", "a\tb"},
                   {"traceparent", long_value}};
  for (const auto& field : bad) {
    CAPTURE(field.first);
    CAPTURE(field.second);
    for (auto completeness : {Completeness::required, Completeness::filled_in}) {
      const auto refused =
          decode(kCommand, with(command_fields(), field.first, field.second), completeness);
      REQUIRE_FALSE(refused.has_value());
      CHECK((refused.error().code == ErrorCode::bad_envelope ||
             refused.error().code == ErrorCode::bad_subject ||
             refused.error().code == ErrorCode::unsupported));
      CHECK(refused.error().message.size() < 300);
    }
  }
}

TEST_CASE("envelope: another version of CloudEvents or of this contract is unsupported") {
  CHECK(decode(kCommand, with(command_fields(), "ce-wire", "2")).error().code ==
        ErrorCode::unsupported);
  CHECK(decode(kCommand, with(command_fields(), "ce-specversion", "2.0")).error().code ==
        ErrorCode::unsupported);
}

TEST_CASE("envelope: an unknown ce- header is refused, other headers pass by") {
  for (const char* name : {"ce-", "ce-x", "CE-id", "Ce-Id", "ce-Id", "cE-wire", "ce-dataschema"}) {
    CAPTURE(name);
    CHECK(decode(kCommand, with(command_fields(), name, "1")).error().code ==
          ErrorCode::bad_envelope);
  }
  auto fields = command_fields();
  for (const char* name : {"Nats-Msg-Id", "X-Mine", "X-Mine", "ce", "content-type", "", "\xff"}) {
    fields.emplace_back(name, "\x01 anything");
  }
  CHECK(decode(kCommand, fields).has_value());
}

TEST_CASE("envelope: a bad transport subject is refused before anything else") {
  CHECK(decode("ship1.command.shellcommand", command_fields()).error().code ==
        ErrorCode::bad_subject);
  CHECK(decode("SHIP1.command.a.b", {}, Completeness::filled_in).error().code ==
        ErrorCode::bad_subject);
}

TEST_CASE("envelope: a broadcast keeps @all, also when it is sent again to one unit") {
  const auto fields =
      with(command_fields(), "ce-subject", "@all.command.shellcommand.operatingsystem");
  for (std::string_view transport :
       {std::string_view("@all.command.shellcommand.operatingsystem"), kCommand}) {
    const auto envelope = decode(transport, fields).value();
    CHECK(envelope.subject.is_broadcast());
  }
  // A command for one unit does not become a broadcast.
  CHECK_FALSE(decode("@all.command.shellcommand.operatingsystem", command_fields()).has_value());
}

TEST_CASE("envelope: a target is for broadcasts") {
  const auto fields =
      with(with(command_fields(), "ce-subject", "@all.command.shellcommand.operatingsystem"),
           "ce-target",
           "ship[1-3]");
  CHECK(decode(kCommand, fields).value().target == "ship[1-3]");
  CHECK_FALSE(decode(kCommand, with(command_fields(), "ce-target", "ship1")).has_value());
  CHECK(decode(kCommand, with(command_fields(), "ce-target", "")).value().target.empty());
}

TEST_CASE("envelope: an expiry of 30 days is the longest") {
  const auto expiring = [](std::string_view expires) {
    return decode(kCommand, with(command_fields(), "ce-expires", std::string(expires)));
  };
  const auto time = *parse_time(kTime);
  CHECK(expiring(format_time(time + kLongestExpiry)).value().expires == time + hours(720));
  CHECK(expiring(format_time(time + kLongestExpiry + microseconds(1))).error().code ==
        ErrorCode::bad_envelope);
  CHECK(expiring("2000-01-01T00:00:00Z")
            .has_value());  // refused as expired, by those who have a clock
  const auto last = with(command_fields(), "ce-time", format_time(kLastTime));
  CHECK(decode(kCommand, last).value().expires == kLastTime);
}

TEST_CASE("envelope: expiry and ce-subject are for commands, a position for events") {
  CHECK_FALSE(decode(kEvent, with(event_fields(), "ce-expires", kTime)).has_value());
  CHECK_FALSE(decode(kEvent, with(event_fields(), "ce-subject", std::string(kEvent))).has_value());
  CHECK_FALSE(decode(kEvent, with(event_fields(), "ce-target", "ship1")).has_value());
  auto command = with(command_fields(), "ce-epoch", kOther);
  CHECK_FALSE(decode(kCommand, with(command, "ce-seq", "1")).has_value());
}

TEST_CASE("envelope: epoch and seq go together, seq is a whole number from 1") {
  CHECK_FALSE(decode(kEvent, without(event_fields(), "ce-seq")).has_value());
  CHECK_FALSE(decode(kEvent, without(event_fields(), "ce-epoch")).has_value());
  CHECK(decode(kEvent, without(without(event_fields(), "ce-seq"), "ce-epoch")).has_value());
  CHECK(decode(kEvent, with(event_fields(), "ce-seq", "18446744073709551615")).has_value());
  for (const char* bad : {"", "0", "-1", "+1", "1.0", " 1", "1 ", "0x1", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode(kEvent, with(event_fields(), "ce-seq", bad)).has_value());
  }
}

TEST_CASE("envelope: a new message has the defaults of its kind") {
  const auto id = *MessageId::parse(kId);
  const auto source = *Source::parse("/operator/anna");
  const auto command = make_envelope(id, source, *Subject::parse(kCommand), kFresh.now);
  CHECK(command.expires == kFresh.now + hours(1));
  const auto event = make_envelope(id, source, *Subject::parse(kEvent), kFresh.now);
  CHECK_FALSE(event.expires.has_value());
  CHECK(decode_envelope(kEvent, encode_envelope(event), Completeness::required, kFresh).value() ==
        event);
}

}  // namespace steward::wire::envelope_test
