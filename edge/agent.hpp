#pragma once

#include "edge/config.hpp"
#include "edge/resender.hpp"
#include "edge/shutdown.hpp"
#include "handlers/runtime/acks.hpp"
#include "handlers/runtime/audit.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/host.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/journal.hpp"
#include "subjects/bus/journal_thread.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/mailbox.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/outbox.hpp"
#include "subjects/bus/storage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace steward::wire {
class Fields;
}  // namespace steward::wire

namespace steward::edge {

class LoginKeeper;

// What an agent is put into; all of it outlives the agent.
struct Surroundings {
  bus::Bus& bus;
  bus::Storage& storage;
  runtime::Loop& loop;  // of the thread that makes the agent
  runtime::Clock& clock;
  runtime::Processes& processes;
  const runtime::LogSink& log;
  const bus::Guard* guard = nullptr;  // null: messages are not signed
  // Takes a signed policy that came over the bus; called where there is a guard.
  std::function<Result<void>(const std::string& document)> take_policy = nullptr;
  LoginKeeper* logins = nullptr;  // null: our login is left as it is
  runtime::Audit* audit = nullptr;
};

// One unit: the handlers of the catalogue, each on its thread, and the ways between them and the
// bus. On the main loop's thread, but for hello().
class Agent final : public runtime::Vitals {
 public:
  // Makes every handler, which reads its options; nothing runs and nothing is heard yet.
  Agent(Config config, Surroundings around);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // What is wrong in the configuration, with its place.
  std::vector<std::string> problems() const { return config_.options.problems(); }

  // "shellcommand.operatingsystem", for each handler.
  std::vector<std::string> served() const;

  // Takes over what an earlier agent has left in storage, starts the handlers and hears commands.
  // Once. Errors: bad_subject, Storage's.
  [[nodiscard]] Result<void> start();

  // The link to the broker came up: hello first, then what the station has not acknowledged.
  void link_up();
  void link_down();

  // Hears nothing any more, ends the handlers, and says goodbye. `ended` is called once.
  void stop(std::function<void(End)> ended);

  wire::Hello hello() const override;
  void facts_told(const std::string& hash) override;
  void figures_told(const wire::Token& method,
                    const wire::Token& domain,
                    const std::map<std::string, std::int64_t>& figures) override;

 private:
  struct Hosted {
    const runtime::HandlerKind* kind;
    std::unique_ptr<runtime::HandlerHost> host;
  };

  struct Text : std::hash<std::string_view> {
    using is_transparent = void;
  };

  using Routes = std::unordered_map<std::string, runtime::HandlerHost*, Text, std::equal_to<>>;

  void make_hosts();
  void make_host(const runtime::HandlerKind& kind,
                 const std::string& domain,
                 runtime::Options options);
  void prune();
  Result<void> hear_all();
  Result<void> hear(const std::string& subject, bus::Bus::Sink sink);
  void route(bus::Message&& message);
  void handle_strays();
  void handle_stray(bus::Message&& message);
  void refuse_stray(bus::Message&& message);
  void policy_command(bus::Message&& message);
  void login_command(bus::Message&& message);
  void refuse(const wire::MessageId& id,
              const wire::Subject& subject,
              const Error& error,
              const std::optional<wire::MessageId>& job);
  void handle_received();

  // agent_outbox.cpp
  Result<void> load();
  void recover(std::vector<bus::CommandRow> rows);
  void give_up(const bus::CommandRow& row);
  void outbox_command(const std::string& payload);
  void resend(wire::Fields& fields);
  void recall(wire::Fields& fields);
  void recall(const wire::MessageId& id);
  void forget_acknowledged(const wire::MessageId& epoch, std::uint64_t upto);
  void tell_disk(const std::optional<Error>& trouble);

  Config config_;
  const Surroundings around_;
  const std::string boot_id_;
  const wire::MessageId session_;
  const std::chrono::steady_clock::time_point started_;
  const runtime::Logger log_;
  const bus::Channel channel_;
  bus::Outbox outbox_;
  bus::Journal journal_;
  bus::Ledger ledger_;
  Resender resender_;
  const runtime::House house_;
  mutable bus::Mutex facts_mutex_;
  std::string facts_hash_ STEWARD_GUARDED_BY(facts_mutex_);
  std::map<std::string, std::map<std::string, std::int64_t>> figures_
      STEWARD_GUARDED_BY(facts_mutex_);  // by "method.domain"
  runtime::Complaint complaint_;
  bus::Mailbox<bus::Message> strays_;    // commands that no handler serves
  bus::Mailbox<bus::Message> received_;  // the station's acknowledgements
  runtime::Timer prune_;
  runtime::Timer tidy_;  // storage, of what was acknowledged
  std::optional<bus::JournalThread> writer_;
  std::vector<Hosted> hosts_;
  Routes routes_;  // "<method>.<domain>"; constant once the first subscription stands
  std::optional<Shutdown> shutdown_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;  // last: they call the others
};

}  // namespace steward::edge
