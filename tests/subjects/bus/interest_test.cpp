#include "subjects/bus/interest.hpp"

#include <doctest/doctest.h>

#include <optional>

namespace steward::tests::interest_test {

using steward::bus::Interest;
using steward::bus::is_pattern;
using steward::bus::is_subject;
using steward::bus::Message;
using steward::bus::subject_matches;

TEST_CASE("subject: wildcards fit as NATS has them") {
  CHECK(subject_matches("a.b.c", "a.b.c"));
  CHECK(!subject_matches("a.b.c", "a.b"));
  CHECK(!subject_matches("a.b", "a.b.c"));
  CHECK(subject_matches("*.event.received.ship1", "station.event.received.ship1"));
  CHECK(!subject_matches("*.event.received.ship1", "station.event.received.ship2"));
  CHECK(!subject_matches("*", "a.b"));
  CHECK(subject_matches("a.*", "a.*"));
  CHECK(subject_matches("ship1.command.>", "ship1.command.shellcommand.operatingsystem"));
  CHECK(!subject_matches("ship1.command.>", "ship1.command"));
  CHECK(!subject_matches("ship1.command.>", "ship10.command.hello.agent"));
  CHECK(subject_matches(">", "a"));
}

TEST_CASE("subject: nothing that would end NATS's line early is published or heard") {
  CHECK(is_subject("ship1.event.ack.shellcommand"));
  for (const char* bad :
       {"", ".", "a.", ".a", "a..b", "a b", "a\r\nPUB b 0", "a\tb", "a.*", "a.>", "a\x7f"}) {
    CAPTURE(bad);
    CHECK(!is_subject(bad));
  }
  CHECK(is_pattern("*.event.received.ship1"));
  CHECK(is_pattern("ship1.command.>"));
  for (const char* bad : {"", "a.>.b", "a.*b", "a..>", "a b.>", "a\r\nSUB > 1"}) {
    CAPTURE(bad);
    CHECK(!is_pattern(bad));
  }
}

TEST_CASE("interest: a sink may end its own interest, and hears nothing after") {
  std::optional<Interest> interest;
  int heard = 0;
  interest.emplace("a", [&interest, &heard](Message&&) {
    ++heard;
    interest->end();
  });
  interest->deliver(Message{});
  interest->deliver(Message{});
  CHECK(heard == 1);
}

}  // namespace steward::tests::interest_test
