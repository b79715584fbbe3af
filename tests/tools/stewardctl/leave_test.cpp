#include "tools/stewardctl/leave.hpp"

#include <doctest/doctest.h>

namespace steward::tests::leave_test {

using steward::ErrorCode;
using steward::ctl::Custody;
using steward::ctl::custody_text;
using steward::wire::MessageId;

namespace {

const MessageId kJob = MessageId::make(1, {});

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("custody: nothing is said where the broker keeps it and the station knows it") {
  CHECK(custody_text({2, 2, {}, Custody::Station::knows}, kJob).empty());
}

TEST_CASE("custody: only the broker has it, and why the station has not") {
  const auto silent = custody_text({2, 2, {}, Custody::Station::silent}, kJob);
  CHECK(has(silent, "the broker keeps it, but the station does not answer"));
  const auto slow = custody_text({2, 2, {}, Custody::Station::knows_not}, kJob);
  CHECK(has(slow, "the broker keeps it, but the station does not know it yet"));
}

TEST_CASE("custody: only the station has it, and why the broker has not") {
  const auto none = custody_text({2, 0, {}, Custody::Station::knows}, kJob);
  CHECK(has(none, "the station knows it"));
  CHECK(has(none, "the broker has not said that it keeps it"));
  CHECK(has(custody_text({3, 1, {}, Custody::Station::knows}, kJob), "1 of 3 commands"));
  const auto full = custody_text(
      {2, 1, steward::Error{ErrorCode::no_space, "COMMANDS is full"}, Custody::Station::knows},
      kJob);
  CHECK(has(full, "COMMANDS is full"));
}

TEST_CASE("custody: nobody has it, and the way to look later") {
  const auto text = custody_text({2, 0, {}, Custody::Station::silent}, kJob);
  CHECK(has(text, "the broker has not said that it keeps it, and the station does not answer"));
  CHECK(has(text, "nobody sends it to the others"));
  CHECK(has(text, "stewardctl jobs show " + kJob.str()));
}

}  // namespace steward::tests::leave_test
