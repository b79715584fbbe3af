#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace steward::handlers::metrics {
namespace {

constexpr std::array<std::string_view, 7> kTcp{
    "ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab"};
constexpr std::array<std::string_view, 5> kUdp{
    "InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors"};
constexpr std::array<std::string_view, 2> kIcmp{"InMsgs", "OutMsgs"};
constexpr std::array<std::string_view, 2> kOctets{"InOctets", "OutOctets"};
constexpr std::array<std::string_view, 2> kErrors{"InErrors", "InErrs"};

bool in(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Of a few hundred counters those that say something, as prometheus-node-exporter chooses.
bool wanted_counter(std::string_view protocol, std::string_view name) {
  if (in(kErrors, name)) {
    return true;
  }
  if (protocol == "Tcp") {
    return in(kTcp, name);
  }
  if (protocol == "TcpExt") {
    return name.starts_with("Listen") || name.starts_with("Syncookies") ||
           name == "TCPSynRetrans" || name == "TCPTimeouts";
  }
  if (protocol == "Udp" || protocol == "Udp6") {
    return in(kUdp, name);
  }
  if (protocol == "Icmp" || protocol == "Icmp6") {
    return in(kIcmp, name);
  }
  if (protocol == "Ip6" || protocol == "IpExt") {
    return in(kOctets, name);
  }
  return protocol == "Ip" && name == "Forwarding";
}

class NetStat final : public Collector {
 public:
  explicit NetStat(const Roots& roots)
      : snmp_(roots.proc + "/net/snmp"),
        netstat_(roots.proc + "/net/netstat"),
        snmp6_(roots.proc + "/net/snmp6") {}

  std::string_view name() const override { return "netstat"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    for (ProcFile* file : {&snmp_, &netstat_}) {
      STEWARD_TRY(const auto text, file->read(buffer));
      if (auto parsed = parse_netstat(text, out); !parsed) {
        return parsed;
      }
    }
    const auto text = snmp6_.read(buffer);  // not there where IPv6 is off
    return text ? parse_snmp6(*text, out) : Result<void>();
  }

 private:
  ProcFile snmp_, netstat_, snmp6_;
};

}  // namespace

Result<void> parse_netstat(std::string_view text, Samples& out) {
  while (!text.empty()) {
    auto names = next_line(text);
    auto values = next_line(text);
    auto protocol = next_word(names);
    if (protocol.empty() || protocol.back() != ':' || next_word(values) != protocol) {
      return failure(ErrorCode::bad_payload, "netstat: lines that are no pair");
    }
    protocol.remove_suffix(1);
    for (auto name = next_word(names); !name.empty(); name = next_word(names)) {
      const auto value = next_word(values);
      if (!wanted_counter(protocol, name)) {
        continue;
      }
      const auto number = whole(value);
      if (!number) {
        return failure(ErrorCode::bad_payload, "netstat: not a number: " + std::string(name));
      }
      out.untyped(Name("node_netstat_", protocol, "_", name), {}, *number);
    }
  }
  return {};
}

// "Udp6InDatagrams   12": the protocol ends at its 6.
Result<void> parse_snmp6(std::string_view text, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    const auto word = next_word(line);
    const auto six = word.find('6');
    if (six == std::string_view::npos) {
      continue;
    }
    const auto protocol = word.substr(0, six + 1);
    const auto name = word.substr(six + 1);
    if (!wanted_counter(protocol, name)) {
      continue;
    }
    const auto number = next_whole(line);
    if (!number) {
      return failure(ErrorCode::bad_payload, "snmp6: not a number: " + std::string(word));
    }
    out.untyped(Name("node_netstat_", protocol, "_", name), {}, *number);
  }
  return {};
}

Made make_netstat(const Roots& roots) { return std::make_unique<NetStat>(roots); }

}  // namespace steward::handlers::metrics
