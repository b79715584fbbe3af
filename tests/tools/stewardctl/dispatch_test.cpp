#include "tools/stewardctl/dispatch.hpp"

#include <doctest/doctest.h>

namespace steward::tests::dispatch_test {

using steward::ErrorCode;
using steward::ctl::all_verbs;
using steward::ctl::find_verb;

namespace {

std::string name_of(const std::vector<std::string>& words) {
  const auto found = find_verb(words, all_verbs());
  return found ? std::string(found->verb->name) : found.error().message;
}

}  // namespace

TEST_CASE("dispatch: one-word verbs, families and short names") {
  CHECK(name_of({"units"}) == "units");
  CHECK(name_of({"ls", "-w"}) == "units");
  CHECK(name_of({"jobs"}) == "jobs ls");
  CHECK(name_of({"jobs", "--open"}) == "jobs ls");
  CHECK(name_of({"jobs", "wait", "X"}) == "jobs wait");
  CHECK(name_of({"context"}) == "context ls");
  CHECK(name_of({"bus", "doctor"}) == "bus doctor");
}

TEST_CASE("dispatch: the verb's words are taken, the rest is its arguments") {
  const auto found = find_verb({"jobs", "show", "JOB", "-o", "json"}, all_verbs());
  REQUIRE(found);
  CHECK(found->arguments == std::vector<std::string>{"JOB", "-o", "json"});
}

TEST_CASE("dispatch: a wrong verb is a usage error that says what may have been meant") {
  CHECK(name_of({"unist"}) == "no verb 'unist'. Did you mean 'units'?");
  CHECK(name_of({"jobs", "wiat"}) == "no verb 'jobs wiat'. Did you mean 'jobs wait'?");
  CHECK(name_of({"frobnicate"}) == "no verb 'frobnicate'. See: stewardctl --help");
  CHECK(name_of({"bus"}).find("bus what?") == 0);
  CHECK(find_verb({"unist"}, all_verbs()).error().code == ErrorCode::bad_config);
}

}  // namespace steward::tests::dispatch_test
