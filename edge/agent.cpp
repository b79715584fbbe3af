#include "edge/agent.hpp"

#include "edge/login_keeper.hpp"
#include "handlers/catalogue.hpp"
#include "handlers/runtime/boot_id.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/wire/methods.hpp"
#include "subjects/wire/target.hpp"

#include <array>
#include <utility>

namespace steward::edge {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMailboxCapacity = 1024;
constexpr milliseconds kPrunePause{60'000};
constexpr milliseconds kStopDeadline{10'000};
constexpr milliseconds kByeDeadline{1'000};

milliseconds in_milliseconds(auto duration) {
  return std::chrono::duration_cast<milliseconds>(duration);
}

// "shellcommand.operatingsystem" of "ship1.command.shellcommand.operatingsystem".
std::string_view behind_kind(std::string_view subject) {
  const auto node = subject.find('.');
  const auto kind = node == std::string_view::npos ? node : subject.find('.', node + 1);
  return kind == std::string_view::npos ? std::string_view() : subject.substr(kind + 1);
}

}  // namespace

Agent::Agent(Config config, Surroundings around)
    : config_(std::move(config)),
      around_(around),
      boot_id_(runtime::boot_id()),
      session_(around.clock.new_id()),
      started_(around.clock.steady()),
      log_(around.log, "agent"),
      channel_(wire::Source::node(config_.node),
               wire::Completeness::filled_in,
               bus::system_ids(),
               around.guard),
      outbox_(around.clock.new_id(), bus::Outbox::Limits{}),
      journal_({around.storage,
                outbox_,
                channel_,
                [this](const bus::Message& message) {
                  static_cast<void>(around_.bus.publish(message));
                  if (around_.audit != nullptr) {
                    around_.audit->said(message);
                  }
                  resender_.recorded();
                },
                [&clock = around.clock] { return clock.now(); },
                [&clock = around.clock] { return clock.steady(); }}),
      ledger_(journal_, {.bytes = config_.storage_bytes}),
      resender_({around.loop, outbox_, journal_, around.bus, around.clock}),
      house_{config_.node,
             around.bus,
             channel_,
             journal_,
             ledger_,
             around.clock,
             around.processes,
             *this,
             around.log,
             config_.state_dir},
      complaint_(around.clock, log_),
      strays_(kMailboxCapacity, [this] { around_.loop.post([this] { handle_strays(); }); }),
      received_(kMailboxCapacity, [this] { around_.loop.post([this] { handle_received(); }); }),
      prune_(around.loop, [this] { prune(); }),
      tidy_(around.loop, [this] { journal_.wake_for_all(); }) {
  make_hosts();
}

Agent::~Agent() { subscriptions_.clear(); }

// Every handler serves its default domain, and each that the configuration has a table for:
// [shellcommand.web].
void Agent::make_hosts() {
  for (const auto& kind : handlers::catalogue()) {
    auto method = config_.options.section(kind.method);
    auto domains = method.sections();
    if (!kind.default_domain.empty() && !method.has(kind.default_domain)) {
      domains.emplace_back(kind.default_domain);
    }
    for (const auto& domain : domains) {
      make_host(kind, domain, method);
    }
  }
}

void Agent::make_host(const runtime::HandlerKind& kind,
                      const std::string& domain,
                      runtime::Options options) {
  auto token = wire::Token::parse(domain);
  if (!token) {
    options.reject(domain, "is no domain: " + token.error().message);
    return;
  }
  auto own = options.section(domain).over(options);
  hosts_.push_back({&kind, std::make_unique<runtime::HandlerHost>(house_, kind, *token, own)});
  routes_.emplace(std::string(kind.method) + "." + domain, hosts_.back().host.get());
}

std::vector<std::string> Agent::served() const {
  std::vector<std::string> names;
  for (const auto& hosted : hosts_) {
    const auto state = hosted.host->state();
    names.push_back(state.method + "." + state.domain);
  }
  return names;
}

void Agent::prune() {
  ledger_.prune(around_.clock.now(), around_.clock.steady());
  if (around_.audit != nullptr) {
    around_.audit->tend();
  }
}

Result<void> Agent::start() {
  if (auto loaded = load(); !loaded) {
    return loaded;
  }
  writer_.emplace(journal_, [this](const std::optional<Error>& trouble) { tell_disk(trouble); });
  journal_.wake();
  prune_.start_every(kPrunePause);
  if (auto heard = hear_all(); !heard) {
    return heard;
  }
  // After that: who hears a hello may send a command at once, and what comes meanwhile waits.
  for (const auto& hosted : hosts_) {
    hosted.host->start();
  }
  return {};
}

Result<void> Agent::hear_all() {
  const std::string& node = config_.node.str();
  for (const auto& subject : {node + ".command.>", std::string("@all.command.>")}) {
    auto heard = hear(subject, [this](bus::Message&& message) { route(std::move(message)); });
    if (!heard) {
      return heard;
    }
  }
  return hear("*.event.received." + node, [this](bus::Message&& message) {
    // One that finds no room is no loss: acknowledgements are cumulative, and come again.
    static_cast<void>(received_.push(std::move(message)));
  });
}

Result<void> Agent::hear(const std::string& subject, bus::Bus::Sink sink) {
  STEWARD_TRY(auto subscription, around_.bus.subscribe(subject, std::move(sink)));
  subscriptions_.push_back(std::move(subscription));
  return {};
}

// On a thread of the bus.
void Agent::route(bus::Message&& message) {
  const auto host = routes_.find(behind_kind(message.subject));
  if (host != routes_.end()) {
    host->second->deliver(std::move(message));
  } else {
    static_cast<void>(strays_.push(std::move(message)));  // nobody's: a flood of them ends here
  }
}

void Agent::handle_strays() {
  for (auto& message : strays_.take()) {
    handle_stray(std::move(message));
  }
  journal_.wake();
}

void Agent::handle_stray(bus::Message&& message) {
  const auto route = behind_kind(message.subject);
  if (route == wire::kPolicyRoute && channel_.guarded()) {
    policy_command(std::move(message));
    return;
  }
  const bool is_bundle = route == wire::kEnrollBundleRoute;
  if ((is_bundle || route == wire::kEnrollLoginRoute) && around_.logins != nullptr) {
    login_command(std::move(message));
    return;
  }
  if (is_bundle || route == wire::kEnrollStatusRoute) {
    return;  // for one that is not let in yet
  }
  if (route != "outbox.events") {
    refuse_stray(std::move(message));
    return;
  }
  auto opened = channel_.open_command(config_.node, std::move(message), around_.clock.now());
  if (!opened) {
    complaint_.say("a message was dropped: " + opened.error().error.text());
    return;
  }
  outbox_command(opened->payload);
}

// Whoever brings it: a policy is believed for its own signature, and tells its hello.
void Agent::policy_command(bus::Message&& message) {
  const auto opened = channel_.open(std::move(message), around_.clock.now());
  const auto taken = opened ? around_.take_policy(opened->payload)
                            : Result<void>(tl::unexpected(opened.error().error));
  if (!taken) {
    complaint_.say("a policy that came over the bus was not taken: " + taken.error().text());
  }
}

// As a policy: a login or a bundle is looked at for what it is.
void Agent::login_command(bus::Message&& message) {
  const bool is_bundle = behind_kind(message.subject) == wire::kEnrollBundleRoute;
  const auto opened = channel_.open(std::move(message), around_.clock.now());
  const auto taken = !opened     ? Result<void>(tl::unexpected(opened.error().error))
                     : is_bundle ? around_.logins->take_bundle(opened->payload)
                                 : around_.logins->take(opened->payload);
  if (!taken) {
    complaint_.say("a login that came over the bus was not taken: " + taken.error().text());
  }
}

void Agent::refuse_stray(bus::Message&& message) {
  const auto subject = wire::Subject::parse(message.subject);
  auto opened = channel_.open_command(config_.node, std::move(message), around_.clock.now());
  if (!subject || (!opened && !opened.error().id)) {
    complaint_.say("a message was dropped: " +
                   (subject ? opened.error().error.text() : subject.error().text()));
    return;
  }
  if (!opened) {
    const auto& refusal = opened.error();
    refuse(*refusal.id, *subject, refusal.error, refusal.job);
    return;
  }
  const auto& envelope = opened->envelope;
  if (!envelope.target.empty()) {
    const auto target = wire::Target::parse(envelope.target);
    if (target && !target->matches(config_.node.str())) {
      return;  // somebody else is meant
    }
  }
  const Error error{ErrorCode::no_handler,
                    "no handler here for " + subject->method.str() + "." + subject->domain.str()};
  refuse(envelope.id, *subject, error, envelope.job);
}

void Agent::refuse(const wire::MessageId& id,
                   const wire::Subject& subject,
                   const Error& error,
                   const std::optional<wire::MessageId>& job) {
  const auto acks = std::make_shared<runtime::Acks>(house_, subject.method);
  auto payload = wire::encode(runtime::refusal(id, subject.domain.str(), error));
  complaint_.say("command " + id.str() + " was refused: " + error.text());
  if (channel_.guarded()) {
    acks->say_plainly(id, payload, job);  // anybody's id, perhaps: nothing is remembered under it
    return;
  }
  bus::CommandRow row{.id = id,
                      .method = subject.method.str(),
                      .domain = subject.domain.str(),
                      .expires = around_.clock.now() + wire::kDefaultExpiry,
                      .ack = payload};
  ledger_.refuse(std::move(row),
                 acks->event(id, payload, job),
                 [acks, id, job, payload](const Result<bus::Ledger::Entry>& entry) {
                   if (!entry) {
                     acks->say_plainly(id, payload, job);
                   } else if (entry->verdict == bus::Ledger::Verdict::repeated) {
                     acks->say_plainly(id, entry->recorded_ack, job);
                   }
                 });
}

void Agent::handle_received() {
  for (auto& message : received_.take()) {
    const auto opened = channel_.open(std::move(message), around_.clock.now());
    const auto received = opened ? wire::decode_received(opened->payload)
                                 : Result<wire::Received>(tl::unexpected(opened.error().error));
    const auto epoch = received ? wire::MessageId::parse(received->epoch)
                                : Result<wire::MessageId>(tl::unexpected(received.error()));
    if (!epoch) {
      complaint_.say("an acknowledgement was dropped: " + epoch.error().text());
      continue;
    }
    forget_acknowledged(*epoch, received->upto);
  }
}

void Agent::link_up() {
  if (shutdown_) {
    return;
  }
  for (const auto& hosted : hosts_) {
    hosted.host->link_changed(true);
  }
  if (around_.logins != nullptr) {
    around_.logins->link_up();
  }
  outbox_.send_again(around_.clock.steady());
  resender_.look();
}

void Agent::link_down() {
  for (const auto& hosted : hosts_) {
    hosted.host->link_changed(false);
  }
}

void Agent::stop(std::function<void(End)> ended) {
  subscriptions_.clear();
  // Those whose commands are acknowledged first: the others, hello, tell how that went.
  Shutdown::Stage working{"handlers", {}, kStopDeadline};
  Shutdown::Stage telling{"hello", {}, kByeDeadline};
  for (const auto& hosted : hosts_) {
    (hosted.kind->acked ? working : telling).hosts.push_back(hosted.host.get());
  }
  shutdown_.emplace(around_.loop,
                    around_.clock,
                    log_,
                    std::vector<Shutdown::Stage>{std::move(working), std::move(telling)},
                    std::move(ended));
  shutdown_->begin();
}

wire::Hello Agent::hello() const {
  const auto now = around_.clock.steady();
  wire::Hello hello;
  hello.boot_id = boot_id_;
  hello.session = session_.str();
  hello.agent_version = STEWARD_VERSION;
  hello.uptime = in_milliseconds(now - started_);
  hello.rtt = around_.bus.status().rtt;
  hello.outbox_depth = static_cast<std::int64_t>(outbox_.depth());
  hello.outbox_oldest = outbox_.oldest(now);
  for (const auto& [epoch, first] : outbox_.begins(wire::kMostEpochsTold)) {
    hello.outbox.push_back({epoch, first});
  }
  hello.ledger_open = static_cast<std::int64_t>(ledger_.open());
  hello.clock = in_milliseconds(around_.clock.now().time_since_epoch());
  if (around_.guard != nullptr) {
    const auto policy = around_.guard->policy();
    hello.policy = policy ? static_cast<std::int64_t>(policy->version()) : 0;
  }
  if (around_.logins != nullptr) {
    hello.login_expires = around_.logins->login_expires();
    hello.authority_expires = around_.logins->authority_expires();
  }
  for (const auto& hosted : hosts_) {
    hello.handlers.push_back(hosted.host->state());
  }
  const bus::Lock lock(facts_mutex_);
  hello.facts_hash = facts_hash_;
  for (auto& handler : hello.handlers) {
    if (const auto told = figures_.find(handler.method + "." + handler.domain);
        told != figures_.end()) {
      handler.figures = told->second;
    }
  }
  return hello;
}

void Agent::facts_told(const std::string& hash) {
  const bus::Lock lock(facts_mutex_);
  facts_hash_ = hash;
}

void Agent::figures_told(const wire::Token& method,
                         const wire::Token& domain,
                         const std::map<std::string, std::int64_t>& figures) {
  const bus::Lock lock(facts_mutex_);
  figures_[method.str() + "." + domain.str()] = figures;
}

}  // namespace steward::edge
