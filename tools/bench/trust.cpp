#include "subjects/bus/trust_files.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/wire/ack.hpp"
#include "tools/bench/child_process.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/statistics.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace steward::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kSealed = 2'000;
constexpr int kUnits = 1'000;
constexpr double kBarSigning = 0.3;   // milliseconds
constexpr double kBarEnrolling = 60;  // seconds
constexpr const char* kCluster = "fleet";
constexpr const char* kBroker = "nats://127.0.0.1:4222";  // written down only

// A cluster's folder, and the programs that make what is in it.
class Cluster {
 public:
  [[nodiscard]] static Result<Cluster> make(fs::path folder) {
    STEWARD_TRY(const auto own, own_program());
    Cluster cluster(std::move(folder), own.parent_path());
    if (auto made = cluster.call("steward", {"init", "--dir", cluster.at("fleet")}); !made) {
      return tl::unexpected(std::move(made).error());
    }
    std::ifstream(cluster.at("fleet/root.pub")) >> cluster.root_;
    return cluster;
  }

  Result<void> call(const std::string& program, std::vector<std::string> words) const {
    words.insert(words.begin(), (programs_ / program).string());
    STEWARD_TRY(const auto running, ChildProcess::start(words, {}, at("log")));
    if (auto done = running->finish(); !done) {
      return tl::unexpected(
          std::move(done).error().with_context(program + " " + words.at(1) + ", see " + at("log")));
    }
    return {};
  }

  std::string at(const std::string& file) const { return (folder_ / file).string(); }

  const std::string& root() const { return root_; }

  Result<std::unique_ptr<bus::Guard>> guard(const std::string& key) const {
    const bus::TrustFiles files{.cluster = kCluster,
                                .roots = {root_},
                                .key = at(key),
                                .policy = at("fleet/policy.signed"),
                                .kept = at("kept"),
                                .units = at("fleet/station/units")};
    STEWARD_TRY(auto guard, bus::open_guard(files));
    std::string wrong;
    bus::TrustWatch watch(
        files, *guard, {[](const auto&) {}, [&wrong](const auto& why) { wrong = why; }});
    watch.look(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()));
    if (!wrong.empty()) {
      return failure(ErrorCode::internal, wrong);
    }
    return guard;
  }

 private:
  Cluster(fs::path folder, fs::path programs)
      : folder_(std::move(folder)), programs_(std::move(programs)) {}

  fs::path folder_;
  fs::path programs_;
  std::string root_;
};

struct Ends {
  bus::Channel sender;
  bus::Channel unit;
  bus::Channel reader;
};

// Who reads the ACK for a person checks no signature: the station has.
Ends ends(const bus::Guard* sender, const bus::Guard* unit) {
  const auto channel = [](std::string_view source, const bus::Guard* guard) {
    return bus::Channel(
        *wire::Source::parse(source), wire::Completeness::required, bus::system_ids(), guard);
  };
  return Ends{channel("/operator/admin", sender),
              channel("/unit0", unit),
              channel("/operator/admin", nullptr)};
}

// A command to the unit and its ACK, as they are made and read at both ends.
Result<void> one_way_and_back(const Ends& ends) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  STEWARD_TRY(auto to, wire::Subject::parse("unit0.command.shellcommand.operatingsystem"));
  STEWARD_TRY(auto back, wire::Subject::parse("unit0.event.ack.shellcommand"));
  STEWARD_TRY(const auto unit, wire::NodeName::parse("unit0"));
  auto command = ends.sender.seal(ends.sender.envelope(std::move(to), now), R"({"op":"list"})");
  const auto opened = ends.unit.open_command(unit, std::move(command), now);
  if (!opened) {
    return tl::unexpected(opened.error().error);
  }
  auto envelope = ends.unit.envelope(std::move(back), now);
  envelope.ref = opened->envelope.id;
  auto ack = ends.unit.seal(envelope,
                            wire::encode(wire::Ack{.ref = opened->envelope.id,
                                                   .domain = "operatingsystem",
                                                   .state = wire::CommandState::accepted}));
  const auto heard = ends.reader.open(std::move(ack), now);
  return heard ? Result<void>() : tl::unexpected(heard.error().error);
}

// What OpenSSL alone takes for it: the command's signature, its check at the unit, the ACK's.
void signed_and_checked(const identity::PrivateKey& key) {
  static const std::string bytes(300, 'a');
  for (int i = 0; i < 2; ++i) {
    const auto signature = key.sign(identity::Purpose::message, bytes);
    if (i == 0 && signature) {
      key.public_key().verifies(identity::Purpose::message, bytes, *signature);
    }
  }
}

Result<Figure> measure_signing(const Cluster& cluster) {
  if (auto made = cluster.call(
          "steward",
          {"unit", "unit0", "--cluster-dir", cluster.at("fleet"), "--out", cluster.at("unit0")});
      !made) {
    return tl::unexpected(std::move(made).error());
  }
  STEWARD_TRY(const auto sender, cluster.guard("fleet/people/admin.key"));
  STEWARD_TRY(const auto unit, cluster.guard("unit0/message.key"));
  const auto open_ends = ends(nullptr, nullptr);
  const auto guarded_ends = ends(sender.get(), unit.get());
  STEWARD_TRY(const auto key, identity::PrivateKey::generate());
  Samples unsigned_ones;
  Samples signed_ones;
  Samples primitives;
  for (int i = 0; i < kSealed; ++i) {  // in turn: the machine's speed is not the same for long
    const auto began = SteadyClock::now();
    const auto unguarded = one_way_and_back(open_ends);
    const auto between = SteadyClock::now();
    const auto guarded = unguarded ? one_way_and_back(guarded_ends) : unguarded;
    if (!guarded) {
      return tl::unexpected<Error>(guarded.error());
    }
    const auto then = SteadyClock::now();
    signed_and_checked(key);
    unsigned_ones.add(between - began);
    signed_ones.add(then - between);
    primitives.add(SteadyClock::now() - then);
  }
  const auto median = [](const Samples& samples) {
    return std::chrono::duration<double, std::milli>(samples.percentile(0.5)).count();
  };
  return Figure{.name = "signatures of a command and its ACK",
                .unit = "ms",
                .ours = median(signed_ones) - median(unsigned_ones),
                .peer_name = "Ed25519 by OpenSSL alone",
                .peer = median(primitives),
                .bar = {BarKind::value_at_most, kBarSigning}};
}

Result<void> each_unit(const Cluster& cluster,
                       const std::function<std::vector<std::string>(const std::string&)>& words) {
  for (int i = 1; i <= kUnits; ++i) {
    if (auto done = cluster.call("steward-edge", words("unit" + std::to_string(i))); !done) {
      return done;
    }
  }
  return {};
}

Result<Figure> measure_enrolling(const Cluster& cluster) {
  const auto began = SteadyClock::now();
  const auto dir = [&cluster](const std::string& unit) { return cluster.at("units/" + unit); };
  if (auto made = each_unit(cluster,
                            [&](const std::string& unit) {
                              return std::vector<std::string>{"init",
                                                              "--name",
                                                              unit,
                                                              "--cluster",
                                                              kCluster,
                                                              "--root",
                                                              cluster.root(),
                                                              "--broker",
                                                              kBroker,
                                                              "--dir",
                                                              dir(unit)};
                            });
      !made) {
    return tl::unexpected(std::move(made).error());
  }
  const fs::path requests = cluster.at("requests");
  fs::create_directory(requests);
  for (int i = 1; i <= kUnits; ++i) {
    const auto unit = "unit" + std::to_string(i);
    fs::rename(fs::path(dir(unit)) / (unit + ".req"), requests / (unit + ".req"));
  }
  if (auto made = cluster.call(
          "stewardctl",
          {"ca", "sign", requests.string(), "--dir", cluster.at("fleet"), "--yes", "-q"});
      !made) {
    return tl::unexpected(std::move(made).error());
  }
  if (auto taken =
          each_unit(cluster,
                    [&](const std::string& unit) {
                      return std::vector<std::string>{
                          "enroll", (requests / (unit + ".bundle")).string(), "--dir", dir(unit)};
                    });
      !taken) {
    return tl::unexpected(std::move(taken).error());
  }
  return Figure{.name = "1,000 units let in by files",
                .unit = "s",
                .ours = std::chrono::duration<double>(SteadyClock::now() - began).count(),
                .bar = {BarKind::value_at_most, kBarEnrolling}};
}

}  // namespace

Result<std::vector<Figure>> measure_trust(Rig&) {
  STEWARD_TRY(const auto folder, TemporaryFolder::make());
  STEWARD_TRY(const auto cluster, Cluster::make(folder.path()));
  STEWARD_TRY(auto signing, measure_signing(cluster));
  STEWARD_TRY(auto enrolling, measure_enrolling(cluster));
  return std::vector{std::move(signing), std::move(enrolling)};
}

}  // namespace steward::bench
