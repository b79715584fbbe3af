#include "handlers/metrics/collectors/collectors.hpp"
#include "tests/handlers/metrics/reading.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::metrics::parsers_test {
namespace {

using Values = std::map<std::string, double>;

// A parser of one text.
Values read(Result<void> (*parse)(std::string_view, Samples&), const std::string& text) {
  return parsed([&](Samples& out) { return parse(text, out); });
}

}  // namespace

TEST_CASE("parsers: loadavg") {
  const auto values = read(parse_loadavg, "2.16 1.96 10.07 1/184 28959\n");
  CHECK(values == Values{{"node_load1", 2.16}, {"node_load5", 1.96}, {"node_load15", 10.07}});
  CHECK(read(parse_loadavg, "2.16 x").empty());
}

TEST_CASE("parsers: stat") {
  const auto values = read(parse_stat,
                           "cpu  10 2 3 4 5 6 7 8 9 1\n"
                           "cpu0 1198069 105563 116788 320174 1014 0 1840 3298 7 8\n"
                           "intr 16857392 0 0\nctxt 34939598\nbtime 1795273573\n"
                           "processes 288617\nprocs_running 3\nprocs_blocked 1\nsoftirq 9 1\n");
  CHECK(values.size() == 10 + 6);
  CHECK(values.at(R"(node_cpu_seconds_total{cpu="0",mode="user"})") == doctest::Approx(11980.69));
  CHECK(values.at(R"(node_cpu_seconds_total{cpu="0",mode="steal"})") == doctest::Approx(32.98));
  CHECK(values.at(R"(node_cpu_guest_seconds_total{cpu="0",mode="nice"})") == doctest::Approx(0.08));
  CHECK(values.at("node_intr_total") == 16'857'392);
  CHECK(values.at("node_boot_time_seconds") == 1'795'273'573);
  CHECK(values.at("node_procs_running") == 3);
  CHECK(read(parse_stat, fixture("stat")).size() == 2 * 10 + 6);
}

TEST_CASE("parsers: meminfo") {
  const auto values =
      read(parse_meminfo, "MemTotal:  24682416 kB\nActive(anon):  3768 kB\nHugePages_Total:  5\n");
  CHECK(values == Values{{"node_memory_MemTotal_bytes", 24'682'416 * 1024.0},
                         {"node_memory_Active_anon_bytes", 3'768 * 1024.0},
                         {"node_memory_HugePages_Total", 5}});
  CHECK(read(parse_meminfo, fixture("meminfo")).size() == 54);
  CHECK(read(parse_meminfo, "MemTotal: much kB\n").empty());
}

TEST_CASE("parsers: vmstat") {
  const auto values = read(parse_vmstat, fixture("vmstat"));
  CHECK(values.size() == 7);
  CHECK(values.count("node_vmstat_oom_kill") == 1);
  CHECK(values.count("node_vmstat_pgmajfault") == 1);
  CHECK(read(parse_vmstat, "pgalloc_dma 1\npgfault 12\npswpin 3\n") ==
        Values{{"node_vmstat_pgfault", 12}, {"node_vmstat_pswpin", 3}});
}

TEST_CASE("parsers: diskstats") {
  const auto read_disks = [](const std::string& text) {
    return parsed([&](Samples& out) { return parse_diskstats(text, {}, out); });
  };
  const auto values = read_disks(
      " 254 0 vda 62989 16712 11917666 29316 1008577 158628 273364808 2402456 2 210304 2536372 "
      "146575 20 182801672 65466 102324 39132\n 254 1 vda1 1 1 1 1 1 1 1 1 1 1 1\n"
      " 7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n 259 0 nvme0n1 9 0 0 0 0 0 0 0 0 0 0\n"
      " 259 1 nvme0n1p2 9 0 0 0 0 0 0 0 0 0 0\n");
  CHECK(values.size() == 17 + 11);
  CHECK(values.at(R"(node_disk_read_bytes_total{device="vda"})") == 11'917'666 * 512.0);
  CHECK(values.at(R"(node_disk_write_time_seconds_total{device="vda"})") ==
        doctest::Approx(2402.456));
  CHECK(values.at(R"(node_disk_io_now{device="vda"})") == 2);
  CHECK(values.at(R"(node_disk_flush_requests_time_seconds_total{device="vda"})") ==
        doctest::Approx(39.132));
  CHECK(values.at(R"(node_disk_reads_completed_total{device="nvme0n1"})") == 9);
  CHECK(read_disks(fixture("diskstats")).size() == 2 * 17);
}

TEST_CASE("parsers: network interfaces") {
  const auto bytes = fixture("links.bin");
  const auto values = parsed([&](Samples& out) { return parse_links(bytes, {}, out); });
  CHECK(values.at(R"(node_network_mtu_bytes{device="lo"})") == 65'536);
  CHECK(values.at(R"(node_network_protocol_type{device="lo"})") == 772);
  CHECK(values.at(R"(node_network_flags{device="eth0"})") == 4'099);
  CHECK(values.at(R"(node_network_up{device="eth0"})") == 1);
  CHECK(values.at(R"(node_network_carrier{device="eth0"})") == 1);
  CHECK(values.count(R"(node_network_carrier{device="ifb0"})") == 0);
  CHECK(values.at(R"(node_network_receive_bytes_total{device="eth0"})") > 69'000'000);
  CHECK(values.at(R"(node_network_receive_bytes_total{device="lo"})") ==
        values.at(R"(node_network_transmit_bytes_total{device="lo"})"));
  const auto fewer =
      parsed([&](Samples& out) { return parse_links(bytes, {.interfaces = {"ifb*"}}, out); });
  CHECK(fewer.count(R"(node_network_up{device="ifb0"})") == 0);
  CHECK(fewer.count(R"(node_network_up{device="eth0"})") == 1);
  CHECK(parsed([&](Samples& out) {
          return parse_links(std::string_view(bytes).substr(0, 300), {}, out);
        }).empty());
}

TEST_CASE("parsers: netstat and snmp") {
  const auto values = read(parse_netstat,
                           "Tcp: RtoMin CurrEstab InErrs\nTcp: 200 12 3\n"
                           "IpExt: InOctets InNoRoutes\nIpExt: 7 8\nIp: Forwarding DefaultTTL\n"
                           "Ip: 2 64\nTcpExt: SyncookiesSent TW ListenDrops\nTcpExt: 1 2 3\n");
  CHECK(values == Values{{"node_netstat_Tcp_CurrEstab", 12},
                         {"node_netstat_Tcp_InErrs", 3},
                         {"node_netstat_IpExt_InOctets", 7},
                         {"node_netstat_Ip_Forwarding", 2},
                         {"node_netstat_TcpExt_SyncookiesSent", 1},
                         {"node_netstat_TcpExt_ListenDrops", 3}});
  CHECK(read(parse_netstat, fixture("snmp")).size() == 19);
  CHECK(read(parse_netstat, fixture("netstat")).size() == 9);
  CHECK(read(parse_snmp6, fixture("snmp6")).size() == 12);
  CHECK(read(parse_snmp6, "Udp6InDatagrams   \t12\nIp6InReceives 5\nUdpLite6InErrors 4\n") ==
        Values{{"node_netstat_Udp6_InDatagrams", 12}, {"node_netstat_UdpLite6_InErrors", 4}});
  CHECK(read(parse_netstat, "Tcp: CurrEstab\nUdp: 1\n").empty());
}

TEST_CASE("parsers: sockets, queues and neighbours") {
  const auto sockets = parsed([](Samples& out) {
    return parse_sockstat("sockets: used 25\nTCP: inuse 15 mem 105\n", 4'096, out);
  });
  CHECK(sockets == Values{{"node_sockstat_sockets_used", 25},
                          {"node_sockstat_TCP_inuse", 15},
                          {"node_sockstat_TCP_mem", 105},
                          {"node_sockstat_TCP_mem_bytes", 430'080}});
  CHECK(parsed([](Samples& out) {
          return parse_sockstat(fixture("sockstat"), 4'096, out);
        }).size() == 14);
  const auto queues = parsed([](Samples& out) {
    return parse_udp_queues(
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "  0: 00000000:0044 00000000:0000 07 0000000A:00000100 00:00000000\n"
        "  1: 00000000:0045 00000000:0000 07 00000001:00000002 00:00000000\n",
        "v4",
        out);
  });
  CHECK(queues == Values{{R"(node_udp_queues{ip="v4",queue="rx"})", 258},
                         {R"(node_udp_queues{ip="v4",queue="tx"})", 11}});
  CHECK(read(parse_arp, fixture("arp")) == Values{{R"(node_arp_entries{device="eth0"})", 1}});
  CHECK(read(parse_softnet, "0023f91b 00000010 00000002 0\n002137f7 0 3 0\n") ==
        Values{{R"(node_softnet_processed_total{cpu="0"})", 0x23f91b},
               {R"(node_softnet_dropped_total{cpu="0"})", 16},
               {R"(node_softnet_times_squeezed_total{cpu="0"})", 2},
               {R"(node_softnet_processed_total{cpu="1"})", 0x2137f7},
               {R"(node_softnet_dropped_total{cpu="1"})", 0},
               {R"(node_softnet_times_squeezed_total{cpu="1"})", 3}});
}

TEST_CASE("parsers: connection tracking sums its processors") {
  const auto values =
      read(parse_conntrack_stat,
           "entries clashres found new invalid ignore drop\n"
           "00000001 0 00000002 0 0000000a 0 1\n00000001 0 00000003 0 00000001 0 2\n");
  CHECK(values.at("node_nf_conntrack_stat_found") == 5);
  CHECK(values.at("node_nf_conntrack_stat_invalid") == 11);
  CHECK(values.at("node_nf_conntrack_stat_drop") == 3);
  CHECK(values.size() == 8);
  CHECK(read(parse_conntrack_stat, fixture("nf_conntrack")).size() == 8);
}

TEST_CASE("parsers: pressure and file descriptors") {
  const std::string text =
      "some avg10=25.06 avg60=25.27 avg300=20.35 total=9795330314\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n";
  CHECK(parsed([&](Samples& out) { return parse_pressure(text, "io", out); }) ==
        Values{{"node_pressure_io_waiting_seconds_total", 9795.330314},
               {"node_pressure_io_stalled_seconds_total", 0.000017}});
  CHECK(parsed([&](Samples& out) { return parse_pressure(text, "cpu", out); }).size() == 1);
  CHECK(read(parse_filefd, "807\t0\t2465610\n") ==
        Values{{"node_filefd_allocated", 807}, {"node_filefd_maximum", 2'465'610}});
}

TEST_CASE("parsers: mounts") {
  const auto mounts = parse_mounts(fixture("mounts"), {});
  REQUIRE(mounts);
  const auto has = [&](const Mount& wanted) {
    return std::find(mounts->begin(), mounts->end(), wanted) != mounts->end();
  };
  CHECK(has({"/dev/vda", "/", "ext4"}));
  CHECK(has({"/dev/sdb1", "/media/my disk", "ext4"}));
  for (const auto& mount : *mounts) {
    CHECK(mount.fstype != "proc");
    CHECK(mount.mountpoint != "/dev/shm");
  }
  const std::string twice = "/dev/a /x ext4 rw 0 0\n/dev/a /x ext4 rw 0 0\n";
  CHECK(parse_mounts(twice, {})->size() == 1);
  CHECK_FALSE(parse_mounts("/dev/a /x\n", {}));
}

}  // namespace steward::handlers::metrics::parsers_test
