#pragma once

#include "handlers/runtime/options.hpp"
#include "subjects/wire/target.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace steward::station {

// How a syslog server is believed, and how it believes us. Files in PEM.
struct TlsSettings {
  std::string roots;        // who signs the server's certificate; empty: whom this machine believes
  std::string certificate;  // ours, with those between it and its root; empty: we show none
  std::string key;
  std::string name;  // that its certificate has to have
};

struct SyslogServer {
  std::string host;
  std::string port;
  std::optional<TlsSettings> tls;  // none: plain TCP

  std::string address() const { return host + ":" + port; }
};

// How a line is written to a file.
enum class LineForm { raw, rfc5424 };

struct LogFolder {
  std::filesystem::path folder;
  std::uint64_t bytes = 0;  // of a file, until the next one is begun
  int keep = 0;             // files that are full, of each unit and domain
  LineForm form = LineForm::raw;
};

// One place to which the stream LOGS is handed on: of `server` and `folder` there is one.
struct HandOnSettings {
  std::string name;
  std::optional<SyslogServer> server;
  std::optional<LogFolder> folder;
  wire::Target units = wire::Target::all();
  std::vector<std::string> domains;  // empty: all
  int severity = 7;                  // so severe ones, and worse
  bool from_end = false;             // at the very first start, only what comes from then on
};

// The tables [logs.NAME] of a configuration. What is wrong is rejected there.
std::vector<HandOnSettings> read_hand_ons(runtime::Options section);

}  // namespace steward::station
