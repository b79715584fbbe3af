#include "subjects/bus/nats_bus.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::tests::nats_options_test {

using steward::ErrorCode;
using steward::bus::check;
using steward::bus::NatsBus;
using steward::bus::NatsOptions;

namespace {

bool usable_server(const std::string& server) {
  NatsOptions options;
  options.servers = {server};
  const auto checked = check(options);
  CHECK((checked || checked.error().code == ErrorCode::bad_config));
  return checked.has_value();
}

}  // namespace

TEST_CASE("broker's address: host and port, with or without a scheme and a login") {
  for (const char* good : {"nats://127.0.0.1:4222",
                           "127.0.0.1:4222",
                           "broker.example",
                           "tls://broker.example:4222",
                           "nats://anna:secret@broker:4222",
                           "nats://[::1]:4222",
                           "[::1]"}) {
    CAPTURE(good);
    CHECK(usable_server(good));
  }
  for (const char* bad : {"",
                          "nats://",
                          ":4222",
                          "http://broker",
                          "nats://broker:",
                          "nats://broker:0",
                          "nats://broker:65536",
                          "nats://broker:42a",
                          "nats://bro ker",
                          "nats://[::1",
                          "nats://[]:1",
                          "nats://broker/path"}) {
    CAPTURE(bad);
    CHECK(!usable_server(bad));
  }
}

TEST_CASE("broker's options: what cannot work is refused before anything connects") {
  CHECK(NatsBus::open({}).error().code == ErrorCode::bad_config);
  NatsOptions good;
  good.servers = {"127.0.0.1:1"};
  REQUIRE(check(good));

  auto options = good;
  options.tls.ca = "/nonexistent/ca.pem";
  CHECK(check(options).error().message == "read /nonexistent/ca.pem: No such file or directory");
  // A certificate that the program makes itself may come later; who signs the broker's may not.
  options.tls.own = true;
  CHECK(!check(options));
  options = good;
  options.tls.own = true;
  options.tls.certificate = "/nonexistent/chain.pem";
  options.tls.key = "/nonexistent/key.pem";
  CHECK(check(options));
  options.tls.own = false;
  CHECK(!check(options));
  options = good;
  options.tls.certificate = "/etc/hostname";
  CHECK(!check(options));
  options = good;
  options.user = "anna";
  options.token = "t";
  CHECK(!check(options));
  options = good;
  options.inbox_prefix = "_INBOX.>";
  CHECK(!check(options));
  options = good;
  options.ping_interval = std::chrono::milliseconds(0);
  CHECK(!check(options));
}

}  // namespace steward::tests::nats_options_test
