#include "subjects/bus/interest.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace steward::bus {
namespace {

using std::string_view_literals::operator""sv;

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

// nats://host, tls://login@host:4222, 10.0.0.1:4222, nats://[::1]:4222
bool is_address(std::string_view text) {
  for (const auto scheme : {"nats://"sv, "tls://"sv}) {
    if (text.starts_with(scheme)) {
      text.remove_prefix(scheme.size());
      break;
    }
  }
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    text.remove_prefix(at + 1);
  }
  const bool is_bracketed = text.starts_with('[');
  const auto host_end = is_bracketed ? text.find(']') : text.find(':');
  const auto host = text.substr(0, host_end);
  const bool good_host =
      host.size() > (is_bracketed ? 1 : 0) &&
      std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
  if (!good_host || (is_bracketed && host_end == std::string_view::npos)) {
    return false;
  }
  const auto rest =
      host_end == std::string_view::npos ? ""sv : text.substr(host_end + (is_bracketed ? 1 : 0));
  return rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
}

}  // namespace

Result<void> check(const NatsOptions& options) {
  if (options.servers.empty()) {
    return failure(ErrorCode::bad_config, "no broker's address is given: write nats://HOST:PORT");
  }
  for (const auto& server : options.servers) {
    if (!is_address(server)) {
      return failure(ErrorCode::bad_config,
                     "'" + server + "' is not a broker's address: write nats://HOST:PORT");
    }
  }
  std::vector<std::string> files{options.credentials_file, options.tls.ca};
  if (!options.tls.own) {
    files.insert(files.end(), {options.tls.certificate, options.tls.key});
  }
  for (const auto& file : files) {
    if (!file.empty() && access(file.c_str(), R_OK) != 0) {
      return failure(ErrorCode::bad_config, system_error(errno, "read " + file).message);
    }
  }
  if (options.tls.certificate.empty() != options.tls.key.empty()) {
    return failure(ErrorCode::bad_config, "a certificate's file and its key's go together");
  }
  const int logins = (options.user.empty() ? 0 : 1) + (options.token.empty() ? 0 : 1) +
                     (options.credentials_file.empty() ? 0 : 1);
  if (logins > 1) {
    return failure(ErrorCode::bad_config,
                   "log in by a user, by a token or by a file of credentials, not by two of them");
  }
  if (!is_subject(options.inbox_prefix)) {
    return failure(ErrorCode::bad_config, "the prefix of inboxes is not a subject");
  }
  if (options.first_backoff <= options.first_backoff.zero() ||
      options.longest_backoff < options.first_backoff ||
      options.ping_interval <= options.ping_interval.zero()) {
    return failure(ErrorCode::bad_config, "backoff and ping interval must be longer than nothing");
  }
  return {};
}

}  // namespace steward::bus
