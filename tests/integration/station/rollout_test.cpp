#include "tests/integration/station/program.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace steward::tests::rollout_test {
namespace {

using std::chrono_literals::operator""s;

constexpr std::size_t kUnits = 200;
const std::set<std::string> kBad{"unit050", "unit090", "unit130", "unit170"};  // 2 %

std::string name_of(std::size_t number) { return fmt::format("unit{:03}", number); }

// Two hundred units on one connection: each runs a command once, and says how it ended.
class SimulatedFleet {
 public:
  explicit SimulatedFleet(const std::string& url)
      : bus_(connect(url, "fleet")),
        ids_(bus::system_ids()),
        epoch_(ids_(SpokenUnit::now())),
        channel_(*wire::Source::parse("/fleet"), wire::Completeness::filled_in, ids_) {
    auto heard = bus_->subscribe("*.command.shellcommand.operatingsystem",
                                 [this](bus::Message&& message) { take(message); });
    REQUIRE(heard);
    heard_ = std::move(*heard);
    REQUIRE(bus_->flush(5s));
  }

  // As often as units do, about.
  void hello() {
    if (std::chrono::steady_clock::now() < next_hello_) {
      return;
    }
    next_hello_ = std::chrono::steady_clock::now() + 3s;
    for (std::size_t i = 0; i < kUnits; ++i) {
      wire::Hello hello;
      hello.session = epoch_.str();
      say(name_of(i), "hello.agent", wire::encode(hello), std::nullopt);
    }
  }

  std::size_t ran() const {
    const std::lock_guard lock(mutex_);
    return ran_.size();
  }

  // Units that have got more than one command.
  std::size_t ran_twice() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, int> commands;
    for (const auto& [id, unit] : ran_) {
      ++commands[unit];
    }
    return static_cast<std::size_t>(std::count_if(
        commands.begin(), commands.end(), [](const auto& unit) { return unit.second > 1; }));
  }

 private:
  void say(const std::string& unit,
           const std::string& rest,
           std::string payload,
           std::optional<wire::Position> position) {
    auto envelope =
        channel_.envelope(*wire::Subject::parse(unit + ".event." + rest), SpokenUnit::now());
    envelope.source = wire::Source::node(*wire::NodeName::parse(unit));
    envelope.position = std::move(position);
    (void)bus_->publish(channel_.seal(envelope, std::move(payload)));
  }

  void take(const bus::Message& message) {
    const auto id = wire::MessageId::parse(std::string(*message.headers.find("ce-id")));
    const auto unit = message.subject.substr(0, message.subject.find('.'));
    std::uint64_t seq = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!id || !ran_.emplace(*id, unit).second) {
        return;
      }
      seq = ++seqs_[unit];
    }
    const auto state = kBad.contains(unit) ? wire::CommandState::failed : wire::CommandState::done;
    const wire::Ack ack{*id, "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    say(unit, "ack.shellcommand", wire::encode(ack), wire::Position{epoch_, seq});
  }

  std::unique_ptr<bus::NatsBus> bus_;
  const bus::Channel::NewId ids_;
  const wire::MessageId epoch_;
  const bus::Channel channel_;
  mutable std::mutex mutex_;
  std::map<wire::MessageId, std::string> ran_;
  std::map<std::string, std::uint64_t> seqs_;
  std::chrono::steady_clock::time_point next_hello_;
  std::unique_ptr<bus::Subscription> heard_;
};

// A real broker, a real station that may be killed, a person with stewardctl.
class Scene {
 public:
  Scene() : server_(NatsServer::start_with_jetstream()) {
    if (server_) {
      rise();
      fleet_.emplace(server_->url());
      asker_.emplace(server_->url());
      REQUIRE(eventually([this] { return asker_->acts(); }, 60s));
      fleet_->hello();
      REQUIRE(eventually([this] { return asker_->ask("units").size() == kUnits; }, 60s));
    }
  }

  bool is_there() const { return server_ != nullptr; }

  void rise(const std::string& crash = "") {
    ::setenv("STEWARD_CRASH", crash.c_str(), 1);
    station_ = std::make_unique<Program>(
        folder_.path(),
        std::vector<std::string>{
            "run", "--broker", server_->url(), "--state-dir", (folder_.path() / "state").string()});
    ::unsetenv("STEWARD_CRASH");
  }

  // What stewardctl prints; its exit status has to be that one.
  std::string ctl(const std::string& words, int status = 0) {
    const auto out = folder_.path() / "out";
    const auto line = fmt::format(
        "XDG_CONFIG_HOME={0} XDG_RUNTIME_DIR={0} {1}/stewardctl --server "
        "{2} {3} >{4} 2>{4}.err",
        folder_.path().string(),
        STEWARD_BIN_DIR,
        server_->url(),
        words,
        out.string());
    const int ended = std::system(line.c_str());
    CHECK_MESSAGE(WEXITSTATUS(ended) == status, text_of(out.string() + ".err"));
    return text_of(out);
  }

  wire::RolloutRow row() {
    const auto rows = asker_->ask("rollouts", "{}", 1s);
    const auto row = rows.empty() ? Result<wire::RolloutRow>(failure(ErrorCode::not_found, ""))
                                  : wire::decode_rollout_row(rows.front());
    return row.value_or(wire::RolloutRow{.plan = {.rollout = ids_(SpokenUnit::now()),
                                                  .method = {},
                                                  .domain = {},
                                                  .payload = {},
                                                  .max_fail = {}}});
  }

  // How many units of the job are in that state.
  std::size_t in_state(const std::string& job, wire::CommandState state) {
    std::size_t count = 0;
    for (const auto& text : asker_->ask("job", R"({"job":")" + job + R"(","limit":1000})")) {
      const auto detail = wire::decode_job_detail(text);
      REQUIRE(detail);
      count += static_cast<std::size_t>(
          std::count_if(detail->units.begin(), detail->units.end(), [state](const auto& unit) {
            return unit.state == state;
          }));
    }
    return count;
  }

  SimulatedFleet& fleet() { return *fleet_; }

  Program& station() { return *station_; }

 private:
  const TemporaryFolder folder_;
  const bus::Channel::NewId ids_ = bus::system_ids();
  std::unique_ptr<NatsServer> server_;
  std::unique_ptr<Program> station_;
  std::optional<SimulatedFleet> fleet_;
  std::optional<Asker> asker_;
};

void check_halted(Scene& scene, const std::string& job) {
  REQUIRE(eventually(
      [&scene] {
        scene.fleet().hello();
        return scene.row().state == wire::RolloutState::halted;
      },
      120s));
  // The third bad one is in the seventh group after the canary: 1 + 7 * 20 were asked.
  REQUIRE(eventually([&scene] { return scene.row().counts.running == 0; }));
  const auto row = scene.row();
  CHECK(row.reason == "3 of 141 have failed, at most 2 may");
  CHECK(row.counts == wire::RolloutCounts{.held = 59, .done = 138, .failed = 3});
  CHECK(scene.fleet().ran() == 141);
  CHECK(scene.fleet().ran_twice() == 0);
  CHECK(scene.in_state(job, wire::CommandState::held) == 59);
  CHECK(scene.in_state(job, wire::CommandState::done) == 138);
}

std::string begin(Scene& scene) {
  const auto out = scene.ctl(
      "-y -o name run --all --batch 10% --canary 1 --max-fail 2 --pause 300ms --no-wait -- true");
  return out.substr(0, out.find('\n'));
}

TEST_CASE("rollout: 200 units, 2 % bad ones: it stops at the threshold and is aborted") {
  Scene scene;
  if (!scene.is_there()) {
    return;
  }
  const auto job = begin(scene);
  check_halted(scene, job);
  CHECK(scene.ctl("rollout wait " + job, 1).find("halted") != std::string::npos);
  scene.ctl("rollout abort");
  CHECK(scene.in_state(job, wire::CommandState::cancelled) == 59);
  CHECK(scene.fleet().ran() == 141);
}

TEST_CASE("rollout: a station that is killed in its middle, again and again, changes nothing") {
  Scene scene;
  if (!scene.is_there()) {
    return;
  }
  const auto job = begin(scene);
  const auto dies_after = [&scene](std::size_t ran) {
    REQUIRE(eventually(
        [&] {
          scene.fleet().hello();
          return scene.fleet().ran() >= ran;
        },
        60s));
    scene.station().kill9();
    REQUIRE(scene.station().wait() == 128 + SIGKILL);
  };
  dies_after(1);
  for (const std::size_t ran : {21, 61}) {
    scene.rise();
    dies_after(ran);
  }
#if defined(STEWARD_CRASH_POINTS)
  // With a group on disk, none of it or some of it out.
  for (const auto* point : {"station.rollout.released:1", "station.rollout.published:7"}) {
    scene.rise(point);
    CHECK(scene.station().wait() == 128 + SIGKILL);
  }
#endif
  scene.rise();
  check_halted(scene, job);
}

}  // namespace
}  // namespace steward::tests::rollout_test
