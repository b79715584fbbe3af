#pragma once

#include "handlers/metrics/collector.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::metrics {

using Made = std::unique_ptr<Collector>;

// All of them, in the order of their series.
std::vector<Made> make_collectors(const Roots& roots, const Filters& filters);

// One file, one parser.
Made one_file(std::string_view name,
              std::string path,
              std::function<Result<void>(std::string_view, Samples&)> parse);

Made make_loadavg(const Roots& roots);
Made make_stat(const Roots& roots);
Made make_meminfo(const Roots& roots);
Made make_vmstat(const Roots& roots);
Made make_diskstats(const Roots& roots, const Filters& filters);
Made make_netdev(const Filters& filters);
Made make_netstat(const Roots& roots);
Made make_sockstat(const Roots& roots);
Made make_softnet(const Roots& roots);
Made make_udp_queues(const Roots& roots);
Made make_arp(const Roots& roots);
Made make_conntrack(const Roots& roots);
Made make_pressure(const Roots& roots);
Made make_filefd(const Roots& roots);
Made make_entropy(const Roots& roots);
Made make_uname();
Made make_time();
Made make_timex();
Made make_filesystem(const Roots& roots, const Filters& filters);
Made make_cpufreq(const Roots& roots);
Made make_thermal(const Roots& roots);
Made make_hwmon(const Roots& roots);
Made make_edac(const Roots& roots);
Made make_daemons(const Roots& roots);
Made make_checks(const Roots& roots);
Made make_textfile(const Roots& roots);

// The pure half: a file's text in, samples out. All take any bytes; errors: bad_payload, where the
// text is not what such a file holds.
[[nodiscard]] Result<void> parse_loadavg(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_stat(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_meminfo(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_vmstat(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_diskstats(std::string_view text,
                                           const Filters& filters,
                                           Samples& out);
// An answer of the kernel to RTM_GETLINK: netlink messages, not text.
[[nodiscard]] Result<void> parse_links(std::string_view messages,
                                       const Filters& filters,
                                       Samples& out);
// net/snmp and net/netstat: lines in pairs, names and values.
[[nodiscard]] Result<void> parse_netstat(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_snmp6(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_sockstat(std::string_view text,
                                          std::int64_t page_bytes,
                                          Samples& out);
[[nodiscard]] Result<void> parse_softnet(std::string_view text, Samples& out);
// `ip`: "v4" or "v6".
[[nodiscard]] Result<void> parse_udp_queues(std::string_view text,
                                            std::string_view ip,
                                            Samples& out);
[[nodiscard]] Result<void> parse_arp(std::string_view text, Samples& out);
[[nodiscard]] Result<void> parse_conntrack_stat(std::string_view text, Samples& out);
// `of`: "cpu", "io" or "memory".
[[nodiscard]] Result<void> parse_pressure(std::string_view text, std::string_view of, Samples& out);
[[nodiscard]] Result<void> parse_filefd(std::string_view text, Samples& out);

// One mounted file system.
struct Mount {
  std::string device;
  std::string mountpoint;
  std::string fstype;

  bool operator==(const Mount&) const = default;
};

// self/mounts, without what the filters leave out; each (device, mountpoint, fstype) once.
[[nodiscard]] Result<std::vector<Mount>> parse_mounts(std::string_view text,
                                                      const Filters& filters);

// What the kernel says of a process in its `stat`.
struct ProcessStat {
  std::string_view name;
  std::int64_t parent = 0;
  std::int64_t ticks = 0;  // of processor, with that of the children it has waited for
  std::int64_t pages = 0;  // of memory
};

// Errors: bad_payload.
[[nodiscard]] Result<ProcessStat> parse_process(std::string_view text);

// The number that a file of /sys holds. Errors: bad_payload.
[[nodiscard]] Result<std::int64_t> parse_number(std::string_view text);

}  // namespace steward::handlers::metrics
