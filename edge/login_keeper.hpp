#pragma once

#include "edge/login_schedule.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::edge {

// Keeps what this unit is let in by good. It asks the station for another login in time; where the
// broker does not take the present one any more, by the second login, which is good for that alone.
// And it asks to be let in again when the certificate of its authority ends within two months, or
// another root signs the policy than the one below which it is; a person has to approve. On the
// main loop's thread, but for the two moments.
class LoginKeeper {
 public:
  struct Settings {
    wire::NodeName node;
    std::vector<std::string> brokers;
    bus::TlsFiles tls;
    std::filesystem::path credentials;  // the present login; replaced when another one comes
    std::filesystem::path renewal;      // the second one; may not be there
    std::filesystem::path folder;       // that steward-edge enroll has filled; may be another's
  };

  struct Surroundings {
    runtime::Loop& loop;
    const runtime::Clock& clock;
    const bus::Guard& guard;
    runtime::Logger log;
  };

  // All of the surroundings outlive it. Reads the files; a login without an end is left alone.
  LoginKeeper(Settings settings, const Surroundings& surroundings);
  ~LoginKeeper();
  LoginKeeper(const LoginKeeper&) = delete;
  LoginKeeper& operator=(const LoginKeeper&) = delete;

  // By which the unit works; outlives the keeper. Nothing is asked before.
  void start(bus::NatsBus& bus);

  void stop();

  void link_up();

  // Takes a login that came over the bus. Errors: those of identity::check_renewed_login() and of
  // files.
  [[nodiscard]] Result<void> take(const std::string& jwt);

  // Takes a bundle, as `steward-edge enroll` does. Errors: not_found (no request was made here),
  // those of take_bundle().
  [[nodiscard]] Result<void> take_bundle(const std::string& document);

  // Since 1970; none where there is no end. Any thread.
  std::optional<std::chrono::milliseconds> login_expires() const;
  std::optional<std::chrono::milliseconds> authority_expires() const;

 private:
  void look();
  void ask(bus::Bus& bus);
  void ask_for_bundle();
  bool needs_bundle() const;
  void say(bus::Bus& bus, std::string_view route, std::string payload, std::string content_type);
  std::filesystem::path request() const;
  void ask_by_second();
  void take_from_second(const std::string& jwt);
  Result<identity::LoginClaims> present() const;
  void read_authority();
  void read_root();

  const Settings settings_;
  const runtime::Clock& clock_;
  runtime::Loop& loop_;
  const runtime::Logger log_;
  const bus::Guard& guard_;
  const bus::Channel channel_;
  runtime::Complaint complaint_;
  LoginSchedule schedule_;
  bus::NatsBus* bus_ = nullptr;
  std::optional<LoginSchedule::Steady> taken_;         // when the last one came
  std::optional<LoginSchedule::Steady> bundle_asked_;  // when a bundle was asked for
  std::optional<identity::PublicKey> root_;            // below which the authority is
  std::atomic<std::int64_t> login_expires_{0};
  std::atomic<std::int64_t> authority_expires_{0};
  runtime::Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what the second bus has posted
  std::unique_ptr<bus::NatsBus> second_;
  std::unique_ptr<bus::Subscription> second_heard_;
};

}  // namespace steward::edge
