#include "edge/agent.hpp"

#include "handlers/catalogue.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/target.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <fstream>
#include <utility>

namespace steward::edge {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLedgerCapacity = 100'000;
constexpr std::size_t kMailboxCapacity = 1024;
constexpr milliseconds kStopDeadline{10'000};
constexpr milliseconds kByeDeadline{1'000};

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

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
      boot_id_(read_boot_id()),
      session_(around.clock.new_id()),
      started_(around.clock.steady()),
      log_(around.log, "agent"),
      channel_(wire::Source::node(config_.node), wire::Completeness::filled_in, bus::system_ids()),
      ledger_(bus::memory_ledger(kLedgerCapacity, [&clock = around.clock] { return clock.now(); })),
      outbox_(around.clock.new_id(), bus::Outbox::Limits{}),
      resender_(around.loop, outbox_, around.bus, around.clock),
      house_{config_.node,
             around.bus,
             channel_,
             *ledger_,
             outbox_,
             around.clock,
             around.processes,
             *this,
             around.log,
             config_.state_dir,
             [this] { resender_.recorded(); }},
      complaint_(around.clock, log_),
      strays_(kMailboxCapacity, [this] { around_.loop.post([this] { handle_strays(); }); }),
      received_(kMailboxCapacity, [this] { around_.loop.post([this] { handle_received(); }); }) {
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

Result<void> Agent::start() {
  for (const auto& hosted : hosts_) {
    hosted.host->start();
  }
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
}

void Agent::handle_stray(bus::Message&& message) {
  if (behind_kind(message.subject) != "outbox.events") {
    refuse_stray(std::move(message));
    return;
  }
  auto opened = channel_.open_command(config_.node, std::move(message), around_.clock.now());
  if (!opened) {
    complaint_.say("a message was dropped: " + opened.error().error.text());
    return;
  }
  resend(opened->payload);
}

// The station misses recorded events: {"op":"resend","from":N}.
void Agent::resend(const std::string& payload) {
  const auto object = wire::parse_json(payload);
  if (!object || !object->is_object()) {
    complaint_.say("a resend was dropped: its payload is no JSON object");
    return;
  }
  wire::Fields fields(*object);
  const auto op = fields.required_text("op");
  const auto from = fields.integer("from", 1, 0, INT64_MAX);
  if (auto read = fields.finish(); !read || op != "resend") {
    complaint_.say("a resend was dropped: " + (read ? "op '" + op + "'" : read.error().text()));
    return;
  }
  resender_.send_again(static_cast<std::uint64_t>(from));
}

void Agent::refuse_stray(bus::Message&& message) {
  const auto subject = wire::Subject::parse(message.subject);
  auto opened = channel_.open_command(config_.node, std::move(message), around_.clock.now());
  if (!subject || (!opened && !opened.error().id)) {
    complaint_.say("a message was dropped: " +
                   (subject ? opened.error().error.text() : subject.error().text()));
    return;
  }
  const runtime::Acks acks(house_, subject->method);
  if (!opened) {
    const auto& refusal = opened.error();
    acks.refuse(*refusal.id, subject->domain, refusal.error, refusal.job);
    complaint_.say("command " + refusal.id->str() + " was refused: " + refusal.error.text());
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
  acks.refuse(envelope.id, subject->domain, error, envelope.job);
  complaint_.say("command " + envelope.id.str() + " was refused: " + error.text());
}

void Agent::handle_received() {
  for (const auto& message : received_.take()) {
    const auto received = wire::decode_received(message.payload);
    const auto epoch = received ? wire::MessageId::parse(received->epoch)
                                : Result<wire::MessageId>(tl::unexpected(received.error()));
    if (!epoch) {
      complaint_.say("an acknowledgement was dropped: " + epoch.error().text());
      continue;
    }
    outbox_.acknowledged(*epoch, received->upto, around_.clock.steady());
  }
}

void Agent::link_up() {
  if (shutdown_) {
    return;
  }
  for (const auto& hosted : hosts_) {
    hosted.host->link_up();
  }
  resender_.send_again(0);
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
  hello.ledger_open = static_cast<std::int64_t>(ledger_->open());
  hello.clock = in_milliseconds(around_.clock.now().time_since_epoch());
  for (const auto& hosted : hosts_) {
    hello.handlers.push_back(hosted.host->state());
  }
  return hello;
}

}  // namespace steward::edge
