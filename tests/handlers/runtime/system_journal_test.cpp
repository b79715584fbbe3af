#include "handlers/runtime/system_journal.hpp"

#include <doctest/doctest.h>

namespace steward::runtime::system_journal_test {

TEST_CASE("journal: how many entries lie between two cursors") {
  const std::string a = "s=1d04e871c6304da5826662cadb9ace19;i=9f;b=cd2b;m=f4628;t=660c;x=456c";
  CHECK(journal_steps(a, "s=1d04e871c6304da5826662cadb9ace19;i=a0;b=0;m=1;t=2;x=3") == 1);
  CHECK(journal_steps(a, "s=1d04e871c6304da5826662cadb9ace19;i=1a0;b=0;m=1;t=2;x=3") == 257);
  CHECK(!journal_steps(a, a));
  CHECK(!journal_steps(a, "s=1d04e871c6304da5826662cadb9ace19;i=9e;b=0;m=1;t=2;x=3"));
  CHECK(!journal_steps(a, "s=2d04e871c6304da5826662cadb9ace19;i=a0;b=0;m=1;t=2;x=3"));
  CHECK(!journal_steps("", ""));
  CHECK(!journal_steps(a, "s=1d04e871c6304da5826662cadb9ace19"));
}

TEST_CASE("journal: a folder that is not there is said") {
  const auto journal = SystemJournal::open("/nowhere/journal");
  REQUIRE(!journal);
  CHECK((journal.error().code == ErrorCode::not_found ||
         journal.error().code == ErrorCode::unsupported));
}

}  // namespace steward::runtime::system_journal_test
