#include "handlers/runtime/host.hpp"

#include "tests/handlers/runtime/test_house.hpp"

#include <doctest/doctest.h>

#include <future>
#include <stdexcept>

namespace steward::tests::host_test {
namespace {

using Words = std::vector<std::string>;

// Does what its command's payload says.
class Scripted final : public runtime::Handler {
 public:
  explicit Scripted(runtime::Context& context) : context_(context) {
    context.options.integer("speed", 1, 1, 9);
    if (makes_fail > 0 && made > 0) {
      --makes_fail;
      throw std::runtime_error("cannot be made");
    }
    ++made;
  }

  Result<void> start() override {
    if (starts_fail > 0) {
      --starts_fail;
      return failure(ErrorCode::io, "not now");
    }
    return {};
  }

  Result<runtime::Admission> receive(const runtime::Command& command) override {
    if (command.payload == "block") {
      blocked.set_value();
      release.get_future().wait();
    }
    return runtime::Admission{
        {}, [this, payload = command.payload, id = command.envelope.id] { act(payload, id); }};
  }

  void link_up() override { ++links; }

  void link_down() override { ++losses; }

  void stop(std::function<void()> stopped) override {
    if (!stubborn) {
      stopped();
    }
  }

  static std::unique_ptr<runtime::Handler> make(runtime::Context& context) {
    return std::make_unique<Scripted>(context);
  }

  // Told and asked by the tests; each test resets them.
  static inline std::atomic<int> made{0};
  static inline std::atomic<int> makes_fail{0};
  static inline std::atomic<int> starts_fail{0};
  static inline std::atomic<int> links{0};
  static inline std::atomic<int> losses{0};
  static inline std::atomic<bool> stubborn{false};
  static inline std::promise<void> blocked;
  static inline std::promise<void> release;

 private:
  void act(const std::string& payload, const wire::MessageId& id) {
    if (payload == "throw") {
      throw std::runtime_error("at work");
    }
    if (payload == "throw later") {
      timer_.start(std::chrono::milliseconds(0));
    } else if (payload != "keep") {
      context_.publisher.reply({.ref = id, .domain = "", .state = wire::CommandState::done});
    }
  }

  runtime::Context& context_;
  runtime::Timer timer_{context_.loop, [] { throw std::runtime_error("in a timer"); }};
};

const runtime::HandlerKind kKind{.method = "work", .make = &Scripted::make};

// First member: the host makes its handler at once.
struct Reset {
  Reset() {
    Scripted::made = 0;
    Scripted::makes_fail = 0;
    Scripted::starts_fail = 0;
    Scripted::links = 0;
    Scripted::losses = 0;
    Scripted::stubborn = false;
    Scripted::blocked = {};
    Scripted::release = {};
  }
};

struct Hosted {
  Hosted() { house.write_by_thread(); }

  void stop() {
    std::promise<void> stopped;
    host.stop([&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  const Watchdog watchdog;
  const Reset reset;
  TestHouse house;
  runtime::Options options = *runtime::Options::parse("speed = 70", "test.toml");
  runtime::HandlerHost host{house.house(), kKind, *wire::Token::parse("here"), options};
};

}  // namespace

TEST_CASE("host: a handler reads its options when it is made, before anything runs") {
  Hosted hosted;
  CHECK(hosted.options.problems() == Words{"test.toml:1:9: speed: must be an integer from 1 to 9"});
  CHECK(hosted.host.state().state == "stopped");
}

TEST_CASE("host: commands go through the handler's own thread and come back as ACKs") {
  Hosted hosted;
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(1, "go"));
  hosted.house.await(2);
  CHECK(hosted.house.steps(1) == Words{"accepted", "done"});
  CHECK(hosted.host.state() ==
        wire::HandlerState{.method = "work", .domain = "here", .state = "running"});
  hosted.stop();
  CHECK(hosted.host.state().state == "stopped");
  CHECK(hosted.host.counts().accepted == 1);
}

TEST_CASE("host: a handler hears of the link when it starts and each time it comes up or is lost") {
  Hosted hosted;
  hosted.host.start();
  hosted.host.link_changed(true);  // as it was at the start
  hosted.host.link_changed(false);
  hosted.host.link_changed(true);
  hosted.host.deliver(hosted.house.command(1, "go"));
  hosted.house.await(2);
  hosted.stop();  // behind everything that was posted before
  CHECK(Scripted::links == 2);
  CHECK(Scripted::losses == 1);
}

TEST_CASE("host: a handler that fails has its open commands interrupted and is made anew") {
  Hosted hosted;
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(1, "keep"));
  SUBCASE("while it takes a command") { hosted.host.deliver(hosted.house.command(2, "throw")); }
  SUBCASE("in a callback of its own") {
    hosted.host.deliver(hosted.house.command(2, "throw later"));
  }
  hosted.house.await(4);
  CHECK(hosted.house.steps(1) == Words{"accepted", "interrupted handler_crashed"});
  CHECK(hosted.house.steps(2) == Words{"accepted", "interrupted handler_crashed"});
  CHECK(hosted.host.state().state == "restarting");
  CHECK(hosted.host.state().restarts == 1);

  // One that comes meanwhile waits for the new one.
  hosted.host.deliver(hosted.house.command(3, "go"));
  hosted.house.await_end(3);
  CHECK(hosted.house.steps(3) == Words{"accepted", "done"});
  CHECK(Scripted::made == 2);
  CHECK(hosted.host.counts().crashes == 1);
}

TEST_CASE("host: a handler that cannot start is tried again after a back-off") {
  Hosted hosted;
  Scripted::starts_fail = 2;
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(1, "go"));
  hosted.house.await_end(1);
  CHECK(hosted.house.steps(1) == Words{"accepted", "done"});
  CHECK(hosted.host.state().restarts == 2);
  CHECK(Scripted::made == 3);
}

TEST_CASE("host: while a handler is away for long, commands are refused as unavailable") {
  Hosted hosted;
  Scripted::starts_fail = 5;  // pauses of 0.1, 0.2, 0.4 and 0.8 s are waited for, the next is not
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(1, "go"));
  hosted.house.await_end(1);
  CHECK(hosted.house.steps(1) == Words{"refused unavailable"});
  CHECK(hosted.host.state().restarts == 5);
}

TEST_CASE("host: commands beyond a full mailbox are answered overloaded, in bounded number") {
  Hosted hosted;
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(5'000, "block"));
  Scripted::blocked.get_future().wait();
  for (int number = 0; number < 1024 + 256 + 10; ++number) {
    hosted.host.deliver(hosted.house.command(number, "go"));
  }
  Scripted::release.set_value();
  hosted.house.await(2 + 2 * 1024 + 256);
  CHECK(hosted.house.steps(0) == Words{"accepted", "done"});
  CHECK(hosted.house.steps(1023) == Words{"accepted", "done"});
  CHECK(hosted.house.steps(1024) == Words{"refused overloaded"});
  CHECK(hosted.house.steps(1024 + 255) == Words{"refused overloaded"});
  CHECK(hosted.house.steps(1024 + 256).empty());
  CHECK(hosted.host.counts().dropped == 10);
}

TEST_CASE("host: a handler that does not stop is ended, its commands interrupted") {
  Hosted hosted;
  Scripted::stubborn = true;
  hosted.host.start();
  hosted.host.deliver(hosted.house.command(1, "keep"));
  hosted.host.deliver(hosted.house.command(3, "go"));
  hosted.house.await_end(3);  // behind the first, which has started therefore
  std::promise<void> stopped;
  hosted.host.stop([&stopped] { stopped.set_value(); });
  hosted.host.end();
  stopped.get_future().wait();
  CHECK(hosted.house.steps(1) == Words{"accepted", "interrupted agent_stopped"});
  hosted.host.deliver(hosted.house.command(2, "go"));  // for the next agent: silence
  CHECK(hosted.house.steps(2).empty());
}

TEST_CASE("host: one that was never stopped is ended by its destructor") {
  const Watchdog watchdog;
  Scripted::stubborn = true;
  TestHouse house;
  house.write_by_thread();
  {
    runtime::HandlerHost host(
        house.house(), kKind, *wire::Token::parse("here"), runtime::Options());
    host.start();
    host.deliver(house.command(1, "keep"));
    host.deliver(house.command(3, "go"));
    house.await_end(3);
  }
  house.await_end(1);
  CHECK(house.steps(1) == Words{"accepted", "interrupted agent_stopped"});
}

}  // namespace steward::tests::host_test
