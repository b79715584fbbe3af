#include "subjects/identity/key.hpp"
#include "subjects/identity/known_units.hpp"
#include "tools/bench/child_process.hpp"
#include "tools/bench/measurements.hpp"

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace steward::bench {

namespace {

using RevocationClock = std::chrono::steady_clock;

constexpr int kRevoked = 10'000;
constexpr double kBarPushed = 1;  // seconds
constexpr std::chrono::seconds kPatienceForUnits{60};
constexpr std::chrono::seconds kSettleUnits{5};

std::string revoked_name(int number) { return "gone" + std::to_string(number); }

// What a cluster keeps of units that have been let in.
Result<void> remember_units(const std::filesystem::path& folder) {
  for (int number = 0; number < kRevoked; ++number) {
    STEWARD_TRY(const auto name, wire::NodeName::parse(revoked_name(number)));
    STEWARD_TRY(const auto message, identity::PrivateKey::generate());
    STEWARD_TRY(const auto authority, identity::PrivateKey::generate());
    STEWARD_TRY(const auto login, identity::NkeyPair::generate(identity::NkeyKind::user));
    if (auto kept = identity::remember_unit(
            folder, name, {message.public_key(), login.public_key(), authority.public_key().id()});
        !kept) {
      return kept;
    }
  }
  return {};
}

// A demo with signatures, in a folder of its own.
class SignedDemo {
 public:
  SignedDemo(std::filesystem::path folder, std::filesystem::path programs)
      : folder_(std::move(folder)), programs_(std::move(programs)) {}

  std::filesystem::path cluster() const { return folder_ / "demo/cluster"; }

  Result<std::unique_ptr<ChildProcess>> begin(const std::string& program,
                                              std::vector<std::string> words) const {
    words.insert(words.begin(), (programs_ / program).string());
    return ChildProcess::start(
        words, {"XDG_RUNTIME_DIR=" + folder_.string()}, folder_ / "revocation.log");
  }

  Result<std::unique_ptr<ChildProcess>> run(const std::string& units,
                                            std::vector<std::string> more) const {
    std::vector<std::string> words{
        "demo", "--units", units, "--dir", (folder_ / "demo").string(), "--http", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    return begin("steward", std::move(words));
  }

  Result<void> ctl(std::vector<std::string> words) const {
    const auto verb = words.front();
    STEWARD_TRY(const auto running, begin("stewardctl", std::move(words)));
    auto done = running->finish();
    return done ? done : failure(done.error().code, verb + ": " + last_said());
  }

 private:
  std::string last_said() const {
    std::ifstream log(folder_ / "revocation.log");
    std::string last;
    for (std::string line; std::getline(log, line);) {
      last = line.empty() ? last : line;
    }
    return last;
  }

  const std::filesystem::path folder_;
  const std::filesystem::path programs_;
};

Result<void> wait_for_units(const SignedDemo& demo) {
  const auto until = RevocationClock::now() + kPatienceForUnits;
  const std::vector<std::string> ping{"ping", "demo1,demo2,demo3"};
  auto answered = demo.ctl(ping);
  while (!answered && RevocationClock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    answered = demo.ctl(ping);
  }
  return answered;
}

Result<double> seconds_for(const SignedDemo& demo, const std::vector<std::string>& words) {
  const auto began = RevocationClock::now();
  if (auto done = demo.ctl(words); !done) {
    return tl::unexpected(std::move(done).error());
  }
  return std::chrono::duration<double>(RevocationClock::now() - began).count();
}

}  // namespace

Result<std::vector<Figure>> measure_revocations(Rig&) {
  STEWARD_TRY(const auto folder, TemporaryFolder::make());
  STEWARD_TRY(const auto own, own_program());
  const SignedDemo demo(folder.path(), own.parent_path());
  // Once for its cluster alone; who runs already would read each file as it comes.
  STEWARD_TRY(const auto making, demo.run("0", {"--for", "1"}));
  if (auto made = making->finish(); !made) {
    return tl::unexpected(std::move(made).error());
  }
  if (auto kept = remember_units(demo.cluster() / "station/units"); !kept) {
    return tl::unexpected(std::move(kept).error());
  }
  STEWARD_TRY(const auto running, demo.run("3", {}));
  if (auto up = wait_for_units(demo); !up) {
    return tl::unexpected(std::move(up).error());
  }
  std::vector<std::string> revoke{"revoke", "--yes", "--dir", demo.cluster().string()};
  for (int number = 0; number < kRevoked; ++number) {
    revoke.push_back(revoked_name(number));
  }
  auto in_files = revoke;
  in_files.emplace_back("--only-files");
  STEWARD_TRY(const double making_them, seconds_for(demo, in_files));
  std::this_thread::sleep_for(kSettleUnits);
  STEWARD_TRY(const double reading_them, seconds_for(demo, in_files));
  STEWARD_TRY(const double whole, seconds_for(demo, revoke));
  return std::vector{
      Figure{
          .name = "10,000 revocations made in a cluster's files", .unit = "s", .ours = making_them},
      Figure{.name = "pushed, in force at broker, station and units",
             .unit = "s",
             .ours = whole - reading_them,
             .bar = {BarKind::value_at_most, kBarPushed}}};
}

}  // namespace steward::bench
