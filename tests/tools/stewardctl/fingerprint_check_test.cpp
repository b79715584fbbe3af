#include "tools/stewardctl/fingerprint_check.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::ctl::fingerprint_check_test {
namespace {

const std::string kShown = "0123 4567 89ab cdef 0123 4567 89ab cdef";
const std::string kOther = "0123 4567 89ab cdef 0123 4567 89ab cdee";

// "ok", or the error's word.
std::string said(const std::string& given, Asking asking = Asking::allowed) {
  Console console({});  // nobody sits at a terminal
  Invocation invocation{.console = console,
                        .environment = [](const auto&) { return std::nullopt; },
                        .contexts = ContextStore({}),
                        .flags = {},
                        .format = Format::table,
                        .asking = asking,
                        .command = std::nullopt};
  const auto checked = check_fingerprint(invocation, "ship7", kShown, given);
  return checked ? "ok" : std::string(word(checked.error().code));
}

}  // namespace

TEST_CASE("fingerprint check: only the very one that the unit shows lets it in") {
  CHECK(said(kShown) == "ok");
  CHECK(said(kOther) == "denied");
  CHECK(said(kShown.substr(0, 4)) == "denied");
  CHECK(said(kShown + " ") == "denied");
  // Whoever has written a fingerprint means it, whatever else he has said.
  CHECK(said(kOther, Asking::answered_yes) == "denied");
}

TEST_CASE("fingerprint check: where nobody can compare, nobody is let in unasked") {
  CHECK(said("") == "bad_config");
  CHECK(said("", Asking::never) == "bad_config");
  CHECK(said("", Asking::answered_yes) == "ok");
}

}  // namespace steward::ctl::fingerprint_check_test
