#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/broker_info.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/unit_text.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kClockTolerance{2'000};
constexpr int kFlushes = 5;

// The findings, printed as they are made.
class Report {
 public:
  explicit Report(Invocation& invocation) : invocation_(invocation) {}

  void add(Mark mark,
           const std::string& what,
           const std::string& text,
           const std::string& step = "") {
    const Paint paint = mark == Mark::good      ? Paint::good
                        : mark == Mark::partial ? Paint::warning
                                                : Paint::bad;
    const std::string_view verdict = mark == Mark::good      ? "ok"
                                     : mark == Mark::partial ? "warning"
                                                             : "failed";
    if (invocation_.is_table()) {
      const Style& style = invocation_.console.look().out;
      std::string out =
          fmt::format("{} {:<12} {}\n", style.paint(paint, style.mark(mark)), what, one_line(text));
      if (!step.empty()) {
        out += fmt::format("  {:<12} {}\n", "", style.paint(Paint::strong, step));
      }
      invocation_.console.out(out);
    }
    findings_.push_back({{"check", what}, {"result", verdict}, {"text", text}, {"next", step}});
  }

  void finish() {
    if (invocation_.format == Format::json) {
      invocation_.console.out(findings_.dump(2) + "\n");
    } else if (!invocation_.is_table()) {
      for (const auto& finding : findings_) {
        invocation_.console.out(wire::dump_json(finding) + "\n");
      }
    }
  }

 private:
  Invocation& invocation_;
  nlohmann::json findings_ = nlohmann::json::array();
};

void check_broker(Report& report, const Settings& settings) {
  const auto address = parse_address(settings.connection.url);
  const auto info = address ? read_broker_info(*address, settings.timeout)
                            : Result<BrokerInfo>(tl::unexpected<Error>(address.error()));
  if (!info) {
    report.add(Mark::bad,
               "broker",
               fmt::format("{} at {}", info.error().message, settings.connection.url),
               "Start it (steward demo, steward run), or name another with --server.");
    return;
  }
  report.add(Mark::good,
             "broker",
             fmt::format("nats-server {} at {}:{}, {} a message{}{}{}",
                         info->version,
                         address->host,
                         address->port,
                         short_bytes(static_cast<std::uint64_t>(info->max_payload)),
                         info->jetstream ? ", JetStream" : "",
                         info->auth_required ? ", login needed" : "",
                         info->tls_required ? ", TLS" : ""));
  if (info->max_payload < static_cast<std::int64_t>(wire::kMaxPayloadBytes) + 16 * 1024) {
    report.add(Mark::partial,
               "max payload",
               fmt::format("{} is less than a message may measure",
                           short_bytes(static_cast<std::uint64_t>(info->max_payload))),
               "Set max_payload to 1MB in the broker's configuration.");
  }
}

void check_round_trip(Report& report, Session& session) {
  std::vector<microseconds> times;
  for (int i = 0; i < kFlushes; ++i) {
    const auto begun = Clock::now();
    if (!session.bus().flush(session.settings().timeout)) {
      report.add(Mark::bad, "round trip", "the broker does not answer a ping");
      return;
    }
    times.push_back(std::chrono::duration_cast<microseconds>(Clock::now() - begun));
  }
  std::sort(times.begin(), times.end());
  report.add(Mark::good,
             "round trip",
             fmt::format("min {} median {} max {}",
                         short_rtt(times.front()),
                         short_rtt(times[times.size() / 2]),
                         short_rtt(times.back())));
}

// What a command needs: hearing events, and publishing. A refusal comes as the link's last error.
void check_permissions(Report& report, Session& session) {
  const std::string inbox = session.bus().new_inbox();
  const bool listening = session.listen("*.event.>") && session.listen(inbox);
  bus::Message probe{inbox, {}, "doctor", {}};
  const bool sent =
      listening && session.publish(probe) && session.bus().flush(session.settings().timeout);
  bool came = false;
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  while (sent && !came && Clock::now() < deadline &&
         session.wait(deadline) != Session::Woken::interrupted) {
    for (const Delivery& delivery : session.take()) {
      came = came || delivery.message.subject == inbox;
    }
  }
  const bus::LinkStatus status = session.bus().status();
  if (came && status.denials == 0) {
    report.add(Mark::good, "permissions", "may hear events and answers, may publish");
  } else {
    report.add(
        Mark::bad,
        "permissions",
        status.denials == 0 ? "what was published did not come back" : status.last_error,
        "Ask for an operator's login: publish *.command.>, subscribe *.event.> and _INBOX.>");
  }
}

void check_clock(Report& report, const Answer& answer, wire::Timestamp now) {
  if (!answer.station_time) {
    report.add(Mark::partial, "clock", "the station does not tell its time");
    return;
  }
  const auto apart =
      std::chrono::duration_cast<milliseconds>(now - *answer.station_time) - answer.took / 2;
  const auto distance = apart < milliseconds(0) ? -apart : apart;
  const bool good = distance <= kClockTolerance;
  report.add(good ? Mark::good : Mark::partial,
             "clock",
             distance.count() < 50 ? "the same as the station's"
                                   : fmt::format("{} {} the station's",
                                                 short_duration(distance),
                                                 apart.count() > 0 ? "ahead of" : "behind"),
             good ? "" : "Commands expire by these clocks: run an NTP service on both.");
}

void check_unit_clocks(Report& report, const std::vector<wire::UnitRow>& rows) {
  for (const wire::UnitRow& row : rows) {
    if (row.state != wire::UnitState::up || !row.last_seen || row.hello.clock.count() == 0) {
      continue;
    }
    const auto seen = std::chrono::duration_cast<milliseconds>(row.last_seen->time_since_epoch());
    const auto apart = row.hello.clock - seen;
    const auto distance = apart < milliseconds(0) ? -apart : apart;
    // An ACK is a sign of life later than the hello with the clock in it.
    if (distance >
        kClockTolerance + (apart < milliseconds(0) ? row.hello.interval * 2 : milliseconds(0))) {
      report.add(Mark::partial,
                 "unit clock",
                 fmt::format("{} is {} {} the station",
                             row.unit,
                             short_duration(distance),
                             apart.count() > 0 ? "ahead of" : "behind"),
                 "Commands expire by these clocks: run an NTP service on it.");
    }
  }
}

Exit check_station(Report& report, Session& session) {
  const auto answer = session.query("units", all_rows());
  const auto now = wall_clock();
  if (!answer) {
    const std::string& text = answer.error().message;
    const std::size_t line = text.find('\n');
    report.add(Mark::bad,
               "station",
               text.substr(0, line),
               line == std::string::npos ? "" : text.substr(line + 1));
    return exit_of(answer.error());
  }
  report.add(Mark::good,
             "station",
             fmt::format("'{}' answers in {}ms", session.settings().station, answer->took.count()));
  check_clock(report, *answer, now);
  const auto rows = decode_unit_rows(*answer);
  if (!rows) {
    report.add(
        Mark::bad, "units", rows.error().message, "Are station and stewardctl of one version?");
    return Exit::usage;
  }
  const bool all_up = std::all_of(
      rows->begin(), rows->end(), [](const auto& row) { return row.state == wire::UnitState::up; });
  report.add(all_up && !rows->empty() ? Mark::good : Mark::partial,
             "units",
             unit_summary(*rows),
             rows->empty() ? "Add one: steward-edge run --name ship1 --broker " +
                                 session.settings().connection.url
             : all_up ? ""
                      : "See: stewardctl units --sort state");
  check_unit_clocks(report, *rows);
  return Exit::ok;
}

Result<Exit> doctor(Invocation& invocation) {
  STEWARD_TRY(const auto settings, invocation.settings());
  Report report(invocation);
  report.add(Mark::good,
             "settings",
             fmt::format("{} (from {})", settings.connection.url, settings.origin));
  check_broker(report, settings);
  auto session = invocation.session();
  if (!session) {
    const std::string& text = session.error().message;
    report.add(Mark::bad, "connection", text.substr(0, text.find(".\n")));
    report.finish();
    return exit_of(session.error());
  }
  check_round_trip(report, **session);
  check_permissions(report, **session);
  const Exit exit = check_station(report, **session);
  report.finish();
  return exit;
}

}  // namespace

Verb doctor_verb() {
  return {
      "bus doctor",
      "what is well and what is not, from broker to units",
      "",
      "stewardctl bus doctor\n"
      "stewardctl bus doctor --server nats://10.0.0.2:4222 -o json",
      TakesCommand::no,
      [](Syntax&) -> Action { return [](Invocation& invocation) { return doctor(invocation); }; }};
}

}  // namespace steward::ctl
