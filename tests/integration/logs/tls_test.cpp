#include "tests/integration/logs/rig.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

namespace steward::tests::tls_test {
namespace {

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// A certificate for itself, in <name>.pem and <name>.key.
void make_certificate(const std::filesystem::path& folder, const std::string& name) {
  const auto path = (folder / name).string();
  REQUIRE(
      run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
          "-subj /CN=" +
          name + " -keyout " + path + ".key -out " + path + ".pem"));
}

// Sends a file by TLS; `with`: options of s_client.
bool send(std::uint16_t port, const std::string& file, const std::string& with) {
  return run("timeout 20 openssl s_client -connect 127.0.0.1:" + std::to_string(port) + " " + with +
             " -verify_return_error -no_ign_eof <" + file);
}

std::string counted(std::size_t first, std::size_t last) {
  std::string text;
  for (auto number = first; number <= last; ++number) {
    const auto message = "<14>" + numbered(number);
    text += std::to_string(message.size()) + " " + message;
  }
  return text;
}

}  // namespace

TEST_CASE("logs: lines come by TLS, from those alone who may, and a new certificate is in force") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  LogStream stream(server->url());
  const auto port = free_port();
  TemporaryFolder folder;
  const auto path = [&folder](const std::string& name) { return (folder.path() / name).string(); };
  for (const auto* name : {"server", "client", "stranger"}) {
    make_certificate(folder.path(), name);
  }
  ForwardingAgent agent(server->url(),
                        "tls = [\"127.0.0.1:" + std::to_string(port) + "\"]\ntls_certificate = \"" +
                            path("server.pem") + "\"\ntls_key = \"" + path("server.key") +
                            "\"\ntls_clients = \"" + path("client.pem") + "\"");
  const auto as = [&path](const std::string& who) {
    return "-CAfile " + path("server.pem") + " -cert " + path(who + ".pem") + " -key " +
           path(who + ".key");
  };
  std::ofstream(path("lines")) << counted(1, 5'000);
  REQUIRE_MESSAGE(
      eventually([&] { return send(port, path("lines"), as("client")); }, std::chrono::minutes(1)),
      agent.log());
  const auto has = [&stream](std::size_t count) {
    return stream.read_until([count](const LogStream& read) { return read.line_count() >= count; },
                             std::chrono::seconds(30));
  };
  REQUIRE_MESSAGE(has(5'000), agent.log());
  CHECK(stream.items.front().source == "tls:127.0.0.1:" + std::to_string(port));
  std::ofstream(path("more")) << counted(9'000, 9'001);
  send(port, path("more"), as("stranger"));
  send(port, path("more"), "-CAfile " + path("server.pem"));
  run("timeout 5 bash -c 'cat " + path("more") + " >/dev/tcp/127.0.0.1/" + std::to_string(port) +
      "'");
  make_certificate(folder.path(), "server");
  std::ofstream(path("lines")) << counted(5'001, 5'010);
  REQUIRE(send(port, path("lines"), as("client")));
  REQUIRE_MESSAGE(has(5'010), agent.log());
  CHECK(disorder(stream.lines(), 1, 5'010) == "");
  CHECK(stream.missing() == 0);
}

}  // namespace steward::tests::tls_test
