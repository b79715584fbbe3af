#include "tools/stewardctl/event_text.hpp"

#include "subjects/wire/ack.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <doctest/doctest.h>

namespace steward::tests::event_text_test {

using steward::ctl::event_summary;
using steward::ctl::parse_event_pattern;
using steward::wire::MessageId;
using steward::wire::Subject;

TEST_CASE("event pattern: a subject stays one, a unit becomes one, a glob is sifted") {
  CHECK(parse_event_pattern("").subject == "*.event.>");
  CHECK(parse_event_pattern("ship1").subject == "ship1.event.>");
  CHECK(parse_event_pattern("ship1").units == "ship1");
  CHECK(parse_event_pattern("ship*").subject == "*.event.>");
  CHECK(parse_event_pattern("ship*").units == "ship*");
  CHECK(parse_event_pattern("ship1,ship2").subject == "*.event.>");
  CHECK(parse_event_pattern("*.event.ack.>").subject == "*.event.ack.>");
  CHECK(parse_event_pattern("*.event.ack.>").units.empty());
  CHECK(parse_event_pattern("ship1.event.ack.>").units == "ship1");
}

TEST_CASE("event summary: acks and output are told in words") {
  const auto id = MessageId::make(1, {});
  const auto acks = *Subject::parse("ship1.event.ack.shellcommand");
  const steward::wire::Ack refused{id,
                                   "nginx",
                                   steward::wire::CommandState::refused,
                                   "no_handler",
                                   "none for nginx",
                                   {},
                                   {},
                                   {},
                                   {}};
  CHECK(event_summary(acks, steward::wire::encode(refused)) ==
        id.str() + " refused: no_handler: none for nginx");
  steward::wire::ShellEvent event{id};
  event.fd = 2;
  event.bytes = "oops\x1b[2J\n";
  CHECK(event_summary(*Subject::parse("ship1.event.shellcommand.operatingsystem"),
                      steward::wire::encode(event, steward::wire::OutputEncoding::automatic)) ==
        id.str() + " err: oops [2J");
}

TEST_CASE("event summary: what cannot be read is shown as it is, harmless") {
  CHECK(event_summary(*Subject::parse("ship1.event.ack.shellcommand"), "{\x07") == "{ ");
  CHECK(event_summary(*Subject::parse("ship1.event.weather.deck"), R"({"wind":3})") ==
        R"({"wind":3})");
}

}  // namespace steward::tests::event_text_test
