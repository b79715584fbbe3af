#include "handlers/hello/hello.hpp"

#include "handlers/runtime/place.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/hello.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <set>
#include <vector>

namespace steward::tests::hello_test {
namespace {

using handlers::hello::HelloHandler;
using std::chrono::milliseconds;

class FixedClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override { return {}; }

  std::chrono::steady_clock::time_point steady() const override { return {}; }

  wire::MessageId new_id() override { return wire::MessageId::make(1, {}); }
};

class Vitals final : public runtime::Vitals {
 public:
  void facts_told(const std::string&) override {}

  wire::Hello hello() const override {
    wire::Hello hello;
    hello.session = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    hello.agent_version = "7";
    return hello;
  }
};

// Hears the handler, and stops the loop after so many hellos.
class Listener final : public runtime::Publisher {
 public:
  explicit Listener(runtime::Loop& loop) : loop_(loop) {}

  void begin(const wire::MessageId&, std::function<void()> then) override { then(); }

  void reply(wire::Ack) override { FAIL("hello is not acked"); }

  Result<void> stream(std::string payload) override {
    said.push_back(*wire::decode_hello(payload));
    if (said.size() == stop_after) {
      loop_.stop();
    }
    return {};
  }

  void deliver(runtime::Delivery, std::function<void(Result<void>)>) override {}

  void record(std::string) override { FAIL("hello is not recorded"); }

  void alert(std::string) override { FAIL("hello raises no alert"); }

  bool link_up() const override { return true; }

  std::vector<wire::Hello> said;
  std::size_t stop_after = 0;

 private:
  runtime::Loop& loop_;
};

struct Unit {
  explicit Unit(std::string_view toml = "") : options(*runtime::Options::parse(toml, "t.toml")) {}

  void run_until(std::size_t hellos) {
    listener.stop_after = hellos;
    loop.run();
  }

  void ask(std::string_view subject, std::string payload = "{}") {
    auto envelope = wire::make_envelope(clock.new_id(),
                                        *wire::Source::parse("/operator/eva"),
                                        *wire::Subject::parse(subject),
                                        clock.now());
    auto admission = handler.receive({std::move(envelope), std::move(payload)});
    REQUIRE(admission);
    admission->start();
  }

  const Watchdog watchdog;
  FixedClock clock;
  Vitals vitals;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  Listener listener{loop};
  runtime::Options options;
  runtime::Context context{*wire::NodeName::parse("ship1"),
                           *wire::Token::parse("hello"),
                           *wire::Token::parse("agent"),
                           loop,
                           listener,
                           clock,
                           runtime::Logger(log, "hello"),
                           options,
                           "/nonexistent",
                           processes,
                           vitals};
  HelloHandler handler{context};
};

}  // namespace

TEST_CASE("hello: the first one goes out at the connect and says so") {
  Unit unit;
  unit.handler.link_up();
  REQUIRE(unit.listener.said.size() == 1);
  const auto& hello = unit.listener.said.front();
  CHECK(hello.first);
  CHECK_FALSE(hello.bye);
  CHECK(hello.interval == milliseconds(10'000));
  CHECK(hello.agent_version == "7");
  CHECK(hello.session == "01ARZ3NDEKTSV4RRFFQ69G5FAV");
}

TEST_CASE("hello: it is said again in every interval") {
  Unit unit("interval_ms = 100");
  unit.handler.link_up();
  unit.run_until(3);
  CHECK(unit.listener.said.size() == 3);
  CHECK_FALSE(unit.listener.said[1].first);
  CHECK(unit.listener.said[2].interval == milliseconds(100));
  CHECK(unit.options.problems().empty());
}

TEST_CASE("hello: the last one says goodbye") {
  Unit unit;
  bool stopped = false;
  unit.handler.stop([&stopped] { stopped = true; });
  CHECK(stopped);
  REQUIRE(unit.listener.said.size() == 1);
  CHECK(unit.listener.said.front().bye);
}

TEST_CASE("hello: many questions at once are one hello") {
  Unit unit;
  unit.ask("ship1.command.hello.agent");
  unit.ask("ship1.command.hello.agent", "");
  unit.ask("@all.command.hello.agent");
  CHECK(unit.listener.said.empty());
  unit.run_until(1);
  CHECK(unit.listener.said.size() == 1);
  CHECK_FALSE(unit.listener.said.front().first);
}

TEST_CASE("hello: a question to all is answered within 250 ms") {
  Unit unit;
  unit.ask("@all.command.hello.agent");
  runtime::Timer late(unit.loop, [&unit] { unit.loop.stop(); });
  late.start(milliseconds(2'000));
  unit.run_until(1);
  CHECK(unit.listener.said.size() == 1);
}

TEST_CASE("hello: a question that is no object is refused") {
  Unit unit;
  auto envelope = wire::make_envelope(unit.clock.new_id(),
                                      *wire::Source::parse("/operator/eva"),
                                      *wire::Subject::parse("ship1.command.hello.agent"),
                                      unit.clock.now());
  const auto admission = unit.handler.receive({std::move(envelope), "[1"});
  REQUIRE_FALSE(admission);
  CHECK(admission.error().code == ErrorCode::bad_payload);
}

TEST_CASE("hello: the units of a fleet have different places in the interval") {
  std::vector<int> tenths(10, 0);
  for (int i = 0; i < 1'000; ++i) {
    const auto place = runtime::place_in(milliseconds(10'000), "ship" + std::to_string(i));
    REQUIRE(place >= milliseconds(0));
    REQUIRE(place < milliseconds(10'000));
    ++tenths[static_cast<std::size_t>(place.count() / 1'000)];
  }
  for (const int count : tenths) {
    CHECK(count > 60);  // 100 where they are spread evenly
    CHECK(count < 140);
  }
}

}  // namespace steward::tests::hello_test
