#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/told.hpp"
#include "tests/handlers/metrics/reading.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace steward::handlers::metrics::garbage_test {
namespace {

using Parse = std::function<bool(std::string_view, Samples&)>;

struct Target {
  std::string name;
  std::string fixture;
  Parse parse;
};

// Whatever is told, a station takes it.
bool told(Result<std::vector<Told>> series, Samples& out) {
  if (!series) {
    return false;
  }
  const auto many = series->size();
  ToldSeries all;
  all.take(*std::move(series));
  if (all.size() != many) {
    FAIL("a series that Prometheus would not take");
  }
  all.tell(out);
  return true;
}

// The names the kernel gives are limited; those of garbage are as long as the whole.
std::vector<Target> targets() {
  const auto plain = [](Result<void> (*parse)(std::string_view, Samples&)) {
    return [parse](std::string_view text, Samples& out) { return parse(text, out).has_value(); };
  };
  const Filters filters{.interfaces = {"veth*"}};
  return {
      {"loadavg", "loadavg", plain(parse_loadavg)},
      {"stat", "stat", plain(parse_stat)},
      {"meminfo", "meminfo", plain(parse_meminfo)},
      {"vmstat", "vmstat", plain(parse_vmstat)},
      {"netstat", "netstat", plain(parse_netstat)},
      {"snmp", "snmp", plain(parse_netstat)},
      {"snmp6", "snmp6", plain(parse_snmp6)},
      {"softnet", "softnet_stat", plain(parse_softnet)},
      {"arp", "arp", plain(parse_arp)},
      {"conntrack", "nf_conntrack", plain(parse_conntrack_stat)},
      {"filefd", "file-nr", plain(parse_filefd)},
      {"diskstats",
       "diskstats",
       [filters](auto text, Samples& out) {
         return parse_diskstats(text, filters, out).has_value();
       }},
      {"links",
       "links.bin",
       [filters](auto text, Samples& out) { return parse_links(text, filters, out).has_value(); }},
      {"sockstat",
       "sockstat",
       [](auto text, Samples& out) { return parse_sockstat(text, 4'096, out).has_value(); }},
      {"udp",
       "udp",
       [](auto text, Samples& out) { return parse_udp_queues(text, "v4", out).has_value(); }},
      {"pressure",
       "pressure_io",
       [](auto text, Samples& out) { return parse_pressure(text, "io", out).has_value(); }},
      {"process",
       "process_stat",
       [](auto text, Samples&) { return parse_process(text).has_value(); }},
      {"mounts",
       "mounts",
       [filters](auto text, Samples&) { return parse_mounts(text, filters).has_value(); }},
      {"exposition",
       "textfile.prom",
       [](auto text, Samples& out) { return told(parse_exposition(text), out); }},
      {"check in JSON",
       "check.json",
       [](auto text, Samples& out) { return told(parse_check_json(text, "a"), out); }},
      {"performance data",
       "check.nagios",
       [](auto text, Samples& out) { return told(parse_perfdata(text, "a"), out); }},
      {"number", "loadavg", [](auto text, Samples&) { return parse_number(text).has_value(); }},
  };
}

#if defined(__SANITIZE_THREAD__)
constexpr int kUsualRounds = 1'000;  // there is one thread
#else
constexpr int kUsualRounds = 4'000;
#endif

constexpr std::size_t kParts = 4;

constexpr std::string_view kSpice = "0123456789 \n\t:.-+=()\\/{}\"'exX\0\xff\x80~";

// One to four wounds: a byte, a cut, a piece again elsewhere, many digits.
void wound(std::string& text, std::minstd_rand& chance) {
  for (unsigned wounds = 1 + chance() % 4; wounds > 0 && !text.empty(); --wounds) {
    const std::size_t at = chance() % text.size();
    switch (chance() % 5) {
      case 0:
        text[at] = static_cast<char>(chance());
        break;
      case 1:
        text[at] = kSpice[chance() % kSpice.size()];
        break;
      case 2:
        text.erase(at, 1 + chance() % (1 + text.size() / 4));
        break;
      case 3:
        text.insert(at, text.substr(chance() % text.size(), chance() % 64));
        break;
      default:
        text.insert(at, 1 + chance() % 40, '9');
        break;
    }
  }
}

// Each of the parsers of that part, the same wounds in each run.
void wound_parsers(std::size_t part) {
  const bool is_long = std::getenv("STEWARD_LONG") != nullptr;
  const char* wanted = std::getenv("STEWARD_SEED");
  const unsigned seed = wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : 20'261;
  const auto all = targets();
  for (std::size_t at = part; at < all.size(); at += kParts) {
    const auto& target = all[at];
    const std::string whole = fixture(target.fixture);
    REQUIRE(!whole.empty());
    INFO(target.name << ", seed " << seed);
    std::minstd_rand chance(seed);
    Samples samples;
    std::string text;
    std::size_t refused = 0;
    for (int round = 0; round < (is_long ? 1'000'000 : kUsualRounds); ++round) {
      text = whole;
      wound(text, chance);
      samples.begin();
      const bool good = target.parse(text, samples);
      static_cast<void>(good ? samples.finish() : samples.abandon());
      refused += good ? 0 : 1;
      if (samples.series().size() != samples.numbers().size()) {
        FAIL("as many numbers as series");
      }
    }
    CHECK(refused > 0);  // the wounds were felt
  }
}

}  // namespace

// In parts, since a million of each takes its time: 9 minutes a part.
TEST_CASE("parsers: garbage is an error or numbers, and nothing else, first part") {
  wound_parsers(0);
}

TEST_CASE("parsers: garbage is an error or numbers, and nothing else, second part") {
  wound_parsers(1);
}

TEST_CASE("parsers: garbage is an error or numbers, and nothing else, third part") {
  wound_parsers(2);
}

TEST_CASE("parsers: garbage is an error or numbers, and nothing else, fourth part") {
  wound_parsers(3);
}

}  // namespace steward::handlers::metrics::garbage_test
