// The figures beside those of prometheus-node-exporter on the same machine, while it works.

#include "handlers/metrics/measurement.hpp"
#include "tests/handlers/metrics/room.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace steward::handlers::metrics::exporter_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Values = std::map<std::string, double>;

constexpr const char* kExporter = "/usr/bin/prometheus-node-exporter";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// The body of an HTTP answer; empty while nobody listens.
std::string get(std::uint16_t port) {
  const int link = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  std::string answer;
  if (::connect(link, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string question = "GET /metrics HTTP/1.0\r\n\r\n";
    if (::write(link, question.data(), question.size()) > 0) {
      char piece[65536];
      for (auto got = ::read(link, piece, sizeof piece); got > 0;
           got = ::read(link, piece, sizeof piece)) {
        answer.append(piece, static_cast<std::size_t>(got));
      }
    }
  }
  ::close(link);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

class Exporter {
 public:
  explicit Exporter(const std::string& textfiles = "/nowhere") : port_(tests::free_port()) {
    std::string program = kExporter;
    std::string address = "--web.listen-address=127.0.0.1:" + std::to_string(port_);
    std::string quiet = "--log.level=error";
    std::string no_systemd = "--no-collector.systemd";  // it complains where there is none
    std::string texts = "--collector.textfile.directory=" + textfiles;
    char* const argv[] = {
        program.data(), address.data(), quiet.data(), no_systemd.data(), texts.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, kExporter, nullptr, nullptr, argv, ::environ) == 0);
    const auto deadline = steady_clock::now() + seconds(60);
    while (get(port_).empty() && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(50));
    }
  }

  ~Exporter() {
    tests::send_signal(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Its series and their values, and the types of its metrics.
  Values ask(std::map<std::string, std::string>& types) const {
    const auto body = get(port_);
    Values values;
    for (std::size_t at = 0; at < body.size();) {
      const auto end = std::min(body.find('\n', at), body.size());
      const auto line = body.substr(at, end - at);
      at = end + 1;
      const auto gap = line.rfind(' ');
      if (line.starts_with("# TYPE ")) {
        types[line.substr(7, gap - 7)] = line.substr(gap + 1);
      } else if (line.starts_with("node_") && gap != std::string::npos) {
        // Ours hold no more: where the kernel says "no bound" (file-max) the bound is told.
        values[line.substr(0, gap)] =
            std::min(std::strtod(line.c_str() + gap, nullptr), double(wire::kMostNumber));
      }
    }
    return values;
  }

 private:
  const std::uint16_t port_;
  pid_t pid_ = 0;
};

// Work for processor, disk, sockets and scheduler, until it is destroyed.
class Load {
 public:
  Load()
      : thread_([this] {
          const Folder folder;
          for (unsigned i = 0; !stop_; ++i) {
            folder.write("file" + std::to_string(i % 8), std::string(200'000, 'x'));
            get(1);  // refused
            std::this_thread::sleep_for(milliseconds(5));
          }
        }) {}

  ~Load() {
    stop_ = true;
    thread_.join();
  }

  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

struct Ours {
  Values values;
  std::map<std::string, std::string> types;
};

Ours ask(Measurement& measurement) {
  measurement.round();
  const auto schema = measurement.schema();
  Ours ours;
  for (std::size_t i = 0; i < schema.series.size(); ++i) {
    const auto& series = schema.series[i];
    if (measurement.numbers()[i] != wire::kAbsent) {
      ours.values[series.key] = series.value(measurement.numbers()[i]);
      ours.types[series.key.substr(0, series.key.find('{'))] =
          series.type == wire::MetricType::gauge     ? "gauge"
          : series.type == wire::MetricType::counter ? "counter"
                                                     : "untyped";
    }
  }
  return ours;
}

// It lies between what the exporter has said before and after, or near to that: within 1 % or one
// unit, and for the many that jump, what they jump by between two looks of the exporter.
bool agrees(double ours, double before, double after) {
  const double low = std::min(before, after);
  const double high = std::max(before, after);
  const double near = std::max(1.0, 0.01 * std::max(std::abs(low), std::abs(high))) + (high - low);
  return ours >= low - near && ours <= high + near;
}

// To ask the exporter takes two sockets, ours and its own, which it sees and we do not.
const std::set<std::string> kSockets{"node_netstat_Tcp_CurrEstab",
                                     "node_sockstat_TCP_alloc",
                                     "node_sockstat_TCP_inuse",
                                     "node_sockstat_sockets_used"};

// What was seen of one series.
struct Seen {
  bool counts = false;
  double low = 0;  // of all that the exporter said
  double high = 0;
  std::vector<double> missed;  // ours, in the looks where they did not agree
  std::string sample;          // the last such look

  // A gauge goes up and down between two looks: what the exporter says at other times is no miss.
  std::size_t misses() const {
    const double near = std::max(1.0, 0.01 * std::max(std::abs(low), std::abs(high)));
    return static_cast<std::size_t>(
        std::count_if(missed.begin(), missed.end(), [this, near](double ours) {
          return counts || ours < low - near || ours > high + near;
        }));
  }
};

using Judged = std::map<std::string, Seen>;

void judge(const Exporter& exporter, Measurement& measurement, Judged& judged) {
  std::map<std::string, std::string> types;
  const auto before = exporter.ask(types);
  const auto ours = ask(measurement);
  const auto after = exporter.ask(types);
  for (const auto& [key, value] : ours.values) {
    const auto was = before.find(key);
    const auto is = after.find(key);
    if (was == before.end() || is == after.end()) {
      continue;
    }
    const double low = std::min(was->second, is->second);
    const double high = std::max(was->second, is->second);
    const auto name = key.substr(0, key.find('{'));
    auto& seen = judged.try_emplace(key, Seen{.low = low, .high = high, .missed = {}, .sample = {}})
                     .first->second;
    seen.counts = types.at(name) == "counter";
    seen.low = std::min(seen.low, low);
    seen.high = std::max(seen.high, high);
    const double unseen = kSockets.count(key) == 1 ? 2 : 0;
    if (!agrees(value + unseen, was->second, is->second)) {
      seen.missed.push_back(value + unseen);
      seen.sample = std::to_string(was->second) + " <= " + std::to_string(value) +
                    " <= " + std::to_string(is->second);
    }
    INFO(name);
    CHECK(ours.types.at(name) == types.at(name));
  }
}

}  // namespace

TEST_CASE("metrics: names, types and values are those of prometheus-node-exporter, under load") {
  if (::access(kExporter, X_OK) != 0) {
    REQUIRE_MESSAGE(std::getenv("CI") == nullptr, "no prometheus-node-exporter here");
    MESSAGE("skipped: no prometheus-node-exporter here");
    return;
  }
  const bool is_long = std::getenv("STEWARD_LONG") != nullptr;
  const tests::Watchdog watchdog(240);
  const Exporter exporter;
  const RealClock clock;
  Measurement measurement({}, {}, {}, clock);
  const Load load;
  const auto end = steady_clock::now() + (is_long ? seconds(60) : seconds(10));
  Judged judged;
  std::size_t looks = 0;
  for (; looks < 3 || steady_clock::now() < end; ++looks) {
    judge(exporter, measurement, judged);
    std::this_thread::sleep_for(milliseconds(200));
  }
  CHECK(judged.size() > 200);
  // A look that falls between two updates of the kernel may miss: one in five, no more.
  std::size_t missed = 0;
  for (const auto& [key, seen] : judged) {
    INFO(key << ": " << seen.sample);
    CHECK(seen.misses() * 5 <= looks);
    missed += seen.misses() > 0 ? 1 : 0;
  }
  MESSAGE(judged.size() << " series shared, " << looks << " looks, " << missed
                        << " series missed one");
}

TEST_CASE("metrics: text files give what prometheus-node-exporter makes of them") {
  if (::access(kExporter, X_OK) != 0) {
    REQUIRE_MESSAGE(std::getenv("CI") == nullptr, "no prometheus-node-exporter here");
    return;
  }
  const tests::Watchdog watchdog(120);
  const Folder folder;
  folder.write("a.prom",
               "# TYPE node_reboot_required gauge\nnode_reboot_required 1\n"
               "# TYPE node_runs_total counter\nnode_runs_total{job=\"db\",host=\"a\\\\b\"} 1.5e3\n"
               "node_plain{x=\"\\\"y\\\"\"} 0.125\n");
  folder.write("broken.prom", "node_broken {\n");
  const Exporter exporter(folder.path);
  std::map<std::string, std::string> types;
  const auto theirs = exporter.ask(types);
  const RealClock clock;
  Roots roots;
  roots.textfiles = folder.path;
  Measurement measurement(roots, {}, {}, clock);
  const auto ours = ask(measurement);
  const std::string mtime =
      "node_textfile_mtime_seconds{file=\"" + (folder.path / "a.prom").string() + "\"}";
  for (const auto& key : {std::string("node_reboot_required"),
                          std::string(R"(node_runs_total{host="a\\b",job="db"})"),
                          std::string(R"(node_plain{x="\"y\""})"),
                          std::string("node_textfile_scrape_error"),
                          mtime}) {
    INFO(key);
    REQUIRE(theirs.count(key) == 1);
    REQUIRE(ours.values.count(key) == 1);
    CHECK(ours.values.at(key) == doctest::Approx(theirs.at(key)).epsilon(1e-9));
    const auto name = key.substr(0, key.find('{'));
    CHECK(ours.types.at(name) == types.at(name));
  }
  CHECK(ours.values.at("node_textfile_scrape_error") == 1);
}

}  // namespace steward::handlers::metrics::exporter_test
