#include "edge/join.hpp"

#include "edge/enrollment.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/join_string.hpp"
#include "subjects/wire/enrollment.hpp"
#include "subjects/wire/methods.hpp"

#include <signal.h>

#include <memory>
#include <system_error>
#include <utility>

namespace steward::edge {
namespace {

using identity::Access;
using identity::Existing;
using std::chrono::milliseconds;
using std::filesystem::path;
using Say = std::function<void(const std::string&)>;

constexpr milliseconds kAskAgain{3'000};
constexpr const char* kString = "join.string";  // until the unit is let in
constexpr const char* kLogin = "join.creds";
constexpr const char* kChain = "join.crt";
constexpr const char* kKey = "join.key";

// Waits for what a person decides. On one loop's thread.
class Waiting {
 public:
  Waiting(const path& folder, const identity::JoinString& invitation, Request request, Say say)
      : folder_(folder),
        invitation_(invitation),
        request_(std::move(request)),
        say_(std::move(say)),
        channel_(
            wire::Source::node(invitation.node), wire::Completeness::filled_in, bus::system_ids()),
        again_(loop_, [this] { ask(); }),
        patience_(loop_, [this] { loop_.stop(); }),
        interrupted_(loop_, SIGINT, [this] { loop_.stop(); }),
        terminated_(loop_, SIGTERM, [this] { loop_.stop(); }) {}

  Result<Joined> run(std::optional<milliseconds> patience) {
    bus::NatsOptions options{.servers = invitation_.brokers,
                             .name = invitation_.node.str() + " (joining)",
                             .inbox_prefix = "_INBOX." + invitation_.node.str(),
                             .credentials_file = (folder_ / kLogin).string(),
                             .tls = tls()};
    options.on_link = [this](const bus::LinkStatus& status) {
      loop_.post([this, status] { link_changed(status); });
    };
    STEWARD_TRY(bus_, bus::NatsBus::open(std::move(options)));
    const auto own = invitation_.node.str() + ".command.";
    for (const auto route : {wire::kEnrollStatusRoute, wire::kEnrollBundleRoute}) {
      STEWARD_TRY(
          auto heard, bus_->subscribe(own + std::string(route), [this](bus::Message&& message) {
            loop_.post(
                [this, message = std::move(message)]() mutable { hear(std::move(message)); });
          }));
      heard_.push_back(std::move(heard));
    }
    if (patience) {
      patience_.start(*patience);
    }
    again_.start_every(kAskAgain);
    loop_.run();
    heard_.clear();
    bus_.reset();
    loop_.close();
    return outcome_;
  }

 private:
  bus::TlsFiles tls() const {
    const auto given = invitation_.tls.value_or(identity::JoinString::Tls{});
    const auto file = [this](const char* name, const std::string& content) {
      return content.empty() ? "" : (folder_ / name).string();
    };
    return {.ca = file(kBrokerCa, given.ca),
            .certificate = file(kChain, given.chain),
            .key = file(kKey, given.key)};
  }

  void link_changed(const bus::LinkStatus& status) {
    if (status.state == bus::LinkState::up) {
      say_("connected to " + status.broker);
      ask();
    }
  }

  void ask() {
    if (bus_->refused()) {
      tell(
          "the broker does not take the join string's login: it has expired, or was made for "
          "another cluster. Ask for another one");
      return;
    }
    if (const auto link = bus_->status(); link.state != bus::LinkState::up) {
      tell("no broker reached yet" + (link.last_error.empty() ? "" : ": " + link.last_error) +
           "; trying again");
      return;
    }
    const auto subject = wire::Subject::parse(invitation_.node.str() + ".event." +
                                              std::string(wire::kEnrollRequestRoute));
    if (!subject) {
      return;  // cannot be: made of names that were checked
    }
    auto envelope = channel_.envelope(*subject, clock_.now());
    envelope.content_type = "text/plain";
    // Without a link it is said again.
    static_cast<void>(bus_->publish(channel_.seal(envelope, request_.document)));
  }

  void hear(bus::Message&& message) {
    auto opened = channel_.open(std::move(message), clock_.now());
    if (!opened) {
      tell("a message was dropped: " + opened.error().error.text());
      return;
    }
    if (opened->transport.domain.str() == "bundle") {
      take(opened->payload);
    } else {
      take_status(opened->payload);
    }
  }

  // Believed for the root's signature alone.
  void take(const std::string& document) {
    if (auto taken = take_bundle(folder_, document, clock_.now()); !taken) {
      tell("a bundle was not taken: " + taken.error().message);
      return;
    }
    outcome_ = Joined::enrolled;
    loop_.stop();
  }

  // Nobody has proven it: the worst that a false one does is that this ends, and is begun again.
  void take_status(const std::string& payload) {
    const auto status = wire::decode_enrollment_status(payload);
    if (!status || status->fingerprint != request_.fingerprint) {
      return;  // about another request of that name
    }
    switch (status->state) {
      case wire::EnrollmentState::pending:
        tell(
            "the station has the request; a person compares the fingerprint:\n"
            "    stewardctl enroll approve " +
            invitation_.node.str() + " --dir CLUSTER");
        break;
      case wire::EnrollmentState::conflict:
        tell("the name " + invitation_.node.str() + " has another key: a person has to decide");
        break;
      case wire::EnrollmentState::rejected:
        say_("rejected" + (status->reason.empty() ? "" : ": " + status->reason));
        outcome_ = Joined::refused;
        loop_.stop();
        break;
      case wire::EnrollmentState::approved:
        break;  // the bundle follows
    }
  }

  // Once in a row.
  void tell(const std::string& text) {
    if (text != std::exchange(told_, text)) {
      say_(text);
    }
  }

  const path folder_;
  const identity::JoinString& invitation_;
  const Request request_;
  const Say say_;
  const runtime::SystemClock clock_;
  const bus::Channel channel_;
  Joined outcome_ = Joined::waiting;
  std::string told_;
  runtime::Loop loop_;
  runtime::Timer again_;
  runtime::Timer patience_;
  runtime::SignalWatcher interrupted_;
  runtime::SignalWatcher terminated_;
  std::unique_ptr<bus::NatsBus> bus_;
  std::vector<std::unique_ptr<bus::Subscription>> heard_;
};

Result<identity::JoinString> invitation_of(const JoinOrder& order) {
  if (!order.text.empty()) {
    return identity::decode_join_string(order.text);
  }
  const auto kept = identity::read_secret_file(order.folder / kString);
  if (!kept) {
    return failure(
        kept.error().code == ErrorCode::not_found ? ErrorCode::not_found : kept.error().code,
        "no join string was given, and none is kept in " + order.folder.string());
  }
  return identity::decode_join_string(kept->view());
}

// What the connection needs; the string itself is the last to be there.
Result<void> keep(const path& folder, const identity::JoinString& invitation) {
  const auto text = identity::encode_join_string(invitation);
  const auto tls = invitation.tls.value_or(identity::JoinString::Tls{});
  for (const auto& [file, bytes] : {std::pair{kLogin, std::string_view(invitation.credentials)},
                                    std::pair{kChain, std::string_view(tls.chain)},
                                    std::pair{kKey, std::string_view(tls.key)},
                                    std::pair{kString, std::string_view(text)}}) {
    if (bytes.empty()) {
      continue;
    }
    auto written =
        identity::write_file(folder / file, bytes, Access::owner_only, Existing::replace);
    if (!written) {
      return written;
    }
  }
  return {};
}

}  // namespace

Result<Joined> join(const JoinOrder& given, const Say& say) {
  auto order = given;
  std::error_code error;
  order.folder = std::filesystem::absolute(given.folder, error).lexically_normal();
  const auto forget = [&order] {
    std::error_code ignored;
    for (const auto* file : {kLogin, kChain, kKey, kString}) {
      std::filesystem::remove(order.folder / file, ignored);
    }
  };
  if (order.text.empty() && is_enrolled(order.folder)) {
    forget();
    return Joined::enrolled;
  }
  STEWARD_TRY(const auto invitation, invitation_of(order));
  STEWARD_TRY(auto request,
              begin_enrollment({order.folder,
                                invitation.cluster.str(),
                                invitation.node.str(),
                                invitation.root.text(),
                                invitation.brokers,
                                invitation.tls ? std::optional(invitation.tls->ca) : std::nullopt},
                               runtime::SystemClock().now()));
  if (is_enrolled(order.folder)) {
    forget();
    return Joined::enrolled;
  }
  if (auto kept = keep(order.folder, invitation); !kept) {
    return tl::unexpected(std::move(kept).error());
  }
  say("unit " + invitation.node.str() + " of cluster " + invitation.cluster.str() +
      "\n  fingerprint " + request.fingerprint);
  STEWARD_TRY(const auto joined,
              Waiting(order.folder, invitation, std::move(request), say).run(order.patience));
  if (joined == Joined::enrolled) {
    forget();
  }
  return joined;
}

}  // namespace steward::edge
