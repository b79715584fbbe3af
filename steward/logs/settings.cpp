#include "steward/logs/settings.hpp"

#include "subjects/wire/names.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

constexpr std::int64_t kUsualFile = std::int64_t{64} * 1024 * 1024;
constexpr std::int64_t kLeastFile = 4'096;
constexpr std::int64_t kLargestFile = std::int64_t{1} << 40;
constexpr std::int64_t kUsualKeep = 10;
constexpr std::int64_t kMostKeep = 100'000;

// "host:port", "[::1]:6514".
std::optional<std::pair<std::string, std::string>> split_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    return std::nullopt;
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  return std::pair(std::move(host), text.substr(colon + 1));
}

std::optional<TlsSettings> read_tls(runtime::Options& table, const std::string& host) {
  const bool wanted = table.boolean("tls", false);
  TlsSettings tls{table.text("tls_roots"),
                  table.text("tls_certificate"),
                  table.text("tls_key"),
                  table.text("tls_name", host)};
  for (const auto* key : {"tls_roots", "tls_certificate", "tls_key", "tls_name"}) {
    if (!wanted && table.has(key)) {
      table.reject(key, "only with tls = true");
    }
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    table.reject("tls", "tls_certificate and tls_key go together");
  }
  return wanted ? std::optional(std::move(tls)) : std::nullopt;
}

void read_server(runtime::Options& table, HandOnSettings& settings) {
  const auto text = table.text("syslog");
  const auto address = split_address(text);
  if (!address) {
    if (!text.empty()) {
      table.reject("syslog", "an address and its port: syslog.example:6514");
    }
    return;
  }
  settings.server = SyslogServer{address->first, address->second, read_tls(table, address->first)};
}

void read_folder(runtime::Options& table, HandOnSettings& settings) {
  const std::filesystem::path folder = table.text("folder");
  if (folder.empty()) {
    return;
  }
  if (folder.is_relative()) {
    table.reject("folder", "an absolute path");
  }
  settings.folder = LogFolder{
      folder,
      static_cast<std::uint64_t>(table.integer("file_bytes", kUsualFile, kLeastFile, kLargestFile)),
      static_cast<int>(table.integer("keep", kUsualKeep, 0, kMostKeep)),
      table.choice("form", {"raw", "rfc5424"}, 0) == 0 ? LineForm::raw : LineForm::rfc5424};
}

void read_choice(runtime::Options& table, HandOnSettings& settings) {
  if (const auto units = table.text("units"); !units.empty()) {
    if (auto target = wire::Target::parse(units)) {
      settings.units = *std::move(target);
    } else {
      table.reject("units", target.error().message);
    }
  }
  settings.domains = table.texts("domains");
  for (const auto& domain : settings.domains) {
    if (const auto token = wire::Token::parse(domain); !token) {
      table.reject("domains", token.error().message);
    }
  }
  settings.severity = static_cast<int>(
      table.choice("severity",
                   {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"},
                   wire::kSeverities.size() - 1));
  settings.from_end = table.choice("start", {"begin", "end"}, 0) == 1;
}

}  // namespace

std::vector<HandOnSettings> read_hand_ons(runtime::Options section) {
  std::vector<HandOnSettings> all;
  for (const auto& name : section.sections()) {
    auto table = section.section(name);
    HandOnSettings settings;
    settings.name = name;
    if (const auto token = wire::Token::parse(name); !token) {
      section.reject(name, token.error().message);
    }
    read_server(table, settings);
    read_folder(table, settings);
    read_choice(table, settings);
    if (table.has("syslog") == table.has("folder")) {
      section.reject(name, "either syslog (an address) or folder (for files)");
    }
    all.push_back(std::move(settings));
  }
  return all;
}

}  // namespace steward::station
