// What `steward init` makes, in use: programs of ours, the managed broker, and one of a person's
// own.
#include "subjects/identity/files.hpp"
#include "tests/integration/trust/cluster.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;

identity::tests::Said our(const std::string& command_line) {
  return identity::tests::run(std::string(STEWARD_BIN_DIR) + "/" + command_line);
}

// A nats-server by the configuration for a broker of one's own, its places moved below a folder.
std::unique_ptr<NatsServer> own_broker(const fs::path& made, const fs::path& folder) {
  auto text = identity::tests::contents(made / "broker/nats-server.conf");
  for (const auto& [place, moved] :
       {std::pair{std::string("/var/lib/nats"), folder.string()},
        std::pair{std::string("listen: \"0.0.0.0:4222\"\n"), std::string()}}) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + 1)) {
      text.replace(at, place.size(), moved);
    }
  }
  const auto file = folder / "own.conf";
  std::ofstream(file) << text;
  NatsServer::Options options;
  options.arguments = {"-c", file.string()};
  return NatsServer::start(std::move(options));
}

std::unique_ptr<bus::NatsBus> login(const NatsServer& server,
                                    const fs::path& credentials,
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
  const identity::tests::Folder folder;
  const auto made = folder / "fleet";
  REQUIRE(our("steward init --cluster fleet --operator anna --dir " + made.string()).exit_code ==
          0);
  const auto server = own_broker(made, folder.path());
  if (!server) {
    return;
  }
  const auto unit = folder / "ship1";
  REQUIRE(our("steward unit ship1 --cluster-dir " + made.string() + " --out " + unit.string() +
              " --broker " + server->url())
              .exit_code == 0);
  auto config = identity::tests::contents(made / "station/steward.toml");
  std::ofstream(made / "station/steward.toml") << "broker = \"" << server->url() << "\"\n"
                                               << config;
  fs::rename(made / "offline", folder / "carried-away");

  const Process station("steward", made / "station/steward.toml", folder / "station.log");
  const Process agent("steward-edge", unit / "edge.toml", folder / "unit.log");
  const auto ctl = [&](const std::string& arguments) {
    return identity::tests::run(
        "env -u STEWARD_CONTEXT -u NATS_URL -u NATS_CREDS XDG_CONFIG_HOME=" +
        (folder / "config").string() + " " + STEWARD_BIN_DIR + "/stewardctl " + arguments);
  };
  const auto added = ctl("context add fleet --use --server " + server->url() + " --creds " +
                         (made / "people/anna.creds").string() + " --signing-key " +
                         (made / "people/anna.key").string() + " --cluster fleet --operator anna");
  REQUIRE_MESSAGE(added.exit_code == 0, added.text);
  REQUIRE(eventually([&] { return ctl("units --state up -o name").text == "ship1\n"; }));
  const auto run = ctl("run ship1 --wait 60s -- echo carried out");
  CHECK_MESSAGE(run.exit_code == 0, run.text);
  CHECK(run.text.find("carried out") != std::string::npos);
  // All that the three have asked of the broker was theirs to ask.
  CHECK_MESSAGE(server->log().find("Violation") == std::string::npos, server->log());
}

TEST_CASE("trust: the broker holds station, operator and unit of a new cluster to their rights") {
  const identity::tests::Folder folder;
  const auto made = folder / "fleet";
  REQUIRE(our("steward init --cluster fleet --operator anna --dir " + made.string()).exit_code ==
          0);
  const auto server = own_broker(made, folder.path());
  if (!server) {
    return;
  }
  const auto unit = folder / "ship1";
  REQUIRE(our("steward unit ship1 --cluster-dir " + made.string() + " --out " + unit.string())
              .exit_code == 0);
  const auto station = login(*server, made / "station/login.creds", "station");
  const auto anna = login(*server, made / "people/anna.creds", "anna");
  const auto ship1 = login(*server, unit / "login.creds", "ship1");

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
}  // namespace steward::tests
