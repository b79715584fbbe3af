#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <array>

namespace steward::handlers::metrics {
namespace {

constexpr Unit kSectors{512, 1};

struct Column {
  const char* name;
  Unit unit;
  bool counts = true;
};

// Behind the device's name; times are in milliseconds. Kernels before 4.18 have 11 of them, those
// before 5.5 15.
constexpr std::array<Column, 17> kDiskColumns{{
    {"node_disk_reads_completed_total", kOne},
    {"node_disk_reads_merged_total", kOne},
    {"node_disk_read_bytes_total", kSectors},
    {"node_disk_read_time_seconds_total", kMilli},
    {"node_disk_writes_completed_total", kOne},
    {"node_disk_writes_merged_total", kOne},
    {"node_disk_written_bytes_total", kSectors},
    {"node_disk_write_time_seconds_total", kMilli},
    {"node_disk_io_now", kOne, false},
    {"node_disk_io_time_seconds_total", kMilli},
    {"node_disk_io_time_weighted_seconds_total", kMilli},
    {"node_disk_discards_completed_total", kOne},
    {"node_disk_discards_merged_total", kOne},
    {"node_disk_discarded_sectors_total", kOne},
    {"node_disk_discard_time_seconds_total", kMilli},
    {"node_disk_flush_requests_total", kOne},
    {"node_disk_flush_requests_time_seconds_total", kMilli},
}};

constexpr std::size_t kFewestColumns = 11;

bool digits_only(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A partition, of which the disk's own figures tell: sda1, nvme0n1p2.
bool is_partition(std::string_view device) {
  const auto number = device.find_last_not_of("0123456789") + 1;
  const auto base = device.substr(0, number);
  if (number == device.size()) {
    return false;
  }
  if (device.starts_with("nvme")) {
    const auto n = base.find('n', 4);
    return n != std::string_view::npos && base.size() > n + 2 && base.back() == 'p' &&
           digits_only(base.substr(4, n - 4)) &&
           digits_only(base.substr(n + 1, base.size() - n - 2));
  }
  for (const std::string_view prefix : {"hd", "sd", "vd", "xvd"}) {
    if (base.starts_with(prefix) && base.size() == prefix.size() + 1) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<void> parse_diskstats(std::string_view text, const Filters& filters, Samples& out) {
  std::string name;
  while (!text.empty()) {
    auto line = next_line(text);
    next_word(line);  // major and minor number
    next_word(line);
    const auto device = next_word(line);
    if (device.empty() || is_partition(device)) {
      continue;
    }
    name.assign(device);
    if (matches_any(filters.disks, name)) {
      continue;
    }
    for (std::size_t i = 0; i < kDiskColumns.size(); ++i) {
      const auto word = next_word(line);
      if (word.empty() && i >= kFewestColumns) {
        break;
      }
      const auto number = whole(word);
      if (!number) {
        return failure(ErrorCode::bad_payload, "diskstats: not a number at " + name);
      }
      const auto& column = kDiskColumns[i];
      column.counts ? out.counter(column.name, {{"device", device}}, *number, column.unit)
                    : out.gauge(column.name, {{"device", device}}, *number, column.unit);
    }
  }
  return {};
}

Made make_diskstats(const Roots& roots, const Filters& filters) {
  return one_file(
      "diskstats", roots.proc + "/diskstats", [filters](std::string_view text, Samples& out) {
        return parse_diskstats(text, filters, out);
      });
}

}  // namespace steward::handlers::metrics
