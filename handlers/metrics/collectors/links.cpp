// The pure half of netdev: what the kernel answers to RTM_GETLINK.

#include "handlers/metrics/collectors/collectors.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

namespace steward::handlers::metrics {
namespace {

constexpr std::uint8_t kOperationalUp = 6;        // IF_OPER_UP of <linux/if.h>
constexpr std::uint32_t kDormantFlag = 1U << 17;  // IFF_DORMANT
// Flags that the kernel makes up as it answers; /sys does not have them.
constexpr std::uint32_t kMadeUp = IFF_RUNNING | (1U << 16) | kDormantFlag;

// Takes a fixed-size structure off bytes that are not aligned; a shorter one is filled with zeros.
template <class T>
T as(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

struct Link {
  ifinfomsg head{};
  std::string name;
  std::uint32_t link = 0, mtu = 0, queue = 0, group = 0;
  std::uint32_t changes = 0, ups = 0, downs = 0;
  std::uint8_t carrier = 0, operational = 0, mode = 0;
  bool has_stats = false;
  rtnl_link_stats64 stats{};
};

// Calls take(type, value) for each attribute; false where one does not fit.
template <class Take>
bool each_attribute(std::string_view bytes, const Take& take) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto head = as<rtattr>(bytes);
    if (head.rta_len < sizeof(rtattr) || head.rta_len > bytes.size()) {
      return false;
    }
    take(head.rta_type, bytes.substr(sizeof(rtattr), head.rta_len - sizeof(rtattr)));
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), RTA_ALIGN(head.rta_len)));
  }
  return true;
}

void take_attribute(Link& link, unsigned type, std::string_view value) {
  switch (type) {
    case IFLA_IFNAME:
      link.name = value.substr(0, value.find('\0'));
      break;
    case IFLA_LINK:
      link.link = as<std::uint32_t>(value);
      break;
    case IFLA_MTU:
      link.mtu = as<std::uint32_t>(value);
      break;
    case IFLA_TXQLEN:
      link.queue = as<std::uint32_t>(value);
      break;
    case IFLA_GROUP:
      link.group = as<std::uint32_t>(value);
      break;
    case IFLA_CARRIER:
      link.carrier = as<std::uint8_t>(value);
      break;
    case IFLA_OPERSTATE:
      link.operational = as<std::uint8_t>(value);
      break;
    case IFLA_LINKMODE:
      link.mode = as<std::uint8_t>(value);
      break;
    case IFLA_CARRIER_CHANGES:
      link.changes = as<std::uint32_t>(value);
      break;
    case IFLA_CARRIER_UP_COUNT:
      link.ups = as<std::uint32_t>(value);
      break;
    case IFLA_CARRIER_DOWN_COUNT:
      link.downs = as<std::uint32_t>(value);
      break;
    case IFLA_STATS64:
      link.has_stats = true;
      link.stats = as<rtnl_link_stats64>(value);
      break;
    default:
      break;
  }
}

void tell_class(const Link& link, Samples& out) {
  const Labels device{{"device", link.name}};
  if ((link.head.ifi_flags & IFF_UP) != 0) {  // else /sys knows neither
    out.gauge("node_network_carrier", device, link.carrier);
    out.gauge("node_network_dormant", device, (link.head.ifi_flags & kDormantFlag) != 0 ? 1 : 0);
  }
  out.counter("node_network_carrier_changes_total", device, link.changes);
  out.counter("node_network_carrier_down_changes_total", device, link.downs);
  out.counter("node_network_carrier_up_changes_total", device, link.ups);
  out.gauge("node_network_flags", device, link.head.ifi_flags & ~kMadeUp);
  out.gauge("node_network_iface_id", device, link.head.ifi_index);
  out.gauge("node_network_iface_link", device, link.link != 0 ? link.link : link.head.ifi_index);
  out.gauge("node_network_iface_link_mode", device, link.mode);
  out.gauge("node_network_mtu_bytes", device, link.mtu);
  out.gauge("node_network_net_dev_group", device, link.group);
  out.gauge("node_network_protocol_type", device, link.head.ifi_type);
  out.gauge("node_network_transmit_queue_length", device, link.queue);
  out.gauge("node_network_up", device, link.operational == kOperationalUp ? 1 : 0);
}

void tell_traffic(const Link& link, Samples& out) {
  const Labels device{{"device", link.name}};
  const auto tell = [&](std::string_view way, std::string_view what, auto... parts) {
    std::uint64_t sum = 0;
    ((sum += parts), ...);
    out.counter(Name("node_network_", way, "_", what, "_total"),
                device,
                static_cast<std::int64_t>(std::min<std::uint64_t>(sum, INT64_MAX)));
  };
  const rtnl_link_stats64& all = link.stats;
  tell("receive", "bytes", all.rx_bytes);
  tell("receive", "compressed", all.rx_compressed);
  tell("receive", "drop", all.rx_dropped, all.rx_missed_errors);
  tell("receive", "errs", all.rx_errors);
  tell("receive", "fifo", all.rx_fifo_errors);
  tell("receive",
       "frame",
       all.rx_length_errors,
       all.rx_over_errors,
       all.rx_crc_errors,
       all.rx_frame_errors);
  tell("receive", "multicast", all.multicast);
  tell("receive", "nohandler", all.rx_nohandler);
  tell("receive", "packets", all.rx_packets);
  tell("transmit", "bytes", all.tx_bytes);
  tell("transmit",
       "carrier",
       all.tx_aborted_errors,
       all.tx_carrier_errors,
       all.tx_heartbeat_errors,
       all.tx_window_errors);
  tell("transmit", "colls", all.collisions);
  tell("transmit", "compressed", all.tx_compressed);
  tell("transmit", "drop", all.tx_dropped);
  tell("transmit", "errs", all.tx_errors);
  tell("transmit", "fifo", all.tx_fifo_errors);
  tell("transmit", "packets", all.tx_packets);
}

}  // namespace

Result<void> parse_links(std::string_view messages, const Filters& filters, Samples& out) {
  while (messages.size() >= sizeof(nlmsghdr)) {
    const auto head = as<nlmsghdr>(messages);
    if (head.nlmsg_len < sizeof(nlmsghdr) || head.nlmsg_len > messages.size()) {
      return failure(ErrorCode::bad_payload, "links: a message of a wrong length");
    }
    auto body = messages.substr(sizeof(nlmsghdr), head.nlmsg_len - sizeof(nlmsghdr));
    messages.remove_prefix(
        std::min<std::size_t>(messages.size(), NLMSG_ALIGN(std::size_t{head.nlmsg_len})));
    if (head.nlmsg_type != RTM_NEWLINK) {
      continue;
    }
    if (body.size() < sizeof(ifinfomsg)) {
      return failure(ErrorCode::bad_payload, "links: a message that is cut");
    }
    Link link{.head = as<ifinfomsg>(body)};
    body.remove_prefix(sizeof(ifinfomsg));
    const bool fits = each_attribute(body, [&link](unsigned type, std::string_view value) {
      take_attribute(link, type, value);
    });
    if (!fits || link.name.empty()) {
      return failure(ErrorCode::bad_payload, "links: an attribute of a wrong length");
    }
    if (matches_any(filters.interfaces, link.name)) {
      continue;
    }
    tell_class(link, out);
    if (link.has_stats) {
      tell_traffic(link, out);
    }
  }
  return {};
}

}  // namespace steward::handlers::metrics
