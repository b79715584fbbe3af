#include "tools/stewardctl/watch.hpp"

#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/screen.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace steward::ctl {

namespace {

constexpr std::chrono::milliseconds kShortest{100};

std::string frame(Console& console,
                  const std::string& text,
                  const Result<std::string>& fresh,
                  std::chrono::milliseconds interval) {
  const Style& style = console.look().out;
  std::string out = style.paint(Paint::faint,
                                fmt::format("{}  every {}, Ctrl-C ends",
                                            clock_millis(wall_clock()).substr(0, 8),
                                            short_age(interval))) +
                    "\n";
  if (!fresh) {
    const std::string why = fresh.error().message.substr(0, fresh.error().message.find('\n'));
    out += style.paint(Paint::bad, shortened(why, console.width().value_or(80), style.ellipsis())) +
           "\n";
  }
  return out + text;
}

}  // namespace

Result<Exit> watch(Invocation& invocation,
                   Session& session,
                   const std::string& interval_text,
                   const std::function<Result<std::string>()>& look) {
  STEWARD_TRY(const auto interval, parse_duration(interval_text));
  if (interval < kShortest) {
    return failure(ErrorCode::bad_config, "--watch: at least 100ms");
  }
  Console& console = invocation.console;
  STEWARD_TRY(std::string latest, look());
  Result<std::string> fresh = latest;
  const bool draws = invocation.is_table() && console.look().out_is_terminal;
  auto screen = draws ? std::make_unique<Screen>(console) : nullptr;
  while (true) {
    if (screen) {
      screen->show(frame(console, latest, fresh, interval));
    } else if (fresh) {
      console.out(latest);
    } else {
      console.warn(fresh.error().message);
    }
    session.take();
    if (console.broken() || session.wait(Clock::now() + interval) == Session::Woken::interrupted) {
      break;
    }
    fresh = look();
    latest = fresh.value_or(std::move(latest));
  }
  if (screen) {
    screen.reset();
    console.out(latest);
  }
  return Exit::ok;
}

}  // namespace steward::ctl
