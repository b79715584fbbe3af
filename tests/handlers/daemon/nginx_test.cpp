// A daemon that everybody knows, from one file, below our shim and as a unit of systemd.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/booted_system.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace steward::handlers::daemon::nginx_test {
namespace {

using wire::DaemonState;

// What an HTTP server on that socket answers; empty: nobody does.
std::string page_at(const std::filesystem::path& socket) {
  const runtime::Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  const std::string question = "GET / HTTP/1.0\r\n\r\n";
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::write(connection.get(), question.data(), question.size()) < 0) {
    return "";
  }
  std::string answer;
  std::array<char, 1'024> buffer{};
  for (ssize_t got = 0; (got = ::read(connection.get(), buffer.data(), buffer.size())) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

// The same text for both. A master that is killed leaves its socket behind, which the next one
// would trip over.
void write_spec(const Rig& rig, const std::filesystem::path& folder) {
  std::ofstream(folder / "nginx.conf")
      << "daemon off; pid " << folder.string() << "/nginx.pid; error_log stderr;\n"
      << "events {}\nhttp { access_log off; server { listen unix:" << folder.string()
      << "/socket; return 200 'here I am'; } }\n";
  std::filesystem::create_directories(rig.specs());
  std::ofstream(rig.specs() / "nginx.toml")
      << "mode = \"auto\"\nargv = [\"sh\", \"-c\", \"rm -f " << folder.string()
      << "/socket; exec nginx -c " << folder.string()
      << "/nginx.conf\"]\nready = {by = \"delay\", delay_ms = 300}\n"
      << "stop = {signal = \"QUIT\"}\n[[health]]\ntype = \"unix\"\npath = \"" << folder.string()
      << "/socket\"\ninterval_ms = 100\ngrace_ms = 0\n";
}

// From its file to its end: served, killed and back, stopped.
void lives(Rig& rig, const std::filesystem::path& folder, bool as_unit) {
  write_spec(rig, folder);
  const auto socket = folder / "socket";
  rig.restart();  // which looks at its files at once
  REQUIRE_MESSAGE(rig.becomes("nginx", DaemonState::ready), rig.row("nginx").reason);
  CHECK(rig.row("nginx").unit.empty() != as_unit);
  CHECK(page_at(socket).find("here I am") != std::string::npos);

  const auto first = rig.row("nginx").pid;
  CHECK(rig.ask(R"({"op":"signal","name":"nginx","signal":"KILL"})").state ==
        wire::CommandState::done);
  CHECK(rig.until([&] {
    const auto row = rig.row("nginx");
    return row.state == DaemonState::ready && row.pid != first && row.restarts >= 1;
  }));
  CHECK(rig.until([&] { return page_at(socket).find("here I am") != std::string::npos; }));
  CHECK(rig.heard.exits("nginx").front().signal == "KILL");

  CHECK(rig.order("stop", "nginx").state == wire::CommandState::done);
  CHECK(page_at(socket).empty());
  CHECK(rig.row("nginx").state == DaemonState::stopped);
}

}  // namespace

TEST_CASE("daemon: one file makes nginx run below a shim, and as a unit of systemd") {
  if (std::filesystem::exists("/run/systemd/system")) {
    MESSAGE("this machine has a systemd of its own: the shim's half is left out");
  } else {
    const tests::TemporaryFolder folder;
    Rig rig;
    lives(rig, folder.path(), false);
  }
  const auto system = tests::BootedSystem::start();
  if (!system) {
    return;
  }
  Rig rig("systemd_bus = \"" + system->bus() + "\"\njournal = \"" + system->journal().string() +
          "\"\n");
  lives(rig, system->shared(), true);
}

}  // namespace steward::handlers::daemon::nginx_test
