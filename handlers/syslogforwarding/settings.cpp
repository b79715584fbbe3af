#include "handlers/syslogforwarding/settings.hpp"

#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kFile = "settings.json";
constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kGibi = kKibi * kKibi * kKibi;

// Names that rotation gives: what they hold was read under the name before.
const std::vector<std::string> kRotated = {
    "*.gz", "*.xz", "*.zst", "*.bz2", "*.[0-9]", "*.[0-9][0-9]", "*-20[0-9][0-9]*", "*.old"};

std::size_t bytes(runtime::Options& options,
                  std::string_view key,
                  std::size_t fallback,
                  std::int64_t low,
                  std::int64_t high) {
  return static_cast<std::size_t>(
      options.integer(key, static_cast<std::int64_t>(fallback), low, high));
}

Result<void> write_whole(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return tl::unexpected(system_error(errno, "create " + path));
  }
  const auto written = ::write(file, text.data(), text.size());
  int error = written == static_cast<ssize_t>(text.size()) ? 0 : written < 0 ? errno : ENOSPC;
  if (error == 0 && ::fsync(file) != 0) {
    error = errno;
  }
  ::close(file);
  return error == 0 ? Result<void>() : tl::unexpected(system_error(error, "write " + path));
}

}  // namespace

Settings read_options(runtime::Options options) {
  Settings settings;
  settings.files = options.texts("files");
  settings.exclude = options.has("exclude") ? options.texts("exclude") : kRotated;
  settings.from_end = options.choice("start", {"begin", "end"}, 0) == 1;
  settings.unix_sockets = options.texts("unix");
  settings.udp = options.texts("udp");
  settings.tcp = options.texts("tcp");
  settings.tls = options.texts("tls");
  settings.tls_files = {
      options.text("tls_certificate"), options.text("tls_key"), options.text("tls_clients")};
  settings.journal = options.boolean("journal", false);
  settings.journal_dir = options.text("journal_dir");
  settings.kernel = options.text("kernel");
  settings.line_bytes = bytes(options, "line_bytes", settings.line_bytes, 256, 256 * kKibi);
  settings.batch_bytes = bytes(options, "batch_bytes", settings.batch_bytes, kKibi, 384 * kKibi);
  settings.batch_time =
      options.milliseconds("batch_ms", settings.batch_time, milliseconds(1), milliseconds(60'000));
  settings.spool_bytes =
      bytes(options, "spool_bytes", settings.spool_bytes, kKibi * kKibi, 1024 * kGibi);
  settings.rotate_time = options.milliseconds(
      "rotate_ms", settings.rotate_time, milliseconds(0), milliseconds(600'000));
  settings.rate = static_cast<double>(options.integer("rate", 0, 0, 1'000'000'000));
  if (options.has("first_line")) {
    auto pattern = wire::Pattern::compile(options.text("first_line"));
    if (pattern) {
      settings.first_line = *std::move(pattern);
    } else {
      options.reject("first_line", pattern.error().message);
    }
  }
  for (const auto& text : options.texts("routes")) {
    auto route = parse_route(text);
    if (route) {
      settings.routes.push_back(*std::move(route));
    } else {
      options.reject("routes", route.error().message);
    }
  }
  auto filter = Condition::parse(options.text("filter"));
  if (filter) {
    settings.filter = *std::move(filter);
  } else {
    options.reject("filter", filter.error().message);
  }
  return settings;
}

Result<Settings> load_settings(const fs::path& folder, Settings below) {
  std::ifstream file(folder / kFile);
  if (!file) {
    return below;
  }
  std::ostringstream text;
  text << file.rdbuf();
  STEWARD_TRY(const auto object, wire::parse_json(text.str()));
  wire::Fields fields(object);
  below.running = fields.boolean("running", below.running);
  const auto filter = fields.text("filter", below.filter.text());
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  STEWARD_TRY(below.filter, Condition::parse(filter));
  return below;
}

Result<void> save_settings(const fs::path& folder, const Settings& settings) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return tl::unexpected(system_error(error.value(), "make " + folder.string()));
  }
  const auto path = (folder / kFile).string();
  const auto text =
      wire::dump_json({{"running", settings.running}, {"filter", settings.filter.text()}});
  if (auto written = write_whole(path + ".new", text); !written) {
    return written;
  }
  if (std::rename((path + ".new").c_str(), path.c_str()) != 0) {
    return tl::unexpected(system_error(errno, "put " + path + " in place"));
  }
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);  // the name, too
    ::close(directory);
  }
  return {};
}

}  // namespace steward::handlers::syslogforwarding
