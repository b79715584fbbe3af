#include "edge/login_keeper.hpp"

#include "edge/enrollment.hpp"
#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/certificate.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/wire/methods.hpp"

#include <system_error>
#include <utility>

namespace steward::edge {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{1'000};

// The connection to the broker is tried again at least so often: until then a new login had no
// chance.
constexpr milliseconds kTriedAgain{15'000};

// The end of the authority's certificate is said by alerts from then on, too.
constexpr std::chrono::hours kBundleAhead{24 * 60};
constexpr std::chrono::minutes kBundleAgain{5};

milliseconds since_1970(wire::Timestamp time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
}

Result<identity::Credentials> credentials_in(const std::filesystem::path& file) {
  STEWARD_TRY(const auto text, identity::read_secret_file(file));
  return identity::decode_credentials(text.view());
}

}  // namespace

LoginKeeper::LoginKeeper(Settings settings, const Surroundings& around)
    : settings_(std::move(settings)),
      clock_(around.clock),
      loop_(around.loop),
      log_(around.log),
      guard_(around.guard),
      channel_(wire::Source::node(settings_.node),
               wire::Completeness::filled_in,
               bus::system_ids(),
               &around.guard),
      complaint_(around.clock, around.log),
      timer_(around.loop, [this] { look(); }) {
  read_authority();
  const auto login = present();
  if (!login) {
    complaint_.say(settings_.credentials.string() + ": " + login.error().message);
    return;
  }
  schedule_.found(*login, clock_.now(), clock_.steady());
  login_expires_ = login->expires ? since_1970(*login->expires).count() : 0;
}

LoginKeeper::~LoginKeeper() { stop(); }

void LoginKeeper::stop() {
  bus_ = nullptr;
  timer_.stop();
  second_heard_.reset();
  second_.reset();
}

Result<identity::LoginClaims> LoginKeeper::present() const {
  STEWARD_TRY(const auto credentials, credentials_in(settings_.credentials));
  return identity::read_login(credentials.jwt);
}

void LoginKeeper::read_authority() {
  const auto text = identity::read_file(settings_.folder / "authority.crt");
  const auto read = text ? identity::Certificate::parse_pem(*text, 1)
                         : Result<std::vector<identity::Certificate>>(tl::unexpected(text.error()));
  authority_expires_ = read ? since_1970(read->front().validity().until).count() : 0;
  read_root();
}

void LoginKeeper::read_root() {
  const auto text = identity::read_file(settings_.folder / "root.crt");
  const auto read = text ? identity::Certificate::parse_pem(*text, 1)
                         : Result<std::vector<identity::Certificate>>(tl::unexpected(text.error()));
  root_ = read ? std::optional(read->front().public_key()) : std::nullopt;
}

std::optional<milliseconds> LoginKeeper::login_expires() const {
  const auto moment = login_expires_.load();
  return moment == 0 ? std::nullopt : std::optional(milliseconds(moment));
}

std::optional<milliseconds> LoginKeeper::authority_expires() const {
  const auto moment = authority_expires_.load();
  return moment == 0 ? std::nullopt : std::optional(milliseconds(moment));
}

void LoginKeeper::start(bus::NatsBus& bus) {
  bus_ = &bus;
  timer_.start_every(kLook);
}

void LoginKeeper::link_up() {
  second_heard_.reset();
  second_.reset();
  schedule_.link_up(clock_.steady());
  look();
}

void LoginKeeper::look() {
  if (bus_ == nullptr) {
    return;
  }
  const auto now = clock_.steady();
  const bool up = bus_->status().state == bus::LinkState::up;
  if (up) {
    ask_for_bundle();
  }
  const bool refused = !up && bus_->refused() && (!taken_ || now - *taken_ > kTriedAgain);
  if (refused && !second_) {
    schedule_.refused(now);
  }
  if (!schedule_.should_ask(now) || (!up && !refused)) {
    return;
  }
  schedule_.asked(now);
  if (up) {
    ask(*bus_);
  } else {
    ask_by_second();
  }
}

void LoginKeeper::say(bus::Bus& bus,
                      std::string_view route,
                      std::string payload,
                      std::string content_type) {
  const auto subject = wire::Subject::parse(settings_.node.str() + ".event." + std::string(route));
  if (!subject) {
    return;  // cannot be: made of names that were checked
  }
  auto envelope = channel_.envelope(*subject, clock_.now());
  envelope.content_type = std::move(content_type);
  if (auto sent = bus.publish(channel_.seal(envelope, std::move(payload))); !sent) {
    log_.debug("not asked for a login: " + sent.error().text());
  }
}

void LoginKeeper::ask(bus::Bus& bus) {
  say(bus, wire::kEnrollRenewRoute, "{}", "application/json");
}

std::filesystem::path LoginKeeper::request() const {
  return settings_.folder / (settings_.node.str() + ".req");
}

bool LoginKeeper::needs_bundle() const {
  const auto end = authority_expires();
  if (!end) {
    return false;
  }
  const auto policy = guard_.policy();
  const bool other_root = root_ && policy && policy->signed_by() && policy->signed_by() != root_;
  return other_root || wire::Timestamp(*end) - clock_.now() <= kBundleAhead;
}

// With the request that it was let in by: of the same keys, so a person has compared it before.
void LoginKeeper::ask_for_bundle() {
  const auto now = clock_.steady();
  if (!needs_bundle() || (bundle_asked_ && now - *bundle_asked_ < kBundleAgain)) {
    return;
  }
  bundle_asked_ = now;
  if (auto document = identity::read_file(request())) {
    say(*bus_, wire::kEnrollRequestRoute, *std::move(document), "text/plain");
  }
}

Result<void> LoginKeeper::take_bundle(const std::string& document) {
  std::error_code error;
  if (!std::filesystem::exists(request(), error)) {
    return failure(ErrorCode::not_found, "this unit was not let in by a request");
  }
  auto taken = edge::take_bundle(settings_.folder, document, clock_.now());
  if (!taken) {
    return taken;
  }
  read_authority();
  if (const auto login = present()) {
    schedule_.found(*login, clock_.now(), clock_.steady());
    login_expires_ = login->expires ? since_1970(*login->expires).count() : 0;
  }
  log_.info("let in again");
  return {};
}

// Its connection asks as soon as it is there; later, what should_ask() says.
void LoginKeeper::ask_by_second() {
  if (second_) {
    ask(*second_);
    return;
  }
  std::error_code error;
  if (!std::filesystem::exists(settings_.renewal, error)) {
    complaint_.say("the broker does not take our login, and there is no second one: enroll again");
    return;
  }
  log_.info("the broker does not take our login: asking for another one by the second");
  const std::weak_ptr<int> alive = alive_;
  bus::NatsOptions options{.servers = settings_.brokers,
                           .name = settings_.node.str() + " (renewal)",
                           .inbox_prefix = "_INBOX." + settings_.node.str(),
                           .credentials_file = settings_.renewal.string(),
                           .tls = settings_.tls};
  options.on_link = [this, alive](const bus::LinkStatus& status) {
    if (status.state == bus::LinkState::up) {
      loop_.post([this, alive] {
        if (!alive.expired() && second_) {
          ask(*second_);
        }
      });
    }
  };
  auto opened = bus::NatsBus::open(std::move(options));
  if (!opened) {
    complaint_.say("the second login: " + opened.error().message);
    return;
  }
  second_ = *std::move(opened);
  auto heard =
      second_->subscribe(settings_.node.str() + ".command." + std::string(wire::kEnrollLoginRoute),
                         [this, alive](bus::Message&& message) {
                           loop_.post([this, alive, jwt = std::move(message.payload)] {
                             if (!alive.expired()) {
                               take_from_second(jwt);
                             }
                           });
                         });
  if (heard) {
    second_heard_ = *std::move(heard);
  }
}

void LoginKeeper::take_from_second(const std::string& jwt) {
  if (auto taken = take(jwt); !taken) {
    complaint_.say("a login was not taken: " + taken.error().text());
    return;
  }
  second_heard_.reset();
  second_.reset();
}

Result<void> LoginKeeper::take(const std::string& jwt) {
  STEWARD_TRY(const auto credentials, credentials_in(settings_.credentials));
  if (jwt == credentials.jwt) {
    return {};
  }
  STEWARD_TRY(const auto before, identity::read_login(credentials.jwt));
  STEWARD_TRY(const auto next, identity::check_renewed_login(before, jwt));
  const auto text = identity::encode_credentials(jwt, credentials.user);
  auto written = identity::write_file(settings_.credentials,
                                      text.view(),
                                      identity::Access::owner_only,
                                      identity::Existing::replace);
  if (!written) {
    return written;
  }
  taken_ = clock_.steady();
  schedule_.renewed(next, *taken_);
  login_expires_ = next.expires ? since_1970(*next.expires).count() : 0;
  log_.info("a new login" +
            (next.expires ? ", good until " + wire::format_time(*next.expires) : std::string()));
  return {};
}

}  // namespace steward::edge
