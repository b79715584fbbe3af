#include "steward/broker.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace steward::station {
namespace {

// A message's payload may be 512 KiB; an answer holds a command's and a result.
constexpr std::uint64_t kMaxPayloadBytes = 2 * 1024 * 1024;
constexpr std::uint64_t kMemoryStoreBytes = 64 * 1024 * 1024;

// A JetStream that has filled its disk does not come back by itself: it must meet its own limit
// first.
constexpr std::uint64_t kShareOfSpace = 65;  // per cent

std::string quoted_for_broker(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
    }
    out += letter;
  }
  return out + "\"";
}

}  // namespace

std::vector<std::filesystem::path> nats_server_folders(std::string_view path_variable) {
  std::vector<std::filesystem::path> folders;
  while (!path_variable.empty()) {
    const auto end = std::min(path_variable.find(':'), path_variable.size());
    // An empty part means the current folder, from where nothing is started unasked.
    if (end > 0) {
      folders.emplace_back(path_variable.substr(0, end));
    }
    path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
  }
  folders.emplace_back("/usr/sbin");
  folders.emplace_back("/usr/local/sbin");
  return folders;
}

Result<std::filesystem::path> find_nats_server(const std::vector<std::filesystem::path>& folders) {
  for (const auto& folder : folders) {
    auto candidate = folder / "nats-server";
    std::error_code error;
    if (std::filesystem::is_regular_file(candidate, error) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return failure(ErrorCode::not_found,
                 "no nats-server was found in PATH or /usr/sbin. Install it (apt install "
                 "nats-server), or name a running broker with --broker nats://host:4222");
}

std::uint64_t store_limit(std::uint64_t free_bytes, std::uint64_t used_bytes) {
  return (free_bytes + used_bytes) / 100 * kShareOfSpace;
}

std::string nats_server_config(const BrokerConfig& config) {
  const std::string port = config.port ? std::to_string(*config.port) : "-1";
  return "# Written by steward at each start of its broker: changes are lost.\n"
         "server_name: " +
         quoted_for_broker(config.server_name) +
         "\n"
         "host: 127.0.0.1\n"
         "port: " +
         port +
         "\n"
         "ports_file_dir: " +
         quoted_for_broker(config.folder.string()) +
         "\n"
         "max_payload: " +
         std::to_string(kMaxPayloadBytes) +
         "\n"
         "logtime: false\n"
         "jetstream {\n"
         "  store_dir: " +
         quoted_for_broker((config.folder / "store").string()) +
         "\n"
         "  max_memory_store: " +
         std::to_string(kMemoryStoreBytes) +
         "\n"
         "  max_file_store: " +
         std::to_string(config.store_bytes) +
         "\n"
         "}\n" +
         config.logins;
}

std::optional<std::uint16_t> parse_ports_file(std::string_view text) {
  const auto ports = nlohmann::json::parse(text, nullptr, false);
  if (!ports.is_object()) {
    return std::nullopt;
  }
  const auto addresses = ports.find("nats");
  if (addresses == ports.end() || !addresses->is_array() || addresses->empty() ||
      !addresses->front().is_string()) {
    return std::nullopt;
  }
  const auto address = addresses->front().get<std::string>();
  const auto colon = address.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      std::from_chars(address.data() + colon + 1, address.data() + address.size(), port).ec !=
          std::errc()) {
    return std::nullopt;
  }
  return port;
}

}  // namespace steward::station
