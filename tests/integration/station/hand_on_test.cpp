#include "tests/integration/station/program.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/nats_server.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <set>

namespace steward::tests::hand_on_test {
namespace {

// What a unit forwards, without the unit.
class Forwarded {
 public:
  explicit Forwarded(const std::string& url) : bus_(connect(url, "ship")) {}

  // Lines of those numbers of a unit; their numbers are those of its source, too.
  void say(const std::string& unit, std::size_t first, std::size_t last) {
    std::string payload = R"({"source":"file:/log","epoch":"e","first":)" + std::to_string(first) +
                          ",\"last\":" + std::to_string(last) +
                          ",\"lines\":" + std::to_string(last - first + 1) + "}\n";
    for (auto number = first; number <= last; ++number) {
      payload += R"({"r_us":1,"sev":5,"host":"h","program":"p","line":")" + unit + " line " +
                 std::to_string(number) + "\"}\n";
    }
    REQUIRE(bus_->publish({unit + ".event.syslogforwarding.web", {}, payload, {}}));
  }

  void flush() { REQUIRE(bus_->flush(std::chrono::seconds(10))); }

 private:
  std::unique_ptr<bus::NatsBus> bus_;
};

// A real rsyslogd that writes what comes by TCP to tcp.out and what comes by TLS to tls.out.
class Rsyslogd {
 public:
  explicit Rsyslogd(const std::filesystem::path& folder) : folder_(folder) {
    const auto path = [&folder](const char* name) { return (folder / name).string(); };
    const auto made =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-days 2 -subj /CN=syslog.example -addext subjectAltName=DNS:syslog.example "
        "-keyout " +
        path("server.key") + " -out " + path("server.pem") + " 2>/dev/null";
    REQUIRE(std::system(made.c_str()) == 0);
    std::ofstream(folder / "rsyslog.conf")
        << "global(workDirectory=\"" << folder.string() << "\" maxMessageSize=\"64k\""
        << " defaultNetstreamDriverCAFile=\"" << path("server.pem") << "\""
        << " defaultNetstreamDriverCertFile=\"" << path("server.pem") << "\""
        << " defaultNetstreamDriverKeyFile=\"" << path("server.key") << "\")\n"
        << "main_queue(queue.timeoutshutdown=\"10000\")\n"
        << "module(load=\"imptcp\")\n"
        << "module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\""
        << " streamDriver.authMode=\"anon\")\n"
        << "template(name=\"all\" type=\"string\" string=\"%structured-data%%msg%\\n\")\n"
        << "ruleset(name=\"tcp\") { action(type=\"omfile\" template=\"all\" file=\""
        << path("tcp.out") << "\") }\n"
        << "ruleset(name=\"tls\") { action(type=\"omfile\" template=\"all\" file=\""
        << path("tls.out") << "\") }\n"
        << "input(type=\"imptcp\" address=\"127.0.0.1\" port=\"" << tcp << "\" ruleset=\"tcp\")\n"
        << "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"" << tls << "\" ruleset=\"tls\")\n";
    start();
  }

  ~Rsyslogd() { end(SIGKILL); }

  Rsyslogd(const Rsyslogd&) = delete;
  Rsyslogd& operator=(const Rsyslogd&) = delete;

  void start() {
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto log = (folder_ / "rsyslogd.log").string();
      const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(file, STDERR_FILENO);
      ::execl("/usr/sbin/rsyslogd",
              "rsyslogd",
              "-n",
              "-f",
              (folder_ / "rsyslog.conf").c_str(),
              "-i",
              (folder_ / "rsyslogd.pid").c_str(),
              nullptr);
      ::_exit(127);
    }
  }

  void freeze() const { ::kill(pid_, SIGSTOP); }

  void end(int signal) {
    if (pid_ > 0) {
      ::kill(pid_, signal);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

  std::uint16_t tcp = free_port();
  std::uint16_t tls = free_port();

 private:
  const std::filesystem::path folder_;
  pid_t pid_ = -1;
};

// How often each number of a unit's lines is in a file.
std::map<std::size_t, int> numbers(const std::filesystem::path& file, const std::string& unit) {
  std::map<std::size_t, int> counts;
  std::ifstream lines(file);
  const auto what = unit + " line ";
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find(what); at != std::string::npos) {
      ++counts[std::strtoul(line.c_str() + at + what.size(), nullptr, 10)];
    }
  }
  return counts;
}

// What of 1 to last is not there; "" where all is.
std::string missing(const std::filesystem::path& file, const std::string& unit, std::size_t last) {
  const auto counts = numbers(file, unit);
  for (std::size_t number = 1; number <= last; ++number) {
    if (counts.count(number) == 0) {
      return unit + " " + std::to_string(number) + " of " + std::to_string(counts.size());
    }
  }
  return "";
}

// All files of a unit's domain, the oldest first, as one text.
std::string all_files(const std::filesystem::path& folder, const std::string& unit) {
  std::map<std::size_t, std::string> full;
  for (const auto& file : std::filesystem::directory_iterator(folder / unit)) {
    const auto name = file.path().filename().string();
    if (name.starts_with("web.log.")) {
      full[std::strtoul(name.c_str() + 8, nullptr, 10)] = text_of(file.path());
    }
  }
  std::string text;
  for (const auto& [number, part] : full) {
    text += part;
  }
  return text + text_of(folder / unit / "web.log");
}

std::string expected(const std::string& unit, std::size_t last) {
  std::string text;
  for (std::size_t number = 1; number <= last; ++number) {
    text += unit + " line " + std::to_string(number) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE(
    "hand-on: a syslog server and files have every line, though station and server are killed") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  Rsyslogd rsyslogd(folder.path());
  const auto files = folder.path() / "fleet";
  std::ofstream(folder.path() / "steward.toml")
      << "broker = \"" << server->url() << "\"\nstate_dir = \""
      << (folder.path() / "state").string()
      << "\"\n[http]\nlisten = \"127.0.0.1:0\"\n[logs.plain]\nsyslog = \"127.0.0.1:" << rsyslogd.tcp
      << "\"\n[logs.secret]\nsyslog = \"127.0.0.1:" << rsyslogd.tls
      << "\"\ntls = true\ntls_name = \"syslog.example\"\ntls_roots = \""
      << (folder.path() / "server.pem").string() << "\"\n[logs.files]\nfolder = \""
      << files.string() << "\"\nfile_bytes = 20000\nkeep = 1000\n";
  const std::vector<std::string> arguments{
      "run", "--config", (folder.path() / "steward.toml").string()};
  auto station = std::make_unique<Program>(folder.path(), arguments);
  Asker asker(server->url());
  REQUIRE_MESSAGE(eventually([&asker] { return asker.acts(); }, std::chrono::minutes(1)),
                  station->output());

  constexpr std::size_t kBatch = 20;
  constexpr std::size_t kBatches = 300;
  constexpr std::size_t kLast = kBatch * kBatches;
  Forwarded ships(server->url());
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    ships.say("ship1", batch * kBatch + 1, (batch + 1) * kBatch);
    ships.say("ship2", batch * kBatch + 1, (batch + 1) * kBatch);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (batch % 60 == 30) {
      station->kill9();
      station = std::make_unique<Program>(folder.path(), arguments);
    }
    if (batch == 215) {
      rsyslogd.freeze();  // what its kernel still takes it never reads
    }
    if (batch == 100 || batch == 235) {
      rsyslogd.end(batch == 100 ? SIGTERM : SIGKILL);
      rsyslogd.start();
    }
  }
  ships.flush();
  // What an agent says once more after a kill.
  ships.say("ship1", kLast - 50, kLast);

  for (const auto* unit : {"ship1", "ship2"}) {
    const auto has = [&](const char* out) {
      return eventually([&] { return missing(folder.path() / out, unit, kLast).empty(); },
                        std::chrono::minutes(1),
                        std::chrono::milliseconds(200));
    };
    CHECK_MESSAGE(has("tcp.out"), missing(folder.path() / "tcp.out", unit, kLast));
    CHECK_MESSAGE(has("tls.out"),
                  missing(folder.path() / "tls.out", unit, kLast)
                      << text_of(folder.path() / "rsyslogd.log"));
    CHECK(eventually([&] { return all_files(files, unit).size() >= expected(unit, kLast).size(); },
                     std::chrono::minutes(1)));
    CHECK(all_files(files, unit) == expected(unit, kLast));
  }
  const auto said = text_of(folder.path() / "tls.out");
  CHECK(said.find(R"([steward@32473 unit="ship1" domain="web" source="file:/log" seq="1"])") !=
        std::string::npos);
  // What the station says of it.
  CHECK(eventually(
      [&asker] {
        const auto rows = asker.ask("station");
        return !rows.empty() && rows[0].find(R"("name":"plain")") != std::string::npos &&
               rows[0].find(R"("lag_ms":0)") != std::string::npos;
      },
      std::chrono::seconds(30)));
  station->terminate();
  CHECK(station->wait() == 0);
}

}  // namespace steward::tests::hand_on_test
