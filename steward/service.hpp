#pragma once

#include "handlers/runtime/audit.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/own_certificate.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/state_lock.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "handlers/runtime/trust.hpp"
#include "steward/broker.hpp"
#include "steward/config.hpp"
#include "steward/logs/hand_on.hpp"
#include "steward/metrics/http_server.hpp"
#include "steward/station.hpp"
#include "steward/store.hpp"
#include "subjects/bus/mailbox.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::station {

// A station with all that it stands on: its folder, its store, its own broker unless it is given
// one, its connection. On the main loop's thread.
class Service {
 public:
  enum class Failure { config, broker };  // the exit codes 2 and 5

  struct Callbacks {
    // The station hears the broker at that address. Once.
    std::function<void(const std::string& url)> up;
    // It cannot start. Once, and not after `up`.
    std::function<void(Failure, const Error&)> failed;
  };

  Service(Config config,
          runtime::Loop& loop,
          runtime::Processes& processes,
          runtime::Logger log,
          Callbacks callbacks);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // What cannot be goes to Callbacks::failed.
  void start();

  // Station, connection, broker, in that order; then `stopped`.
  void stop(std::function<void()> stopped);

  // Null before `up`.
  bus::NatsBus* bus() { return bus_.get(); }

  // Where it tells of itself over HTTP; empty where it does not.
  std::string http() const { return http_ ? http_->url() : std::string(); }

  // The broker of our own; null where it is given one.
  const Broker* broker() const { return broker_.get(); }

 private:
  Result<void> open_store();
  Result<void> open_trust();
  Result<void> hear_policies();
  void take_policies();
  Result<void> hear_logins();
  void take_logins();
  Result<void> take_account(const std::string& jwt);
  void start_broker();
  void connect(const std::vector<std::string>& servers);
  Result<void> start_station(const std::vector<std::string>& servers);
  void link_changed(const bus::LinkStatus& status);
  Result<void> start_http();
  Result<void> start_hand_ons();
  std::vector<HandOnFigures> hand_on_figures() const;
  Result<std::string> holder() const;
  Result<std::optional<Enrollments::Settings>> enrollments() const;
  std::optional<UnitLogins::Settings> logins() const;
  void fail(Failure failure, const Error& error);

  const Config config_;
  runtime::Loop& loop_;
  runtime::Processes& processes_;
  const runtime::Logger log_;
  Callbacks callbacks_;
  runtime::SystemClock clock_;

  // In the order of their start; they end in reverse.
  std::optional<runtime::StateLock> lock_;
  std::unique_ptr<Store> store_;
  std::optional<runtime::Trust> trust_;  // none: messages are not signed
  std::unique_ptr<runtime::Audit> audit_;
  bus::Mailbox<std::string> policies_;  // that came over the bus
  runtime::Complaint policy_complaint_;
  bus::Mailbox<std::string> accounts_;  // JWTs of the broker's account, that came over the bus
  runtime::Complaint account_complaint_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<runtime::OwnCertificate> certificate_;  // none: not our own
  std::unique_ptr<bus::NatsBus> bus_;
  std::vector<std::unique_ptr<bus::Subscription>> heard_;
  std::vector<std::unique_ptr<HandOn>> hand_ons_;
  std::unique_ptr<Station> station_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace steward::station
