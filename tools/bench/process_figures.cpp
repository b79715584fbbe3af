#include "tools/bench/process_figures.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace steward::bench {

namespace {

std::string path_of(pid_t pid, std::string_view file) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return tl::unexpected(system_error(errno, "read " + path));
  }
  return text.str();
}

Result<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) {
    return failure(ErrorCode::bad_payload, "no number: " + std::string(text));
  }
  return value;
}

Result<std::int64_t> status_field(pid_t pid, std::string_view name) {
  STEWARD_TRY(const std::string text, read_file(path_of(pid, "status")));
  return parse_field(text, name);
}

constexpr std::int64_t kKilobyte = 1024;

}  // namespace

Result<std::int64_t> parse_field(std::string_view text, std::string_view name) {
  const std::string start = std::string(name) + ":";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.substr(0, start.size()) == start) {
      const std::size_t digits = line.find_first_not_of(" \t", start.size());
      return parse_number(line.substr(std::min(digits, line.size())));
    }
    at = end + 1;
  }
  return failure(ErrorCode::bad_payload, "no line " + start);
}

Result<Memory> parse_memory(std::string_view smaps_rollup) {
  STEWARD_TRY(const std::int64_t resident, parse_field(smaps_rollup, "Rss"));
  STEWARD_TRY(const std::int64_t proportional, parse_field(smaps_rollup, "Pss"));
  STEWARD_TRY(const std::int64_t anonymous, parse_field(smaps_rollup, "Anonymous"));
  return Memory{resident * kKilobyte, proportional * kKilobyte, anonymous * kKilobyte};
}

Result<Memory> memory_of(pid_t pid) {
  STEWARD_TRY(const std::string text, read_file(path_of(pid, "smaps_rollup")));
  return parse_memory(text);
}

Result<std::int64_t> threads_of(pid_t pid) { return status_field(pid, "Threads"); }

Result<std::chrono::nanoseconds> cpu_time_of(pid_t pid) {
  std::chrono::nanoseconds sum{0};
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(path_of(pid, "task"), error)) {
    // A thread that ends meanwhile takes its account with it: the agent's live as long as itself.
    const auto text = read_file((task.path() / "schedstat").string());
    if (text) {
      STEWARD_TRY(const std::int64_t nanoseconds, parse_number(*text));
      sum += std::chrono::nanoseconds(nanoseconds);
    }
  }
  if (error) {
    return tl::unexpected(system_error(error.value(), "read " + path_of(pid, "task")));
  }
  return sum;
}

Result<void> start_peak(pid_t pid) {
  // 5 sets VmHWM back to the present size (proc_pid_clear_refs).
  std::ofstream file(path_of(pid, "clear_refs"));
  file << "5" << std::flush;
  if (!file) {
    return tl::unexpected(system_error(errno, "write " + path_of(pid, "clear_refs")));
  }
  return {};
}

Result<std::int64_t> peak_resident_of(pid_t pid) {
  STEWARD_TRY(const std::int64_t kilobytes, status_field(pid, "VmHWM"));
  return kilobytes * kKilobyte;
}

}  // namespace steward::bench
