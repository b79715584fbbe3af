#include "handlers/osupdate/window.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::osupdate::window_test {
namespace {

Window window(const std::string& cron, const std::string& zone = "UTC", int minutes = 60) {
  auto parsed = Window::parse({cron, zone, std::chrono::minutes(minutes)});
  REQUIRE_MESSAGE(parsed, cron);
  return *std::move(parsed);
}

std::string opens(const Window& window, const std::string& now) {
  const auto at = window.opens(*wire::parse_time(now));
  return at == wire::Timestamp::max() ? "never" : wire::format_time(at).substr(0, 16);
}

}  // namespace

TEST_CASE("window: it opens when cron's line says, and stays open for its time") {
  const auto saturdays = window("0 2 * * 6");
  CHECK(opens(saturdays, "2026-11-25T12:00:00Z") == "2026-11-28T02:00");
  CHECK(opens(saturdays, "2026-11-28T01:59:59Z") == "2026-11-28T02:00");
  CHECK(opens(saturdays, "2026-11-28T02:00:00Z") == "2026-11-28T02:00");
  CHECK(opens(saturdays, "2026-11-28T02:59:59Z") == "2026-11-28T02:59");
  CHECK(opens(saturdays, "2026-11-28T03:00:00Z") == "2026-12-05T02:00");
  CHECK(saturdays.is_open(*wire::parse_time("2026-11-28T02:30:00Z")));
  CHECK(!saturdays.is_open(*wire::parse_time("2026-11-28T03:30:00Z")));
  CHECK(Window().is_open(*wire::parse_time("2026-11-28T03:30:00Z")));
}

TEST_CASE("window: one may last over midnight, and into the next opening") {
  const auto nights = window("30 23 * * *", "UTC", 120);
  CHECK(opens(nights, "2026-11-29T00:30:00Z") == "2026-11-29T00:30");
  CHECK(opens(nights, "2026-11-29T01:30:00Z") == "2026-11-29T23:30");
  const auto always = window("0 0 * * *", "UTC", 24 * 60);
  CHECK(opens(always, "2026-11-29T23:59:59Z") == "2026-11-29T23:59");
}

TEST_CASE("window: lists, ranges, steps and names are cron's; one of both days is enough") {
  CHECK(opens(window("*/20 4-5 * * *", "UTC", 1), "2026-11-29T04:01:00Z") == "2026-11-29T04:20");
  CHECK(opens(window("5,50 4 * * mon-wed", "UTC", 1), "2026-11-29T04:06:00Z") ==
        "2026-11-30T04:05");
  CHECK(opens(window("0 0 1 JAN *", "UTC", 1), "2026-11-29T04:06:00Z") == "2027-01-01T00:00");
  CHECK(opens(window("0 0 13 * fri", "UTC", 1), "2026-11-29T00:06:00Z") == "2026-12-04T00:00");
  CHECK(opens(window("0 0 * * 7", "UTC", 1), "2026-11-28T00:06:00Z") == "2026-11-29T00:00");
  CHECK(opens(window("0 0 29 2 *", "UTC", 1), "2026-11-28T00:06:00Z") == "2028-02-29T00:00");
  CHECK(opens(window("0 0 31 2 *", "UTC", 1), "2026-11-28T00:06:00Z") == "never");
}

TEST_CASE("window: its hour is that of its zone, in summer and in winter") {
  const auto nights = window("30 2 * * *", "Europe/Oslo");
  CHECK(opens(nights, "2026-07-01T12:00:00Z") == "2026-07-02T00:30");
  CHECK(opens(nights, "2026-12-01T12:00:00Z") == "2026-12-02T01:30");
  // On the day when the clocks leave out that hour, it is when they go on.
  CHECK(opens(nights, "2026-03-28T12:00:00Z") == "2026-03-29T01:00");
  // On the day when they tell it twice, it is the first of them.
  CHECK(opens(nights, "2026-10-24T12:00:00Z") == "2026-10-25T00:30");
}

TEST_CASE("window: what is no line of cron or no zone is refused") {
  const auto code = [](const std::string& cron, const std::string& zone = "UTC") {
    const auto parsed = Window::parse({cron, zone, std::chrono::minutes(60)});
    return parsed ? "" : std::string(word(parsed.error().code));
  };
  for (const auto* cron : {"0 2 * *",
                           "0 2 * * * *",
                           "60 2 * * *",
                           "0 24 * * *",
                           "0 2 0 * *",
                           "0 2 * 13 *",
                           "0 2 * * 8",
                           "0 2 * * funday",
                           "5-1 2 * * *",
                           "*/0 2 * * *",
                           "1- 2 * * *",
                           ", 2 * * *",
                           "-1 2 * * *"}) {
    CHECK_MESSAGE(code(cron) == "bad_payload", cron);
  }
  CHECK(code("0 2 * * *", "Mars/Olympus") == "bad_payload");
  CHECK(code("0 2 * * *", "../../etc/passwd") == "bad_payload");
  CHECK(code("", "Mars/Olympus").empty());  // no window
}

}  // namespace steward::handlers::osupdate::window_test
