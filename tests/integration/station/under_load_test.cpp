#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace steward::tests::under_load_test {
namespace {

#if defined(__SANITIZE_ADDRESS__)
// The sanitizer keeps 256 MB of what was freed.
constexpr long kAllowedGrowth = 288 * 1024;
#else
constexpr long kAllowedGrowth = 16 * 1024;
#endif

long resident_kilobytes() {
  std::ifstream status("/proc/self/statm");
  long total = 0;
  long resident = 0;
  status >> total >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

TEST_CASE("station: the broker is killed and comes back under load, and no event is lost") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const RunningStation station(server->url(), folder.path());
  SpokenUnit unit(server->url(), "ship1");
  Asker asker(server->url());
  constexpr std::uint64_t kCommands = 2'000;
  std::vector<wire::MessageId> commands;
  for (std::uint64_t i = 0; i < kCommands; ++i) {
    commands.push_back(unit.new_id());
  }
  const auto say = [&](std::uint64_t seq) {
    (void)unit.ack(commands[seq - 1], wire::CommandState::done, seq);
  };
  for (std::uint64_t seq = 1; seq <= kCommands; ++seq) {
    say(seq);
    if (seq == kCommands / 2) {
      server->kill9();
      server->restart();
    }
  }
  // As an outbox does: everything that is not acknowledged, again and again.
  CHECK(eventually(
      [&] {
        for (std::uint64_t seq = unit.acknowledged() + 1;
             seq <= std::min<std::uint64_t>(kCommands, unit.acknowledged() + 256);
             ++seq) {
          say(seq);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return unit.acknowledged() == kCommands;
      },
      std::chrono::seconds(60)));
  CHECK(asker.unit("ship1")->commands ==
        wire::CommandCounts{0, static_cast<std::int64_t>(kCommands), 0});
}

TEST_CASE("station: messages of garbage are counted, and nothing grows") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const RunningStation station(server->url(), folder.path());
  Asker asker(server->url());
  SpokenUnit unit(server->url(), "ship1");
  CHECK(unit.hello());
  const auto counted = [&asker](const char* what) {
    const auto rows = asker.ask("station");
    return rows.empty() ? std::int64_t{-1} : nlohmann::json::parse(rows[0]).value(what, -1L);
  };
  const auto send = [&](int count) {
    const std::vector<std::string> subjects{"ship1.event.hello.agent",
                                            "UPPER.event.ack.shellcommand",
                                            "ship1.event.ack.shellcommand",
                                            "UPPER.event.hello.agent",
                                            "UPPER.command.shellcommand.c"};
    for (int i = 0; i < count; ++i) {
      const auto number = static_cast<std::size_t>(i);
      bus::Message message{subjects[number % subjects.size()],
                           {},
                           std::string(number % 200, static_cast<char>(number % 256)),
                           {}};
      if (i % 3 == 0) {
        message.headers.add("ce-id", "not an id");
      }
      REQUIRE(asker.bus().publish(message));
      if (i % 1'000 == 0) {
        REQUIRE(asker.bus().flush(std::chrono::seconds(10)));
      }
    }
    REQUIRE(asker.bus().flush(std::chrono::seconds(10)));
  };
  const auto all_counted = [&](std::int64_t count) {
    return eventually([&] { return counted("malformed") == count; }, std::chrono::seconds(60));
  };
  // As fast as the station takes it, so that nothing has to be dropped and each one is counted.
  constexpr int kPortion = 10'000;
  const int all = std::getenv("STEWARD_LONG") != nullptr ? 1'000'000 : 40'000;
  long before = 0;
  for (int sent = kPortion; sent <= all; sent += kPortion) {
    send(kPortion);
    REQUIRE(all_counted(sent));
    if (sent <= all / 2) {
      before = resident_kilobytes();
    }
  }
  CHECK(counted("dropped") == 0);
  CHECK(resident_kilobytes() - before < kAllowedGrowth);
  CHECK(asker.ask("units").size() == 1);
  // What is sound among the garbage is heard: the flood may have taken longer than two intervals.
  CHECK(unit.hello());
  CHECK(eventually([&] { return asker.unit("ship1")->state == wire::UnitState::up; },
                   std::chrono::seconds(10)));
}

}  // namespace
}  // namespace steward::tests::under_load_test
