#include "handlers/facts/sources/source.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <climits>

namespace steward::handlers::facts {
namespace {

// As a shell reads it: a value may stand in quotes, with backslashes.
std::string unquoted(std::string_view text) {
  text = trimmed(text);
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      out += text[++i];
    } else {
      out += c;
    }
  }
  return out;
}

// Europe/Oslo of /etc/localtime -> /usr/share/zoneinfo/Europe/Oslo
std::string time_zone(const Root& root) {
  std::array<char, PATH_MAX> buffer{};
  const auto size = ::readlink((root + "/etc/localtime").c_str(), buffer.data(), buffer.size());
  if (size > 0) {
    const std::string_view link(buffer.data(), static_cast<std::size_t>(size));
    constexpr std::string_view kBelow = "/zoneinfo/";
    if (const auto at = link.find(kBelow); at != std::string_view::npos) {
      return std::string(link.substr(at + kBelow.size()));
    }
  }
  return read_line(root + "/etc/timezone");
}

}  // namespace

void parse_os_release(std::string_view text, wire::Facts& facts) {
  each_line(text, [&facts](std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with('#')) {
      return;
    }
    const auto name = trimmed(line.substr(0, equals));
    const auto value = unquoted(line.substr(equals + 1));
    if (name == "ID") {
      put(facts, "os", value);
    } else if (name == "VERSION_ID") {
      put(facts, "os.version", value);
    } else if (name == "VERSION_CODENAME") {
      put(facts, "os.codename", value);
    } else if (name == "PRETTY_NAME") {
      put(facts, "os.name", value);
    } else if (name == "ID_LIKE") {
      put(facts, "os.like", value);
    }
  });
}

void add_os(const Root& root, wire::Facts& facts) {
  auto release = read_file(root + "/etc/os-release");
  if (release.empty()) {
    release = read_file(root + "/usr/lib/os-release");
  }
  parse_os_release(release, facts);
  put(facts, "os.debian", read_line(root + "/etc/debian_version"));
  utsname names{};
  if (::uname(&names) == 0) {
    put(facts, "hostname", std::string_view(names.nodename));
    put(facts, "kernel", std::string_view(names.release));
    put(facts, "arch", std::string_view(names.machine));
  }
  put(facts, "machine_id", read_line(root + "/etc/machine-id"));
  put(facts, "timezone", time_zone(root));
  put(facts,
      "init",
      exists(root + "/run/systemd/system") ? "systemd" : read_line(root + "/proc/1/comm"));
  put_flag(facts,
           "reboot_required",
           exists(root + "/run/reboot-required") || exists(root + "/var/run/reboot-required"));
}

}  // namespace steward::handlers::facts
