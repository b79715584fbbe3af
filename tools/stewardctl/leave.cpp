#include "tools/stewardctl/leave.hpp"

#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/job_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

// A broker without a stream for commands says nothing at all.
constexpr milliseconds kReceiptPatience{2'000};
constexpr milliseconds kStationPatience{5'000};
constexpr milliseconds kLeavingRound{50};

Custody::Station ask_station(Session& session, const JobProgress& progress) {
  wire::QueryRequest request;
  request.job = progress.job().str();
  request.units = {progress.units().front().unit};
  const auto answer = session.query("job", request, kStationPatience);
  if (!answer) {
    return answer.error().code == ErrorCode::not_found ? Custody::Station::knows_not
                                                       : Custody::Station::silent;
  }
  const auto detail = answer->rows.empty()
                          ? Result<wire::JobDetail>(failure(ErrorCode::not_found, ""))
                          : wire::decode_job_detail(answer->rows.front());
  const auto units = static_cast<std::int64_t>(progress.units().size());
  return detail && detail->job.units >= units ? Custody::Station::knows
                                              : Custody::Station::knows_not;
}

Custody make_sure(Session& session, Receipts& receipts, const JobProgress& progress) {
  Custody custody;
  custody.commands = receipts.asked();
  custody.station = Custody::Station::knows_not;
  const auto begun = Clock::now();
  while (true) {
    for (const Delivery& delivery : session.take()) {
      receipts.take(delivery);
    }
    if (custody.station == Custody::Station::knows_not) {
      custody.station = ask_station(session, progress);
    }
    const auto waited = Clock::now() - begun;
    const bool broker_done = receipts.complete() || waited >= kReceiptPatience;
    const bool station_done =
        custody.station != Custody::Station::knows_not || waited >= kStationPatience;
    if ((broker_done && station_done) ||
        session.wait(Clock::now() + kLeavingRound) == Session::Woken::interrupted) {
      break;
    }
  }
  custody.stored = receipts.stored();
  custody.refusal = receipts.refusal();
  return custody;
}

std::string station_text(const Custody& custody) {
  return custody.station == Custody::Station::silent ? "the station does not answer"
                                                     : "the station does not know it yet";
}

std::string broker_text(const Custody& custody) {
  if (custody.refusal) {
    return custody.refusal->message;
  }
  return custody.stored == 0
             ? "the broker has not said that it keeps it"
             : fmt::format("the broker has said of {} of {} commands that it keeps them",
                           custody.stored,
                           custody.commands);
}

}  // namespace

std::string custody_text(const Custody& custody, const wire::MessageId& job) {
  if (custody.is_stored() && custody.is_known()) {
    return {};
  }
  if (custody.is_stored()) {
    return fmt::format(
        "the broker keeps it, but {}: units that are connected have it, a unit that is away gets "
        "it "
        "once a station has read it",
        station_text(custody));
  }
  if (custody.is_known()) {
    return fmt::format(
        "the station knows it and sends it to units that are away, but {}: another station, or "
        "this "
        "one with a new database, would not know of it",
        broker_text(custody));
  }
  return fmt::format(
      "{}, and {}.\nUnits that were connected may have it, nobody sends it to the others. Look "
      "later: "
      "stewardctl jobs show {}",
      broker_text(custody),
      station_text(custody),
      job.view());
}

Result<Exit> leave(Invocation& invocation,
                   Session& session,
                   Receipts& receipts,
                   const JobProgress& progress) {
  const Custody custody = make_sure(session, receipts, progress);
  const auto view = job_view(invocation, milliseconds(0));
  view->started(progress);
  Console& console = invocation.console;
  if (invocation.format == Format::jsonl || invocation.format == Format::json) {
    view->finished(progress);
  } else if (invocation.is_table()) {
    console.out(fmt::format(
        "sent to {} as job {}\n", counted(progress.units().size(), "unit"), progress.job().view()));
  }
  if (const auto text = custody_text(custody, progress.job()); !text.empty()) {
    console.warn(text);
  } else if (invocation.is_table()) {
    console.note(fmt::format("Wait for it: stewardctl jobs wait {}", progress.job().view()));
  }
  return custody.is_stored() || custody.is_known() ? Exit::ok : Exit::no_answer;
}

}  // namespace steward::ctl
