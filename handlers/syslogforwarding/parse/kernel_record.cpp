#include "handlers/syslogforwarding/parse/kernel_record.hpp"

#include <algorithm>
#include <charconv>

namespace steward::handlers::syslogforwarding {

namespace {

template <class Number>
bool take_number(std::string_view& text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() + text.size() || *end != ',') {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

std::string_view take_line(std::string_view& bytes) {
  const auto end = std::min(bytes.find('\n'), bytes.size());
  const auto line = bytes.substr(0, end);
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  return line;
}

}  // namespace

std::optional<KernelRecord> take_kernel_record(std::string_view& bytes) {
  auto line = take_line(bytes);
  while (!bytes.empty() && bytes.front() == ' ') {
    take_line(bytes);  // of which device, of which subsystem
  }
  KernelRecord record;
  unsigned priority = 0;
  const auto semicolon = line.find(';');
  if (semicolon == std::string_view::npos || !take_number(line, priority) ||
      !take_number(line, record.number) || !take_number(line, record.since_us)) {
    return std::nullopt;
  }
  constexpr unsigned kFacilities = 24;
  record.severity = static_cast<int>(priority & 7U);
  record.facility = static_cast<int>(std::min(priority >> 3U, kFacilities - 1));
  record.text = line.substr(line.find(';') + 1);
  return record;
}

}  // namespace steward::handlers::syslogforwarding
