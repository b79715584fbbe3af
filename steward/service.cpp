#include "steward/service.hpp"

#include "steward/files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "subjects/wire/methods.hpp"

#include <cstdlib>
#include <utility>

namespace steward::station {
namespace {

constexpr std::chrono::milliseconds kDrainTimeout{2'000};
constexpr std::size_t kMostPolicies = 8;
constexpr std::chrono::milliseconds kHttpPatience{2'000};

// A broker that has just come up has not failed yet.
constexpr std::chrono::milliseconds kBrokerPatience{10'000};

}  // namespace

Service::Service(Config config,
                 runtime::Loop& loop,
                 runtime::Processes& processes,
                 runtime::Logger log,
                 Callbacks callbacks)
    : config_(std::move(config)),
      loop_(loop),
      processes_(processes),
      log_(std::move(log)),
      callbacks_(std::move(callbacks)),
      policies_(kMostPolicies, [this] { loop_.post([this] { take_policies(); }); }),
      policy_complaint_(clock_, log_),
      accounts_(kMostPolicies, [this] { loop_.post([this] { take_logins(); }); }),
      account_complaint_(clock_, log_) {}

Service::~Service() = default;

void Service::fail(Failure failure, const Error& error) {
  if (const auto failed = std::exchange(callbacks_.failed, nullptr)) {
    failed(failure, error);
  }
}

void Service::start() {
  if (auto opened = open_store(); !opened) {
    fail(Failure::config, opened.error());
    return;
  }
  if (config_.brokers.empty()) {
    start_broker();
  } else {
    connect(config_.brokers);
  }
}

Result<void> Service::open_store() {
  STEWARD_TRY(auto lock, runtime::StateLock::take(config_.state_dir, "steward"));
  lock_.emplace(std::move(lock));
  STEWARD_TRY(auto opened,
              Store::open(config_.state_dir / "station.db", config_.limits, clock_.now()));
  if (!opened.notice.empty()) {
    log_.error(opened.notice);
  }
  store_ = std::move(opened.store);
  return open_trust();
}

Result<void> Service::open_trust() {
  if (!config_.trust) {
    return {};
  }
  STEWARD_TRY(auto guard, bus::open_guard(*config_.trust));
  STEWARD_TRY(
      audit_,
      runtime::Audit::attach(config_.state_dir / runtime::kAuditFile, *guard, clock_, log_));
  trust_.emplace(*config_.trust, std::move(guard), loop_, clock_, log_);
  return {};
}

// The broker hands a policy to the units by itself; the station is one more to take it, and gives
// it to those that were away.
Result<void> Service::hear_policies() {
  if (!trust_) {
    return {};
  }
  for (const auto& node : {std::string("@all"), config_.name.str()}) {
    STEWARD_TRY(auto heard,
                bus_->subscribe(node + ".command." + std::string(wire::kPolicyRoute),
                                [this](bus::Message&& message) {
                                  static_cast<void>(policies_.push(std::move(message.payload)));
                                }));
    heard_.push_back(std::move(heard));
  }
  return {};
}

void Service::take_policies() {
  for (const auto& document : policies_.take()) {
    if (auto taken = trust_->take(document); !taken) {
      policy_complaint_.say("a policy that came over the bus was not taken: " +
                            taken.error().text());
    }
  }
}

// Whoever brings a revocation cannot write the files of the broker that we run.
Result<void> Service::hear_logins() {
  if (!broker_ || config_.logins.empty()) {
    return {};
  }
  STEWARD_TRY(auto heard,
              bus_->subscribe(config_.name.str() + ".command." + std::string(wire::kAccountRoute),
                              [this](bus::Message&& message) {
                                static_cast<void>(accounts_.push(std::move(message.payload)));
                              }));
  heard_.push_back(std::move(heard));
  return {};
}

void Service::take_logins() {
  for (const auto& jwt : accounts_.take()) {
    if (auto taken = take_account(jwt); !taken) {
      account_complaint_.say("logins that came over the bus were not taken: " +
                             taken.error().text());
    }
  }
}

// Believed for the operator's signature alone. On disk before it is in force.
Result<void> Service::take_account(const std::string& jwt) {
  STEWARD_TRY(auto text, identity::read_file(config_.logins));
  STEWARD_TRY(const auto present, identity::LoginConfiguration::parse(text, clock_.now()));
  STEWARD_TRY(const auto next, present.with_account(jwt, clock_.now()));
  if (next != text) {
    auto written = identity::write_file(
        config_.logins, next, identity::Access::everybody, identity::Existing::replace);
    if (!written) {
      return written;
    }
  }
  return broker_->reload_logins();
}

void Service::start_broker() {
  const char* path = std::getenv("PATH");
  broker_ = std::make_unique<Broker>(
      Broker::Settings{"steward-" + config_.name.str(),
                       config_.state_dir / "broker",
                       nats_server_folders(path == nullptr ? "" : path),
                       config_.port,
                       config_.logins},
      loop_,
      processes_,
      log_.tagged("broker"),
      Broker::Callbacks{[this](const std::string& url) {
                          log_.info("broker nats-server " + broker_->version() + " at " + url);
                          if (!bus_) {
                            connect({url});
                          }
                        },
                        [this](const Error& error) { fail(Failure::broker, error); }});
  if (auto started = broker_->start(); !started) {
    fail(Failure::broker, started.error());
  }
}

void Service::connect(const std::vector<std::string>& servers) {
  if (auto started = start_station(servers); !started) {
    fail(Failure::config, started.error());
  }
}

Result<void> Service::start_station(const std::vector<std::string>& servers) {
  bus::NatsOptions options;
  options.servers = servers;
  options.name = config_.name.str();
  options.inbox_prefix = "_INBOX." + config_.name.str();
  options.credentials_file = config_.credentials.string();
  options.tls = config_.tls;
  options.on_link = [this](const bus::LinkStatus& status) {
    loop_.post([this, status] { link_changed(status); });
  };
  STEWARD_TRY(auto own, holder());
  STEWARD_TRY(certificate_,
              runtime::OwnCertificate::keep({config_.trust ? config_.trust->cluster : "",
                                             config_.name,
                                             "station",
                                             config_.credentials.parent_path(),
                                             config_.tls},
                                            loop_,
                                            clock_,
                                            log_));
  STEWARD_TRY(bus_, bus::NatsBus::open(std::move(options)));
  if (auto heard = hear_policies(); !heard) {
    return heard;
  }
  if (auto heard = hear_logins(); !heard) {
    return heard;
  }
  auto streams = config_.streams;
  streams.space = broker_ ? broker_->store_bytes() : 0;
  Station::Settings settings{
      config_.name, wire::Completeness::filled_in, std::move(own), std::move(streams)};
  STEWARD_TRY(settings.enrollments, enrollments());
  settings.logins = logins();
  settings.reboots = config_.reboots;
  if (auto started = start_hand_ons(); !started) {
    return started;
  }
  station_ =
      std::make_unique<Station>(std::move(settings),
                                Station::Surroundings{*bus_,
                                                      *store_,
                                                      clock_,
                                                      log_.tagged("station"),
                                                      [this](const std::string& why) {
                                                        loop_.post([this, why] {
                                                          if (broker_) {
                                                            broker_->restart(why, kBrokerPatience);
                                                          }
                                                        });
                                                      },
                                                      trust_ ? &trust_->guard() : nullptr,
                                                      audit_.get(),
                                                      [this] { return hand_on_figures(); }});
  if (auto started = station_->start(); !started) {
    return started;
  }
  return start_http();
}

Result<void> Service::start_hand_ons() {
  for (const auto& settings : config_.hand_ons) {
    hand_ons_.push_back(std::make_unique<HandOn>(
        settings,
        HandOn::Surroundings{
            *bus_, clock_, log_.tagged("logs"), config_.name.str(), config_.state_dir / "logs"}));
    if (auto started = hand_ons_.back()->start(); !started) {
      return started;
    }
  }
  return {};
}

std::vector<HandOnFigures> Service::hand_on_figures() const {
  std::vector<HandOnFigures> all;
  all.reserve(hand_ons_.size());
  for (const auto& each : hand_ons_) {
    all.push_back(each->figures());
  }
  return all;
}

// Units may ask to be let in where the station knows whose word lets them in.
Result<std::optional<Enrollments::Settings>> Service::enrollments() const {
  if (!config_.trust) {
    return std::nullopt;
  }
  STEWARD_TRY(auto cluster, identity::ClusterName::parse(config_.trust->cluster));
  Enrollments::Settings settings{
      config_.state_dir / "enrollments", config_.trust->units, std::move(cluster), [this] {
        return trust_ ? trust_->guard().roots() : std::vector<identity::PublicKey>();
      }};
  return settings;
}

std::optional<UnitLogins::Settings> Service::logins() const {
  if (!config_.trust || config_.login_keys.empty()) {
    return std::nullopt;
  }
  return UnitLogins::Settings{config_.login_keys,
                              config_.trust->units,
                              broker_ ? config_.logins : std::filesystem::path(),
                              config_.login_life};
}

// Asked for at an address it must be there; at the usual one, another station may be.
Result<void> Service::start_http() {
  auto server = HttpServer::listen(
      config_.http.empty() ? kDefaultHttp : config_.http,
      {[this](const FleetScope& scope) { return station_->view(scope, kHttpPatience); },
       [this] { return bus_->flush(kHttpPatience); },
       station_->metrics()});
  if (server) {
    http_ = *std::move(server);
    log_.info("metrics at " + http_->url() + "/metrics");
    return {};
  }
  if (config_.http.empty()) {
    log_.warning(server.error().message);
    return {};
  }
  return tl::unexpected<Error>(std::move(server).error());
}

// Stays the same as long as the folder does, so that a station that was started again is known as
// the one that held the lease.
Result<std::string> Service::holder() const {
  const auto file = config_.state_dir / "holder";
  if (const auto text = read_small_file(file)) {
    if (auto id = wire::MessageId::parse(text->substr(0, text->find('\n')))) {
      return id->str();
    }
  }
  const auto id = bus::system_ids()(clock_.now()).str();
  if (auto written = write_private_file(file, id + "\n"); !written) {
    return tl::unexpected<Error>(std::move(written).error());
  }
  return id;
}

void Service::link_changed(const bus::LinkStatus& status) {
  if (!station_) {
    return;
  }
  station_->link_changed(status);
  if (status.state == bus::LinkState::up) {
    if (const auto up = std::exchange(callbacks_.up, nullptr)) {
      callbacks_.failed = nullptr;
      up(status.broker);
    }
  }
}

void Service::stop(std::function<void()> stopped) {
  callbacks_ = {};
  heard_.clear();
  http_.reset();  // it asks the station
  if (station_) {
    station_->stop();
    station_.reset();
  }
  for (const auto& each : hand_ons_) {
    each->begin_stop();
  }
  hand_ons_.clear();
  if (bus_ && bus_->status().state == bus::LinkState::up) {
    if (auto drained = bus_->drain(kDrainTimeout); !drained) {
      log_.warning("the connection was not closed clean: " + drained.error().message);
    }
  }
  bus_.reset();
  if (broker_) {
    broker_->stop(std::move(stopped));
  } else {
    stopped();
  }
}

}  // namespace steward::station
