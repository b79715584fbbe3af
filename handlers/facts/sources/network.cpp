#include "handlers/facts/sources/source.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <array>
#include <charconv>
#include <memory>

namespace steward::handlers::facts {
namespace {

// Interfaces that come and go with containers say nothing of what the machine is.
bool is_passing(std::string_view name) { return name == "lo" || name.starts_with("veth"); }

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = trimmed(line)).empty()) {
    const auto end = line.find_first_of(" \t");
    words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end);
  }
  return words;
}

std::uint32_t hex_of(std::string_view text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return number;
}

std::string path_of(std::string_view interface) {
  auto path = "net." + std::string(interface);
  return wire::is_fact_path(path) ? path : std::string();
}

void add_interfaces(const Root& root, wire::Facts& facts) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return;
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  for (const auto* one = list; one != nullptr; one = one->ifa_next) {
    const std::string path = is_passing(one->ifa_name) ? std::string() : path_of(one->ifa_name);
    if (path.empty() || one->ifa_addr == nullptr) {
      continue;
    }
    if (one->ifa_addr->sa_family == AF_PACKET) {
      const auto mac = read_line(root + "/sys/class/net/" + one->ifa_name + "/address");
      put(facts, path + ".mac", mac == "00:00:00:00:00:00" ? std::string() : mac);
    } else if (one->ifa_addr->sa_family == AF_INET) {
      std::array<char, INET_ADDRSTRLEN> text{};
      const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
      put_more(facts, path + ".ip", text.data());
      // The address that others know the machine by, as a rule.
      const auto way_out = facts.find("gateway.interface");
      if (way_out != facts.end() && way_out->second == wire::fact_text(one->ifa_name) &&
          facts.find("ip") == facts.end()) {
        put(facts, "ip", std::string_view(text.data()));
      }
    }
  }
}

}  // namespace

void parse_route(std::string_view text, wire::Facts& facts) {
  constexpr std::uint32_t kGateway = 2;
  std::optional<std::uint32_t> best;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 8 || words[1] != "00000000" || words[7] != "00000000" ||
        (hex_of(words[3]) & kGateway) == 0) {
      return;
    }
    std::uint32_t metric = 0;
    std::from_chars(words[6].data(), words[6].data() + words[6].size(), metric);
    if (best && *best <= metric) {
      return;
    }
    best = metric;
    const in_addr address{hex_of(words[2])};
    std::array<char, INET_ADDRSTRLEN> gateway{};
    ::inet_ntop(AF_INET, &address, gateway.data(), gateway.size());
    put(facts, "gateway", std::string_view(gateway.data()));
    put(facts, "gateway.interface", words[0]);
  });
}

// Of addresses that last: neither link-local nor temporary ones, which change by themselves.
void parse_inet6(std::string_view text, wire::Facts& facts) {
  constexpr std::uint32_t kTemporary = 1;
  each_line(text, [&facts](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() != 6 || words[0].size() != 32 || words[3] != "00" ||
        (hex_of(words[4]) & kTemporary) != 0 || is_passing(words[5])) {
      return;
    }
    in6_addr address{};
    for (std::size_t i = 0; i < sizeof address.s6_addr; ++i) {
      address.s6_addr[i] = static_cast<std::uint8_t>(hex_of(words[0].substr(2 * i, 2)));
    }
    std::array<char, INET6_ADDRSTRLEN> shown{};
    ::inet_ntop(AF_INET6, &address, shown.data(), shown.size());
    if (const auto path = path_of(words[5]); !path.empty()) {
      put_more(facts, path + ".ip6", shown.data());
    }
  });
}

void parse_resolv(std::string_view text, wire::Facts& facts) {
  each_line(text, [&facts](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() >= 2 && words[0] == "nameserver") {
      put_more(facts, "dns", words[1]);
    }
  });
}

void add_network(const Root& root, wire::Facts& facts) {
  parse_route(read_file(root + "/proc/net/route"), facts);
  parse_inet6(read_file(root + "/proc/net/if_inet6"), facts);
  parse_resolv(read_file(root + "/etc/resolv.conf"), facts);
  add_interfaces(root, facts);
}

}  // namespace steward::handlers::facts
