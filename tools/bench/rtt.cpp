#include "subjects/wire/shellcommand.hpp"
#include "tools/bench/disk_sync.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/raw_nats.hpp"
#include "tools/bench/statistics.hpp"

#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTripPatience{10};
constexpr int kTripsATurn = 100;  // round trips of one kind before the other has its turn
constexpr double kBarP50 = 2;
constexpr double kBarP99 = 3;
constexpr double kRequestsAllowed = 2.5;  // and one synchronisation

// One command at a time; the next leaves when the unit has done with the one before.
Result<void> measure_ours(OperatorLink& link, const std::string& payload, Samples& samples) {
  for (int i = 0; i < kTripsATurn; ++i) {
    const Clock::time_point begin = Clock::now();
    STEWARD_TRY(const wire::MessageId id, link.send(payload));
    STEWARD_TRY(const SeenAck accepted,
                link.wait_for(id, wire::CommandState::accepted, kTripPatience));
    const Clock::time_point end = Clock::now();
    if (accepted.ack.state != wire::CommandState::accepted) {
      return failure(ErrorCode::internal, "the unit does not accept: " + accepted.ack.message);
    }
    samples.add(end - begin);
    STEWARD_TRY(const SeenAck last, link.wait_for(id, wire::CommandState::done, kTripPatience));
    if (last.ack.state != wire::CommandState::done) {
      return failure(ErrorCode::internal, "the command does not end well: " + last.ack.message);
    }
  }
  return {};
}

Result<void> measure_raw(RawRequester& raw, const std::string& payload, Samples& samples) {
  for (int i = 0; i < kTripsATurn; ++i) {
    const Clock::time_point begin = Clock::now();
    if (auto answered = raw.request(payload, kTripPatience); !answered) {
      return answered;
    }
    samples.add(Clock::now() - begin);
  }
  return {};
}

Result<void> measure_disk(DiskSync& disk, Samples& samples) {
  for (int i = 0; i < kTripsATurn; ++i) {
    const Clock::time_point begin = Clock::now();
    if (auto synchronised = disk.sync(); !synchronised) {
      return synchronised;
    }
    samples.add(Clock::now() - begin);
  }
  return {};
}

// The replier is another process, which may still be starting.
Result<void> wait_for_replier(RawRequester& raw) {
  const Clock::time_point deadline = Clock::now() + kTripPatience;
  while (true) {
    auto answered = raw.request("", std::chrono::milliseconds(200));
    if (answered || Clock::now() > deadline) {
      return answered;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

Figure figure(const std::string& name,
              const Samples& ours,
              const Samples& raw,
              double fraction,
              const Bar& bar) {
  return {.name = name,
          .unit = "us",
          .ours = microseconds(ours.percentile(fraction)),
          .peer_name = "nats.c request",
          .peer = microseconds(raw.percentile(fraction)),
          .bar = bar};
}

}  // namespace

Result<std::vector<Figure>> measure_rtt(Rig& rig, std::chrono::seconds time) {
  STEWARD_TRY(const auto raw, RawRequester::connect(rig.broker()));
  if (auto there = wait_for_replier(*raw); !there) {
    return tl::unexpected(std::move(there).error());
  }
  STEWARD_TRY(const auto disk, DiskSync::open(rig.agent_folder()));
  const std::string payload = wire::encode(wire::ShellRequest(wire::ShellList{}));
  Samples warm_up;
  Samples ours;
  Samples bare;
  Samples synchronised;
  Samples* to_ours = &warm_up;
  Samples* to_bare = &warm_up;
  const Clock::time_point end = Clock::now() + time;
  do {
    if (auto done = measure_raw(*raw, payload, *to_bare); !done) {
      return tl::unexpected(std::move(done).error());
    }
    if (auto done = measure_ours(rig.operator_link(), payload, *to_ours); !done) {
      return tl::unexpected(std::move(done).error());
    }
    if (auto done = measure_disk(*disk, synchronised); !done) {
      return tl::unexpected(std::move(done).error());
    }
    to_ours = &ours;
    to_bare = &bare;
  } while (Clock::now() < end || ours.count() == 0);
  return std::vector<Figure>{
      figure("rtt accepted ACK p50", ours, bare, 0.5, {BarKind::ratio_at_most, kBarP50}),
      figure("rtt accepted ACK p99", ours, bare, 0.99, {BarKind::ratio_at_most, kBarP99}),
      {.name = "accepted and on disk p50",
       .unit = "us",
       .ours = microseconds(ours.percentile(0.5)),
       .peer_name = "2.5 requests + fdatasync",
       .peer = kRequestsAllowed * microseconds(bare.percentile(0.5)) +
               microseconds(synchronised.percentile(0.5)),
       .bar = {BarKind::ratio_at_most, 1}},
      {.name = "fdatasync of 4 KiB p50",
       .unit = "us",
       .ours = microseconds(synchronised.percentile(0.5))}};
}

}  // namespace steward::bench
