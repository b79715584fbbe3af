// What `steward init` makes, in use: programs of ours, the managed broker, and one of a person's
// own.
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <thread>

namespace steward::tests::init_test {
namespace {

std::unique_ptr<bus::NatsBus> login(const NatsServer& server,
                                    const std::filesystem::path& credentials,
                                    const std::string& name) {
  bus::NatsOptions options;
  options.servers = {server.url()};
  options.credentials_file = credentials.string();
  options.inbox_prefix = "_INBOX." + name;
  auto link = bus::NatsBus::open(std::move(options)).value();
  REQUIRE(link->wait_until_up(std::chrono::seconds(20)));
  return link;
}

// Whether the broker denies it.
bool denies(bus::NatsBus& link, const std::string& to_publish, const std::string& to_hear) {
  const auto before = link.status().denials;
  std::unique_ptr<bus::Subscription> held;
  if (!to_hear.empty()) {
    held = link.subscribe(to_hear, [](bus::Message&&) {}).value();
  } else {
    REQUIRE(link.publish({to_publish, {}, "{}", ""}));
  }
  REQUIRE(link.flush(std::chrono::seconds(20)));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (link.status().denials == before && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return link.status().denials > before;
}

TEST_CASE("trust: a station, a unit and an operator of a new cluster work on its own broker") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto unit = fleet->path("ship1");
  const auto added = our("steward unit ship1 --cluster-dir " + fleet->made().string() + " --out " +
                         unit.string() + " --broker " + fleet->server().url());
  REQUIRE_MESSAGE(added.exit_code == 0, added.text);
  std::filesystem::rename(fleet->made() / "offline", fleet->path("carried-away"));
  fleet->start_station();
  const Process agent("steward-edge", unit / "edge.toml", fleet->path("unit.log"));
  REQUIRE(eventually([&] { return fleet->ctl("units --state up -o name").text == "ship1\n"; }));
  const auto run = fleet->ctl("run ship1 --wait 60s -- echo carried out");
  CHECK_MESSAGE(run.exit_code == 0, run.text);
  CHECK(run.text.find("carried out") != std::string::npos);
  // All that the three have asked of the broker was theirs to ask.
  const auto log = fleet->server().log();
  CHECK_MESSAGE(log.find("Violation") == std::string::npos, log);
}

TEST_CASE("trust: another operator of a cluster has a key, a login and rights of his own") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto made = fleet->made().string();
  for (int turn = 0; turn < 2; ++turn) {
    const auto added = our("steward operator bob --cluster-dir " + made);
    REQUIRE_MESSAGE(added.exit_code == 0, added.text);
  }
  REQUIRE(eventually([&] { return fleet->ctl("units -o name").exit_code == 0; }));
  const auto pushed = fleet->ctl("policy push " + made + "/policy.signed 2>&1");
  CHECK_MESSAGE(pushed.text.find("version 2:") != std::string::npos, pushed.text);
  const auto as_bob = fleet->ctl("context add bob --use --server " + fleet->url() + " --creds " +
                                 made + "/people/bob.creds --signing-key " + made +
                                 "/people/bob.key --cluster fleet --operator bob");
  REQUIRE(as_bob.exit_code == 0);
  CHECK(eventually([&] { return fleet->ctl("units -o name").exit_code == 0; }));
  CHECK(our("steward operator station --cluster-dir " + made).exit_code == 2);
  CHECK(our("steward operator carl --role pirates --cluster-dir " + made).exit_code == 2);
  std::filesystem::rename(fleet->made() / "offline", fleet->path("carried-away"));
  CHECK(our("steward operator dora --cluster-dir " + made).exit_code == 2);
}

TEST_CASE("trust: the broker holds station, operator and unit of a new cluster to their rights") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto unit = fleet->path("ship1");
  REQUIRE(
      our("steward unit ship1 --cluster-dir " + fleet->made().string() + " --out " + unit.string())
          .exit_code == 0);
  const auto& server = fleet->server();
  const auto& made = fleet->made();
  const auto station = login(server, made / "station/login.creds", "station");
  const auto anna = login(server, made / "people/anna.creds", "anna");
  const auto ship1 = login(server, unit / "login.creds", "ship1");

  struct Right {
    bus::NatsBus& link;
    std::string publish;
    std::string subscribe;
  };

  for (const auto& [link, publish, subscribe] :
       std::initializer_list<Right>{{*station, "ship1.event.ack.shellcommand", ""},
                                    {*station, "$JS.API.STREAM.PURGE.COMMANDS", ""},
                                    {*station, "$JS.API.STREAM.DELETE.STATE", ""},
                                    {*station, "$JS.API.STREAM.CREATE.OTHER", ""},
                                    {*station, "$KV.steward.lease-other", ""},
                                    {*station, "", ">"},
                                    {*station, "", "_INBOX.>"},
                                    {*station, "", "$SYS.>"},
                                    {*anna, "ship1.event.ack.shellcommand", ""},
                                    {*anna, "station.event.received.ship1", ""},
                                    {*anna, "$JS.API.STREAM.INFO.COMMANDS", ""},
                                    {*anna, "", "*.command.>"},
                                    {*anna, "", "_INBOX.station.>"},
                                    {*ship1, "ship2.event.hello.agent", ""},
                                    {*ship1, "ship1.command.shellcommand.operatingsystem", ""},
                                    {*ship1, "$JS.API.STREAM.INFO.COMMANDS", ""},
                                    {*ship1, "", "ship2.command.>"}}) {
    CAPTURE(publish);
    CAPTURE(subscribe);
    CHECK(denies(link, publish, subscribe));
  }
}

}  // namespace
}  // namespace steward::tests::init_test
