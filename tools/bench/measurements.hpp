#pragma once

#include "subjects/wire/error.hpp"
#include "tools/bench/report.hpp"
#include "tools/bench/rig.hpp"

#include <chrono>
#include <vector>

namespace steward::bench {

// Each measures one promise on a running rig for about that long. Errors: those of the rig's
// programs, and timed_out when an ACK does not come.

// Command published to accepted ACK seen, which says that it is on the unit's disk, beside the bare
// request and reply of nats.c and the bare synchronisation of a block.
[[nodiscard]] Result<std::vector<Figure>> measure_rtt(Rig& rig, std::chrono::seconds time);

// /bin/true per second through one unit, ACKed and in the station's table, beside a bare spawn
// loop; and the unit's own time from accepted to running.
[[nodiscard]] Result<std::vector<Figure>> measure_commands(Rig& rig, std::chrono::seconds time);

// What an idle agent takes of the machine.
[[nodiscard]] Result<std::vector<Figure>> measure_footprint(Rig& rig, std::chrono::seconds time);

// How fast a child's output is drained, and how far the agent grows by it. Takes as long as 4 GB
// take.
[[nodiscard]] Result<std::vector<Figure>> measure_drain(Rig& rig);

// How fast a unit that was away is through the commands that wait for it. Starts the agent anew.
[[nodiscard]] Result<std::vector<Figure>> measure_returning(Rig& rig);

// What a round of metrics costs a unit, and how many bytes it is, beside a scrape of
// prometheus-node-exporter (if that is installed). Leaves the unit with another interval.
[[nodiscard]] Result<std::vector<Figure>> measure_metrics(Rig& rig, std::chrono::seconds time);

// Lines a second and by CPU-second from a file, by TCP and as datagrams, beside rsyslogd (if that
// is installed); size, latency, and what waiting for lines costs. Leaves the unit with another
// configuration.
[[nodiscard]] Result<std::vector<Figure>> measure_logs(Rig& rig, std::chrono::seconds time);

// Daemons started, ended and started again, and what keeping them takes, beside runit and
// supervisor (those that are installed).
[[nodiscard]] Result<std::vector<Figure>> measure_daemons(Rig& rig);

// A thousand units that measure themselves each second: what that costs the station, and how long
// its page for Prometheus takes.
[[nodiscard]] Result<std::vector<Figure>> measure_fleet_metrics(Rig& rig,
                                                                std::chrono::seconds time);

// What signing and checking add to a command and its ACK, beside the same without; and how long it
// takes to let a thousand units in by files, one after the other on this one machine.
[[nodiscard]] Result<std::vector<Figure>> measure_trust(Rig& rig);

// How long `stewardctl revoke` takes to bring revocations that stand in a cluster's files to
// broker, station and units of a demo of its own.
[[nodiscard]] Result<std::vector<Figure>> measure_revocations(Rig& rig);

// What a look for updates takes of a processor, beside apt's own simulation on this machine (if it
// has apt): it changes nothing there. Leaves the unit with another configuration.
[[nodiscard]] Result<std::vector<Figure>> measure_updates(Rig& rig);

// What the agent adds to an apply of many updates, beside apt-get upgrade alone, and how fast its
// progress is seen: on two systems of their own (where the sources lie beside, and apt-utils is
// installed). Leaves the unit with another configuration. Some two minutes.
[[nodiscard]] Result<std::vector<Figure>> measure_apply(Rig& rig);

// A station.db with a million finished commands: how long units, jobs and failures take to answer,
// and how long the station is away over a restart. Takes minutes to fill; ends the rig's station.
[[nodiscard]] Result<std::vector<Figure>> measure_station_scale(Rig& rig);

}  // namespace steward::bench
