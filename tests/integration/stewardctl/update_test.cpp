#include "tests/support/demo.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <string>

namespace steward::update_test {
namespace {

using nlohmann::json;
using tests::Demo;
using tests::Ended;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What only looks, at the machine's own packages.
TEST_CASE("stewardctl update: units are asked, and what is wrong is said before") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const auto wrong = [&](const std::vector<std::string>& arguments, const std::string& said) {
    const Ended ended = demo->ctl(arguments);
    CAPTURE(ended.err);
    CHECK(ended.status == 2);
    CHECK(says(ended.err, said));
  };
  wrong({"update", "apply", "demo1", "-x"}, "-x");
  wrong({"update", "apply", "demo1", "a b"}, "'a b' is no name of a package");
  wrong({"update", "apply", "demo1", "bash", "--security"}, "one of them");
  wrong({"update", "apply", "demo1", "--plan", "7"}, "plan_hash");
  wrong({"update", "apply", "demo1", "--conffile", "ask"}, "--conffile");
  wrong({"update", "apply", "demo1", "--max-download", "x"}, "--max-download");
  wrong({"update", "plan", "demo1", "--min-age", "old"}, "'old' is no duration");
  wrong({"update", "apply", "demo1", "--lease"}, "--lease is for a reboot");
  wrong({"update", "hold", "demo1"}, "no package is named");
  wrong({"update", "rollback", "demo1", "--run", "7"}, "run");

  demo->start_unit("extra");
  const Ended history = demo->ctl({"update", "history", "extra", "-o", "json"});
  CHECK(history.status == 0);
  const auto rows = json::parse(history.out);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["unit"] == "extra");
  CHECK(rows[0]["runs"].empty());
  CHECK(says(demo->ctl({"update", "status", "extra"}).out, "WAITS FOR"));
  const Ended none = demo->ctl({"update", "plan", "extra", "no-such-package"});
  CHECK(none.status == 1);
  CHECK(says(none.err, "no-such-package is not installed"));
  const Ended check = demo->ctl({"update", "check", "extra"});
  CHECK(check.status == 0);
  CHECK(says(check.out, "SECURITY"));
}

}  // namespace
}  // namespace steward::update_test
