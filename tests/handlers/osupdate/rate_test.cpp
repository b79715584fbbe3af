#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>

#include <httplib.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace steward::handlers::osupdate::rate_test {
namespace {

using namespace std::chrono_literals;
using wire::CommandState;

// The repositories of a rig, by http.
class WebServer {
 public:
  explicit WebServer(const Rig& rig) {
    REQUIRE(server_.set_mount_point("/", rig.folder().string()));
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    std::ofstream sources(rig.root() / "etc/apt/sources.list");
    for (const char* suite : {"main", "security"}) {
      sources << "deb [trusted=yes] http://127.0.0.1:" << port_ << "/" << suite << " " << suite
              << " main\n";
    }
    std::ofstream(rig.folder() / "apt.conf", std::ios::app) << "Acquire::http::Proxy \"DIRECT\";\n";
  }

  ~WebServer() {
    server_.stop();
    thread_.join();
  }

  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

std::chrono::steady_clock::duration time_of(Rig& rig, const std::string& payload) {
  REQUIRE(rig.apt("clean") == 0);
  const auto began = std::chrono::steady_clock::now();
  const auto ack = rig.ask(payload);
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  return std::chrono::steady_clock::now() - began;
}

}  // namespace

TEST_CASE("osupdate: what is fetched comes no faster than it may") {
  Rig rig;
  const WebServer server(rig);
  rig.make({"web", "1.0"});
  rig.publish();
  REQUIRE(rig.apt("install web") == 0);
  rig.make({"web", "2.0", "main", "", "", "", "", "1000000"});
  rig.publish();
  const auto free = time_of(rig, R"({"op":"download"})");
  const auto slow = time_of(rig, R"({"op":"download","rate_bps":204800})");
  CHECK(rig.plan().download_bytes == 0);
  // A million bytes take 4.9 s; a first second's worth may come at once.
  CHECK(slow - free > 2s);
  CHECK(slow > 3s);
}

}  // namespace steward::handlers::osupdate::rate_test
