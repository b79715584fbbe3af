#pragma once

#include "tests/integration/station/program.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/process.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace steward::tests {

// The configuration file of a station, with those tables of hand-ons.
inline std::string station_config(const NatsServer& server,
                                  const std::filesystem::path& folder,
                                  const std::string& tables) {
  const auto file = (folder / "steward.toml").string();
  std::ofstream(file) << "broker = \"" << server.url() << "\"\nstate_dir = \""
                      << (folder / "state").string() << "\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
                      << tables;
  return file;
}

// A hand-on to that server by TLS. `roots`: a file of those whom it trusts.
inline std::string tls_table(const std::string& name,
                             std::uint16_t port,
                             const std::string& server,
                             const std::filesystem::path& roots) {
  return "[logs." + name + "]\nsyslog = \"127.0.0.1:" + std::to_string(port) +
         "\"\ntls = true\ntls_name = \"" + server + "\"\ntls_roots = \"" + roots.string() + "\"\n";
}

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

  void freeze() const { tests::send_signal(pid_, SIGSTOP); }

  void end(int signal) {
    if (pid_ > 0) {
      tests::send_signal(pid_, signal);
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

}  // namespace steward::tests
