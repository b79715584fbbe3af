#include "tests/fault/support/fleet.hpp"

#include "tests/fault/support/operator.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartLimit{90};
constexpr std::size_t kShownLog = 4'000;

fs::path make_folder() {
  auto pattern = (fs::temp_directory_path() / "steward-fault-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  return pattern;
}

std::string tail(const std::string& text) {
  return text.size() <= kShownLog ? text : "..." + text.substr(text.size() - kShownLog);
}

std::string program(const std::string& name) { return std::string(STEWARD_BIN_DIR) + "/" + name; }

}  // namespace

bool is_long() { return std::getenv("STEWARD_LONG") != nullptr; }

Chance::Chance() {
  const char* given = std::getenv("STEWARD_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  MESSAGE("STEWARD_SEED=", seed);
  engine_.seed(seed);
}

std::unique_ptr<Fleet> Fleet::start() { return start(Options{}); }

std::unique_ptr<Fleet> Fleet::start(Options options) {
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options)));
  NatsServer::Options broker;
  broker.jetstream_dir = fleet->folder_ / "jetstream";
  broker.arguments = fleet->options_.nats_arguments;
  // Also started where the station has one of its own, to see whether there is a nats-server.
  fleet->broker_ = NatsServer::start(broker);
  if (!fleet->broker_) {
    return nullptr;
  }
  if (fleet->options_.broker == BrokerOf::station) {
    fleet->broker_->kill9();
    fleet->port_ = free_port();  // the managed broker has to come back on the same one
  }
  fleet->write_configuration();
  const auto& folder = fleet->folder_;
  std::vector<std::string> words{program("steward"), "run", "--config", folder / "steward.toml"};
  fleet->station_ = std::make_unique<Process>(Program{words, folder / "station.log", {}});
  fleet->bring_up(*fleet->station_);
  for (std::size_t number = 0; number < static_cast<std::size_t>(fleet->options_.units); ++number) {
    const auto name = name_of(number);
    words = {program("steward-edge"),
             "run",
             "--name",
             name,
             "--config",
             folder / "edge.toml",
             "--state-dir",
             fleet->unit_dir(number)};
    fleet->units_.push_back(std::make_unique<Process>(
        Program{words, folder / (name + ".log"), fleet->options_.unit_network}));
    fleet->bring_up(*fleet->units_.back());
  }
  Operator eva(fleet->url());
  for (std::size_t number = 0; number < fleet->size(); ++number) {
    const bool up = fleet->tend_until(
        [&] {
          const auto row = eva.unit(name_of(number));
          return row && row->state == wire::UnitState::up;
        },
        kStartLimit);
    REQUIRE_MESSAGE(up, "the fleet did not start:\n", fleet->last_words());
  }
  return fleet;
}

Fleet::Fleet(Options options) : options_(std::move(options)), folder_(make_folder()) {}

Fleet::~Fleet() {
  units_.clear();
  if (station_ && options_.broker == BrokerOf::station && station_->running()) {
    station_->end_by(SIGTERM);  // with its broker
  }
  station_.reset();
  broker_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string Fleet::url() const {
  return options_.broker == BrokerOf::station ? "nats://127.0.0.1:" + std::to_string(port_)
                                              : broker_->url();
}

std::string Fleet::last_words() const {
  std::string text = "station:\n" + tail(station_->log());
  for (std::size_t number = 0; number < size(); ++number) {
    text += name_of(number) + ":\n" + tail(units_[number]->log());
  }
  return text;
}

fs::path Fleet::unit_dir(std::size_t number) const {
  const auto parent = options_.unit_dir.empty() ? folder_ : options_.unit_dir;
  return parent / name_of(number);
}

fs::path Fleet::station_dir() const {
  return options_.station_dir.empty() ? folder_ / "station" : options_.station_dir;
}

void Fleet::write_configuration() const {
  std::ofstream edge(folder_ / "edge.toml");
  const auto host = options_.unit_host.empty()
                        ? url()
                        : "nats://" + options_.unit_host + url().substr(url().rfind(':'));
  edge << "broker = \"" << host << "\"\n"
       << "[hello]\ninterval_ms = " << options_.hello.count() << "\n"
       << options_.edge_config;
  std::ofstream station(folder_ / "steward.toml");
  station << "state_dir = \"" << station_dir().string() << "\"\n";
  if (options_.broker == BrokerOf::station) {
    station << "[managed_broker]\nport = " << port_ << "\n";
  } else {
    station << "broker = [\"" << url() << "\"]\n";
  }
  station << options_.station_config;
}

bool Fleet::tend() {
  bool good = true;
  const auto look = [this, &good](Process& process) {
    const auto before = process.surprises().size();
    if (!process.running() && !held_.contains(&process)) {
      process.start(options_.environment);
    }
    good = good && process.surprises().size() == before;
  };
  look(*station_);
  for (const auto& unit : units_) {
    look(*unit);
  }
  return good;
}

void Fleet::take_down(Process& process, int signal) {
  hold(process);
  process.end_by(signal);
}

void Fleet::bring_up(Process& process, const Process::Environment& extra) {
  held_.erase(&process);
  auto environment = options_.environment;
  environment.insert(extra.begin(), extra.end());
  process.start(environment);
}

bool Fleet::tend_until(const std::function<bool()>& is_so, std::chrono::milliseconds limit) {
  return eventually(
      [this, &is_so] {
        CHECK_MESSAGE(tend(), surprises());
        return is_so();
      },
      limit);
}

std::string Fleet::surprises() const {
  std::ostringstream text;
  const auto look = [&text](const std::string& name, const Process& process) {
    for (const int status : process.surprises()) {
      text << name << " ended with " << status << "\n" << tail(process.log()) << "\n";
    }
  };
  look("the station", *station_);
  for (std::size_t number = 0; number < units_.size(); ++number) {
    look(name_of(number), *units_[number]);
  }
  return text.str();
}

}  // namespace steward::tests
