#include "subjects/bus/nats_bus.hpp"
#include "tests/support/demo.hpp"

#include <doctest/doctest.h>

namespace steward::tests::signed_test {
namespace {

TEST_CASE("demo: its messages are signed, and stewardctl signs without being told how") {
  const auto demo = Demo::start({.units = 2, .is_signed = true});
  if (!demo) {
    return;
  }
  const auto run = demo->ctl({"run", "--all", "--wait", "60s", "--", "echo", "signed"});
  CHECK_MESSAGE(run.status == 0, run.err);
  CHECK(run.out.find("signed") != std::string::npos);
  const auto dry = demo->ctl({"run", "demo1", "--dry-run", "--", "true"});
  CHECK_MESSAGE(dry.out.find("allowed: rule everything") != std::string::npos, dry.out);
  const auto shown = demo->ctl({"show", "demo1"});
  CHECK_MESSAGE(shown.out.find("policy") != std::string::npos, (shown.out + shown.err));
}

TEST_CASE("demo: whoever has no login of it hears and says nothing") {
  const auto demo = Demo::start({.units = 1, .is_signed = true});
  if (!demo) {
    return;
  }
  const auto stranger = bus::NatsBus::open({.servers = {demo->broker()}}).value();
  const auto up = stranger->wait_until_up(std::chrono::seconds(3));
  REQUIRE_FALSE(up);
  CHECK_MESSAGE(up.error().message.find("uthoriz") != std::string::npos, up.error().message);
}

TEST_CASE("demo: a message without a signature is refused, whoever brings it") {
  const auto demo = Demo::start({.units = 1, .is_signed = true});
  if (!demo) {
    return;
  }
  const auto mark = demo->folder() / "mark";
  const auto sent = demo->ctl({"bus",
                               "pub",
                               "demo1.command.shellcommand.operatingsystem",
                               R"({"argv":["touch",")" + mark.string() + "\"]}"});
  CHECK_MESSAGE(sent.status == 0, sent.err);
  // What comes behind it in the same handler's queue is done: the other was looked at before.
  const auto run = demo->ctl({"run", "demo1", "--wait", "60s", "--", "true"});
  CHECK_MESSAGE(run.status == 0, run.err);
  CHECK_FALSE(std::filesystem::exists(mark));
}

}  // namespace
}  // namespace steward::tests::signed_test
