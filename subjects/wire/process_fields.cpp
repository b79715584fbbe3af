#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::int64_t kMostBytes = std::int64_t{1} << 50;
constexpr std::int64_t kMostFiles = 1 << 20;
constexpr std::int64_t kMostProcesses = 1 << 22;
constexpr std::int64_t kMostCpu = 100'000;

}  // namespace

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

std::string read_c_text(Fields& fields, std::string_view name, std::string fallback) {
  std::string text = fields.text(name, std::move(fallback));
  if (has_nul(text)) {
    fields.fail(ErrorCode::bad_payload, name, "holds a NUL character");
  }
  return text;
}

std::string read_path(Fields& fields, std::string_view name, std::string fallback) {
  std::string path = read_c_text(fields, name, std::move(fallback));
  if (fields.has(name) && !path.starts_with('/')) {
    fields.fail(ErrorCode::bad_payload, name, "must be an absolute path");
  }
  return path;
}

std::vector<std::string> read_argv(Fields& fields, std::string_view name) {
  auto argv = fields.texts(name);
  if (fields.has(name) && (argv.empty() || argv.front().empty())) {
    fields.fail(ErrorCode::bad_payload, name, "must begin with the name of a program");
  }
  if (std::any_of(argv.begin(), argv.end(), &has_nul)) {
    fields.fail(ErrorCode::bad_payload, name, "holds a NUL character");
  }
  return argv;
}

std::map<std::string, std::string> read_env(Fields& fields) {
  auto env = fields.text_map("env");
  for (const auto& [name, value] : env) {
    if (name.empty() || has_nul(name) || has_nul(value) || name.find('=') != std::string::npos) {
      fields.fail(ErrorCode::bad_payload, "env", "a name is empty or has '=', or a NUL is in it");
    }
  }
  return env;
}

std::optional<std::int64_t> read_umask(Fields& fields) {
  if (!fields.has("umask")) {
    return std::nullopt;
  }
  const std::string text = fields.text("umask");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (text.empty() || text.size() > 4 || error != std::errc() || end != text.data() + text.size() ||
      value < 0 || value > 0777) {
    fields.fail(ErrorCode::bad_payload, "umask", "must be octal digits such as \"0022\"");
    return std::nullopt;
  }
  return value;
}

void read_limits(Fields& fields, ProcessLimits& limits) {
  // Zero stands for no limit; what comes out has none of them.
  const auto limit = [](Fields& inner, std::string_view name, std::int64_t low, std::int64_t high) {
    const auto value = inner.optional_integer(name, low, high);
    return value == 0 ? std::nullopt : value;
  };
  fields.object("limits", [&limits, &limit](Fields& inner) {
    limits.memory_bytes = limit(inner, "mem_bytes", 0, kMostBytes);
    limits.cpu_percent = limit(inner, "cpu_pct", 0, kMostCpu);
    limits.processes = limit(inner, "pids", 0, kMostProcesses);
    limits.io_weight = limit(inner, "io_weight", 0, 10'000);
    limits.nice = limit(inner, "nice", -20, 19);
    limits.open_files = limit(inner, "nofile", 0, kMostFiles);
    limits.file_bytes = limit(inner, "fsize_bytes", 0, kMostBytes);
  });
}

json limits_json(const ProcessLimits& limits) {
  json out = json::object();
  const auto put_limit = [&out](const char* name, const std::optional<std::int64_t>& value) {
    put(out, name, value.value_or(0), std::int64_t{0});
  };
  put_limit("mem_bytes", limits.memory_bytes);
  put_limit("cpu_pct", limits.cpu_percent);
  put_limit("pids", limits.processes);
  put_limit("io_weight", limits.io_weight);
  put_limit("nice", limits.nice);
  put_limit("nofile", limits.open_files);
  put_limit("fsize_bytes", limits.file_bytes);
  return out;
}

std::string octal(std::int64_t value) {
  char text[32];
  const int length =
      std::snprintf(text, sizeof text, "%04llo", static_cast<unsigned long long>(value));
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace steward::wire
