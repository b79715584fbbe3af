#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace steward::handlers::syslogforwarding {

// A record of /dev/kmsg: "6,339,5140900,-;text", and lines behind it that begin with a blank.
struct KernelRecord {
  int severity = 6;
  int facility = 0;
  std::uint64_t number = 0;   // counted by the kernel since the boot
  std::int64_t since_us = 0;  // the boot
  std::string_view text;
};

// Takes the first record off the front; none where it is no such record (it is taken off, too).
std::optional<KernelRecord> take_kernel_record(std::string_view& bytes);

}  // namespace steward::handlers::syslogforwarding
