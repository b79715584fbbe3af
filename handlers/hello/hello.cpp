#include "handlers/hello/hello.hpp"

#include "handlers/runtime/place.hpp"
#include "subjects/wire/hello.hpp"

#include <utility>

namespace steward::handlers::hello {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval{10'000};
constexpr milliseconds kShortestInterval{100};
constexpr milliseconds kLongestInterval{3'600'000};

// Over so long the answers to a question to all are spread.
constexpr milliseconds kSpread{250};

}  // namespace

HelloHandler::HelloHandler(runtime::Context& context)
    : context_(context),
      interval_(context.options.milliseconds(
          "interval_ms", kInterval, kShortestInterval, kLongestInterval)),
      beat_(context.loop, [this] { say(Occasion::again); }),
      phase_(context.loop,
             [this] {
               say(Occasion::again);
               beat_.start_every(interval_);
             }),
      answer_(context.loop, [this] { say(Occasion::again); }) {}

Result<runtime::Admission> HelloHandler::receive(const runtime::Command& command) {
  STEWARD_TRY(auto ignored, wire::decode_hello_request(command.payload));
  auto answer = [this, to_all = command.to_all(), id = command.envelope.id] {
    if (!to_all) {
      answer_.start(milliseconds(0));  // by the loop: many questions at once are one hello
    } else if (!answer_.active()) {
      answer_.start(runtime::place_in(kSpread, context_.node.str() + id.str()));
    }
  };
  return runtime::Admission{std::move(ignored), std::move(answer)};
}

void HelloHandler::link_up() {
  say(Occasion::first);
  beat_.stop();
  phase_.start(milliseconds(1) + runtime::place_in(interval_, context_.node.str()));
}

void HelloHandler::stop(std::function<void()> stopped) {
  say(Occasion::bye);
  stopped();
}

void HelloHandler::say(Occasion occasion) {
  auto hello = context_.vitals.hello();
  hello.interval = interval_;
  hello.first = occasion == Occasion::first;
  hello.bye = occasion == Occasion::bye;
  if (auto said = context_.publisher.stream(wire::encode(hello)); !said) {
    context_.log.debug("not said: " + said.error().text());  // no link: the next connect says it
  }
}

}  // namespace steward::handlers::hello
