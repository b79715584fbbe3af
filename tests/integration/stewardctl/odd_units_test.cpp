#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/hello.hpp"
#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>

namespace steward::tests::odd_units_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

namespace bus = steward::bus;
namespace wire = steward::wire;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A unit that is made of its words only.
class SpokenUnit {
 public:
  SpokenUnit(const std::string& broker, const std::string& name)
      : name_(name),
        channel_(wire::Source::node(*wire::NodeName::parse(name)),
                 wire::Completeness::filled_in,
                 bus::system_ids()) {
    bus::NatsOptions options;
    options.servers = {broker};
    options.name = name;
    auto opened = bus::NatsBus::open(std::move(options));
    REQUIRE(opened);
    bus_ = std::move(*opened);
    REQUIRE(bus_->wait_until_up(std::chrono::seconds(10)));
  }

  void hello(const std::string& session) {
    wire::Hello hello;
    hello.session = session;
    hello.interval = std::chrono::milliseconds(30'000);
    say("event.hello.agent", wire::encode(hello));
    REQUIRE(bus_->flush(std::chrono::seconds(5)));
  }

  // Refuses every command from now on, as a policy does.
  void refuse_all() {
    auto heard = bus_->subscribe(name_ + ".command.shellcommand.*", [this](bus::Message&& message) {
      const auto id = wire::MessageId::parse(*message.headers.find("ce-id"));
      wire::Ack ack{*id, "operatingsystem", wire::CommandState::refused, {}, {}, {}, {}, {}, {}};
      ack.code = "denied";
      ack.message = "the policy does not allow it";
      say("event.ack.shellcommand", wire::encode(ack));
    });
    REQUIRE(heard);
    subscription_ = std::move(*heard);
    REQUIRE(bus_->flush(std::chrono::seconds(5)));
  }

 private:
  void say(const std::string& rest, std::string payload) {
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto envelope = channel_.envelope(*wire::Subject::parse(name_ + "." + rest), now);
    CHECK(bus_->publish(channel_.seal(envelope, std::move(payload))));
  }

  const std::string name_;
  const bus::Channel channel_;
  std::unique_ptr<bus::NatsBus> bus_;
  std::unique_ptr<bus::Subscription> subscription_;
};

std::string state_of(const Demo& demo, const std::string& unit) {
  const json rows = json::parse(demo.ctl({"units", unit, "-o", "json"}).out);
  return rows.empty() ? std::string() : rows.at(0).at("state").get<std::string>();
}

}  // namespace

TEST_CASE("stewardctl run: two machines of one name get nothing, unless it is forced") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  SpokenUnit twin(demo->broker(), "twin");
  for (const std::string session : {"a", "b", "a"}) {
    twin.hello(session);
  }
  for (int i = 0; i < 100 && state_of(*demo, "twin") != "conflict"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  REQUIRE(state_of(*demo, "twin") == "conflict");
  const Ended refused = demo->ctl({"run", "twin,demo1", "--", "true"});
  CHECK(refused.status == 2);
  CHECK(has(refused.err, "two machines answer to the name twin"));
  CHECK(has(refused.err, "--force"));
  CHECK(demo->ctl({"jobs", "ls", "-o", "name"}).out.empty());
  const Ended forced = demo->ctl({"run", "twin,demo1", "--force", "--wait", "1s", "--", "true"});
  CAPTURE(forced.err);
  CHECK(forced.status == 4);
  CHECK(has(forced.out, "demo1  exit 0"));
  CHECK(has(forced.out, "twin   queued until"));
}

TEST_CASE(
    "stewardctl run: what the policy of a unit refuses is exit status 6, and listed with its "
    "reason") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  SpokenUnit guard(demo->broker(), "guard");
  guard.refuse_all();
  guard.hello("a");
  for (int i = 0; i < 100 && state_of(*demo, "guard") != "up"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const Ended ended = demo->ctl({"run", "guard", "--", "true"});
  CHECK(ended.status == 6);
  CHECK(has(ended.err, "refused: denied: the policy does not allow it"));
  bool listed = false;
  for (int i = 0; i < 100 && !listed; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    listed = has(demo->ctl({"jobs", "ls", "--failed"}).out,
                 "guard  refused  denied: the policy does not allow it");
  }
  CHECK(listed);
}

TEST_CASE("stewardctl: on a terminal it asks before it acts on many units") {
  const auto demo = Demo::start({2, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  REQUIRE(
      demo->ctl({"context", "add", "careful", "--server", demo->broker(), "--confirm-over", "1"})
          .status == 0);
  const auto mark = demo->folder() / "mark";
  const std::vector<std::string> order{
      "run", "--all", "--context", "careful", "--shell", "touch " + mark.string()};
  const std::string prompt = "shellcommand.operatingsystem on 2 units?";
  const Ended no = demo->ctl_on_terminal(order, prompt, "n\n");
  CAPTURE(no.out);
  CHECK(has(no.out, prompt));
  CHECK(has(no.out, "not confirmed: nothing was sent"));
  CHECK(no.status == 2);
  CHECK_FALSE(std::filesystem::exists(mark));
  const Ended yes = demo->ctl_on_terminal(order, prompt, "y\n");
  CAPTURE(yes.out);
  CHECK(yes.status == 0);
  CHECK(std::filesystem::exists(mark));
  CHECK(has(yes.out, "2 ok, 0 failed, 0 pending"));
}

TEST_CASE("stewardctl units -w: shows the table again and again until Ctrl-C") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  SUBCASE("as lines where there is no terminal") {
    const Ended ended = demo->ctl_while({"units", "--watch=100ms", "-o", "name"}, [](pid_t pid) {
      std::this_thread::sleep_for(std::chrono::seconds(3));
      tests::send_signal(pid, SIGINT);
    });
    CHECK(ended.status == 0);
    CHECK(has(ended.out, "demo1\ndemo1\n"));
  }
  SUBCASE("on a screen of its own, which goes, and the last table stays") {
    const Ended ended = demo->ctl_on_terminal({"units", "-w"}, "Ctrl-C ends", "\x03");
    CAPTURE(ended.out);
    CHECK(ended.status == 0);
    CHECK(has(ended.out, "\x1b[?1049h"));
    const auto gone = ended.out.rfind("\x1b[?1049l");
    REQUIRE(gone != std::string::npos);
    CHECK(has(ended.out.substr(gone), "demo1"));
  }
  SUBCASE("not more often than ten times a second") {
    CHECK(demo->ctl({"units", "--watch=10ms"}).status == 2);
  }
}

TEST_CASE("stewardctl units: outbox and ledger of each unit are in the wide table and in JSON") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const json row = json::parse(demo->ctl({"units", "-o", "json"}).out).at(0);
  CHECK(row.at("outbox_depth").is_number_integer());
  CHECK(row.at("outbox_oldest_ms").is_number_integer());
  CHECK(row.at("ledger_open").is_number_integer());
  const Ended wide = demo->ctl({"units", "-o", "wide"});
  CHECK(has(wide.out, "OUTBOX"));
  CHECK(has(wide.out, "LEDGER"));
}

}  // namespace steward::tests::odd_units_test
