#include "tests/integration/update/rig.hpp"

#include "handlers/osupdate/dpkg_state.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <utility>

namespace steward::tests {
namespace {

using nlohmann::json;

constexpr const char* kScript = STEWARD_SOURCE_DIR "/tests/handlers/osupdate/repository.sh";

int shell(const std::string& line) { return std::system(line.c_str()); }

std::string quoted_path(const std::filesystem::path& path) { return '"' + path.string() + '"'; }

}  // namespace

UpdateUnit::UpdateUnit(const std::string& broker,
                       std::string name,
                       const std::filesystem::path& parent)
    : name_(std::move(name)), folder_(parent) {
  repository("make");
  const auto at = folder_.path();
  std::ofstream(at / "edge.toml") << "broker = \"" << broker
                                  << "\"\n[hello]\ninterval_ms = 300\n[osupdate]\ncheck_ms = 0\n"
                                  << "shim = \"" STEWARD_BIN_DIR "/steward-shim\"\napt_config = "
                                  << quoted_path(at / "apt.conf")
                                  << "\nroot = " << quoted_path(at / "root")
                                  << "\ndpkg = " << quoted_path(at / "dpkg")
                                  << "\nboot_id = " << quoted_path(at / "boot")
                                  << "\nsystemctl = [\"sh\", \"-c\", \"echo $* >> "
                                  << (at / "told").string() << "\", \"sh\"]\nown_ms = 5000\n";
  boot();
}

void UpdateUnit::boot() const {
  std::ofstream(folder_.path() / "boot") << "boot " << boots_ << "\n";
}

// From its own package where it has one.
void UpdateUnit::start() {
  const auto packed = folder_.path() / "root/opt/steward-edge/program";
  agent_ = std::make_unique<Program>(folder_.path(),
                                     std::vector<std::string>{"run",
                                                              "--name",
                                                              name_,
                                                              "--config",
                                                              folder_.path() / "edge.toml",
                                                              "--state-dir",
                                                              folder_.path() / "state"},
                                     std::filesystem::exists(packed) ? packed : "steward-edge");
}

bool UpdateUnit::obey() {
  const auto told = folder_.path() / "told";
  if (text_of(told).find("restart") == std::string::npos) {
    return false;
  }
  std::filesystem::remove(told);
  kill9();
  start();
  return true;
}

void UpdateUnit::kill9() { agent_.reset(); }

bool UpdateUnit::is_to_reboot() const {
  return text_of(folder_.path() / "told").find("reboot") != std::string::npos;
}

void UpdateUnit::reboot() {
  kill9();
  ++boots_;
  boot();
  std::filesystem::remove(folder_.path() / "told");
  start();
}

void UpdateUnit::repository(const std::string& words, const std::string& environment) const {
  REQUIRE(shell(environment + " " + kScript + " " + folder_.path().string() + " " + words) == 0);
}

void UpdateUnit::publish() const {
  repository("publish");
  REQUIRE(apt("-o APT::Update::Error-Mode=any update") == 0);
}

int UpdateUnit::apt(const std::string& words) const {
  return shell("APT_CONFIG=" + (folder_.path() / "apt.conf").string() +
               " DEBIAN_FRONTEND=noninteractive apt-get -qq -y " + words +
               " </dev/null >/dev/null 2>&1");
}

std::string UpdateUnit::version(const std::string& package) const {
  const auto state = handlers::osupdate::read_dpkg_state(folder_.path() / "root/var/lib/dpkg");
  REQUIRE(state);
  const auto at = state->packages.find(package);
  return at == state->packages.end() ? "" : at->second.version;
}

bool UpdateUnit::is_whole() const {
  const auto state = handlers::osupdate::read_dpkg_state(folder_.path() / "root/var/lib/dpkg");
  return state && state->is_whole();
}

std::vector<pid_t> UpdateUnit::pids_of(const std::string& program) const {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos &&
        text_of(entry.path() / "comm") == program + "\n" &&
        (text_of(entry.path() / "environ") + text_of(entry.path() / "cmdline"))
                .find(folder_.path().string()) != std::string::npos) {
      pids.push_back(std::stoi(name));
    }
  }
  return pids;
}

std::unique_ptr<UpdateFleet> UpdateFleet::start(const std::string& config,
                                                const std::vector<std::string>& units) {
  auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return nullptr;
  }
  std::unique_ptr<UpdateFleet> fleet(new UpdateFleet(std::move(server)));
  std::ofstream(fleet->folder_.path() / "steward.toml")
      << "broker = \"" << fleet->server_->url()
      << "\"\nstate_dir = " << quoted_path(fleet->folder_.path() / "state")
      << "\n[http]\nlisten = \"127.0.0.1:0\"\n"
      << config;
  fleet->start_station();
  for (const auto& name : units) {
    auto& unit = fleet->units_[name];
    unit = std::make_unique<UpdateUnit>(fleet->server_->url(), name);
    unit->start();
    REQUIRE_MESSAGE(eventually([&] { return fleet->is_up(name); }, std::chrono::minutes(1)),
                    unit->log());
  }
  return fleet;
}

UpdateFleet::UpdateFleet(std::unique_ptr<NatsServer> server)
    : server_(std::move(server)), ears_(connect(server_->url(), "ears")) {
  auto heard = ears_->subscribe("*.event.ack.>",
                                [this](bus::Message&& message) { hear(std::move(message)); });
  REQUIRE(heard);
  heard_ = *std::move(heard);
}

void UpdateFleet::hear(bus::Message&& message) {
  const bus::Channel channel(
      *wire::Source::parse("/ears"), wire::Completeness::filled_in, bus::system_ids());
  const auto opened = channel.open(std::move(message), SpokenUnit::now());
  const auto ack = opened ? wire::decode_ack(opened->payload) : wire::decode_ack("");
  if (ack && wire::is_terminal(ack->state) && opened->envelope.position) {
    const auto& place = *opened->envelope.position;
    const std::lock_guard lock(mutex_);
    ends_[ack->ref.str()].emplace(place.epoch.str(), place.seq);
  }
}

int UpdateFleet::ends(const wire::MessageId& command) const {
  const std::lock_guard lock(mutex_);
  const auto at = ends_.find(command.str());
  return at == ends_.end() ? 0 : static_cast<int>(at->second.size());
}

void UpdateFleet::start_station() {
  station_ = std::make_unique<Program>(
      folder_.path(), std::vector<std::string>{"run", "--config", folder_.path() / "steward.toml"});
  asker_ = std::make_unique<Asker>(server_->url());
  REQUIRE_MESSAGE(eventually([this] { return asker_->acts(); }, std::chrono::minutes(1)),
                  station_->output());
}

void UpdateFleet::restart_station() {
  station_.reset();
  start_station();
}

bool UpdateFleet::is_up(const std::string& unit) {
  const auto row = asker_->unit(unit);
  return row && row->state == wire::UnitState::up;
}

wire::MessageId UpdateFleet::send(const std::string& unit, const std::string& payload) const {
  const bus::Channel channel(
      *wire::Source::parse("/operator/ann"), wire::Completeness::filled_in, bus::system_ids());
  const auto envelope =
      channel.envelope(*wire::Subject::parse(unit + ".command.osupdate.system"), SpokenUnit::now());
  REQUIRE(asker_->bus().publish(channel.seal(envelope, payload)));
  return envelope.id;
}

UpdateFleet::Course UpdateFleet::course(const wire::MessageId& command) {
  Course course;
  for (const auto& row : asker_->ask("job", R"({"command":")" + command.str() + "\"}")) {
    const auto detail = wire::decode_job_detail(row);
    REQUIRE(detail);
    for (const auto& unit : detail->units) {
      course.state = wire::word(unit.state);
      course.code = unit.code;
      course.message = unit.message;
      course.result = unit.result;
    }
  }
  return course;
}

std::map<std::string, std::string> UpdateFleet::leases() {
  std::map<std::string, std::string> leases;
  for (const auto& row : asker_->ask("reboots")) {
    const auto lease = json::parse(row);
    leases[lease["unit"]] = lease["state"];
  }
  return leases;
}

}  // namespace steward::tests
