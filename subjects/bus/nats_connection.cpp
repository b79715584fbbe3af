#include "subjects/bus/nats_connection.hpp"

#include <nats/nats.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>
#include <vector>

namespace steward::bus {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{2'000};

// Of one subscription: what waits for its sink. Sinks only move a message, so this is for a stopped
// machine, not for a slow handler (that is the mailbox's bound).
constexpr int kPendingMessages = 65'536;
constexpr int kPendingBytes = 64 * 1024 * 1024;

template <class T, void (*destroy)(T*)>
struct Destroyer {
  void operator()(T* object) const { destroy(object); }
};

using OptionsPointer = std::unique_ptr<natsOptions, Destroyer<natsOptions, natsOptions_Destroy>>;
using MessagePointer = std::unique_ptr<natsMsg, Destroyer<natsMsg, natsMsg_Destroy>>;

ErrorCode code_of(natsStatus status) {
  switch (status) {
    case NATS_TIMEOUT:
      return ErrorCode::timed_out;
    case NATS_MAX_PAYLOAD:
      return ErrorCode::too_large;
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return ErrorCode::permission;
    case NATS_INVALID_SUBJECT:
      return ErrorCode::bad_subject;
    default:
      return ErrorCode::unavailable;
  }
}

// The library's own words for the last error of this thread, where it has some.
tl::unexpected<Error> nats_failure(natsStatus status) {
  natsStatus told = NATS_OK;
  const char* words = nats_GetLastError(&told);
  std::string text =
      told == status && words != nullptr && *words != '\0' ? words : natsStatus_GetText(status);
  return failure(code_of(status), std::move(text));
}

// Sets option after option and keeps the first failure.
class OptionSetter {
 public:
  void operator()(natsStatus status) {
    if (status_ == NATS_OK && status != NATS_OK) {
      status_ = status;
      error_ = nats_failure(status).value();
    }
  }

  Result<void> result() const {
    if (status_ != NATS_OK) {
      return failure(ErrorCode::bad_config, error_.message);
    }
    return {};
  }

 private:
  natsStatus status_ = NATS_OK;
  Error error_;
};

bool is_encrypted(const NatsOptions& options) {
  return !options.tls.ca.empty() || !options.tls.certificate.empty() ||
         std::any_of(options.servers.begin(), options.servers.end(), is_tls_address);
}

void set_identity(natsOptions* raw, const NatsOptions& options, OptionSetter& set) {
  if (!options.name.empty()) {
    set(natsOptions_SetName(raw, options.name.c_str()));
  }
  if (!options.user.empty()) {
    set(natsOptions_SetUserInfo(raw, options.user.c_str(), options.password.c_str()));
  }
  if (!options.token.empty()) {
    set(natsOptions_SetToken(raw, options.token.c_str()));
  }
  if (!options.credentials_file.empty()) {
    set(natsOptions_SetUserCredentialsFromFiles(raw, options.credentials_file.c_str(), nullptr));
  }
  if (is_encrypted(options)) {
    set(natsOptions_SetSecure(raw, true));
  }
  if (!options.tls.ca.empty()) {
    set(natsOptions_LoadCATrustedCertificates(raw, options.tls.ca.c_str()));
  }
  if (!options.tls.certificate.empty()) {
    set(natsOptions_LoadCertificatesChain(
        raw, options.tls.certificate.c_str(), options.tls.key.c_str()));
  }
}

Result<OptionsPointer> make_options(const NatsOptions& options) {
  natsOptions* raw = nullptr;
  if (const auto status = natsOptions_Create(&raw); status != NATS_OK) {
    return nats_failure(status);
  }
  OptionsPointer made(raw);
  std::vector<const char*> servers;
  for (const auto& server : options.servers) {
    servers.push_back(server.c_str());
  }
  OptionSetter set;
  set(natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size())));
  set(natsOptions_SetTimeout(raw, kConnectTimeout.count()));
  set(natsOptions_SetAllowReconnect(raw, false));
  set(natsOptions_SetNoRandomize(raw, false));
  set(natsOptions_SetNoEcho(raw, false));
  set(natsOptions_SetSendAsap(raw, true));
  set(natsOptions_UseGlobalMessageDelivery(raw, true));
  // The connector pings by itself, once for both the round trip's time and the line's life.
  set(natsOptions_SetPingInterval(raw, 0));
  // Without a deadline a publisher would wait for ever on a peer that takes nothing; two unanswered
  // pings are when the line is given up in any case.
  set(natsOptions_SetWriteDeadline(raw, 2 * options.ping_interval.count()));
  set_identity(raw, options, set);
  if (auto all_set = set.result(); !all_set) {
    return tl::unexpected<Error>(std::move(all_set).error());
  }
  return made;
}

// False when the headers cannot be read. nats.c keeps them in a hash: the values of one name come
// in their order, the names in any.
bool copy_headers(natsMsg* from, wire::Headers& to) {
  const char** names = nullptr;
  int name_count = 0;
  const auto status = natsMsgHeader_Keys(from, &names, &name_count);
  if (status == NATS_NOT_FOUND) {
    return true;  // a message without headers
  }
  if (status != NATS_OK) {
    return false;
  }
  bool good = true;
  for (int i = 0; i < name_count && good; ++i) {
    const char** values = nullptr;
    int value_count = 0;
    good = natsMsgHeader_Values(from, names[i], &values, &value_count) == NATS_OK;
    for (int k = 0; k < value_count && good; ++k) {
      to.add(names[i], values[k] == nullptr ? "" : values[k]);
    }
    free(static_cast<void*>(values));
  }
  free(static_cast<void*>(names));
  return good;
}

// A line break in a value would begin another header. nats.c 3.4.1 drops blanks at a value's ends,
// and reads the next header as the value of one that has none: what would not arrive as it is, is
// refused.
bool is_header(std::string_view name, std::string_view value) {
  const auto is_visible = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  return !name.empty() && name.find(':') == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), is_visible) && !value.empty() &&
         value.front() != ' ' && value.back() != ' ' &&
         value.find_first_of(std::string_view("\r\n\t\0", 4)) == std::string_view::npos;
}

Result<MessagePointer> to_library(const Message& message) {
  if (!is_subject(message.subject) || (!message.reply.empty() && !is_subject(message.reply))) {
    return failure(ErrorCode::bad_subject, "not a subject that can be published to");
  }
  if (message.payload.size() > INT_MAX) {
    return failure(ErrorCode::too_large, "the payload is larger than any broker takes");
  }
  natsMsg* raw = nullptr;
  auto status = natsMsg_Create(&raw,
                               message.subject.c_str(),
                               message.reply.empty() ? nullptr : message.reply.c_str(),
                               message.payload.data(),
                               static_cast<int>(message.payload.size()));
  MessagePointer made(raw);
  for (const auto& [name, value] : message.headers) {
    if (!is_header(name, value)) {
      return failure(ErrorCode::bad_envelope, "a header's name or value cannot be sent");
    }
    if (status == NATS_OK) {
      status = natsMsgHeader_Add(raw, name.c_str(), value.c_str());
    }
  }
  if (status != NATS_OK) {
    return nats_failure(status);
  }
  return made;
}

using SharedSubscription = std::shared_ptr<natsSubscription>;

// What a subscription's callbacks point to. Freed by the library's on-complete callback, after
// which it calls none of them again; the subscription itself must live as long (nats.c 3.4.1 looks
// at a destroyed one when a message comes in at that moment).
struct Hearing {
  std::shared_ptr<Interest> interest;
  std::shared_ptr<const NatsConnection::Events> events;
  SharedSubscription subscription;
};

void on_message(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
  const MessagePointer received(raw);
  const auto& hearing = *static_cast<const Hearing*>(closure);
  Message message;
  message.subject = natsMsg_GetSubject(raw);
  if (!copy_headers(raw, message.headers)) {
    hearing.events->trouble(NatsConnection::Trouble::garbled,
                            "dropped a message with unreadable headers on " + message.subject);
    return;
  }
  if (const char* reply = natsMsg_GetReply(raw); reply != nullptr) {
    message.reply = reply;
  }
  message.payload.assign(natsMsg_GetData(raw),
                         static_cast<std::size_t>(natsMsg_GetDataLength(raw)));
  hearing.interest->deliver(std::move(message));
}

void on_complete(void* closure) { delete static_cast<Hearing*>(closure); }

// What a connection's callbacks point to, freed in the last of them.
using ConnectionClosure = std::shared_ptr<const NatsConnection::Events>;

void on_closed(natsConnection* connection, void* closure) {
  const std::unique_ptr<ConnectionClosure> events(static_cast<ConnectionClosure*>(closure));
  const char* words = nullptr;
  const auto status = natsConnection_GetLastError(connection, &words);
  (*events)->lost(words != nullptr && *words != '\0' ? words
                  : status != NATS_OK                ? natsStatus_GetText(status)
                                                     : "the connection was closed");
}

void on_error(natsConnection* connection,
              natsSubscription* subscription,
              natsStatus status,
              void* closure) {
  const auto& events = **static_cast<const ConnectionClosure*>(closure);
  if (status == NATS_SLOW_CONSUMER) {
    const char* subject =
        subscription == nullptr ? nullptr : natsSubscription_GetSubject(subscription);
    events.trouble(NatsConnection::Trouble::overrun,
                   std::string("messages come faster than they are taken on ") +
                       (subject == nullptr ? "a subscription" : subject));
    return;
  }
  const char* words = nullptr;
  static_cast<void>(natsConnection_GetLastError(connection, &words));
  events.trouble(status == NATS_NOT_PERMITTED ? NatsConnection::Trouble::denied
                                              : NatsConnection::Trouble::other,
                 words != nullptr && *words != '\0' ? words : natsStatus_GetText(status));
}

// A broker that demands a certificate says so behind the handshake, when nats.c hears nothing any
// more but that the line has ended.
Error explained(Error error, bool shows_nothing) {
  if (shows_nothing && error.message.find("PONG") != std::string::npos) {
    error.message = "the broker ended the connection: it may demand a certificate of ours";
  }
  return error;
}

}  // namespace

class NatsConnection::Handle {
 public:
  explicit Handle(std::shared_ptr<const Events> events) : events_(std::move(events)) {}

  ~Handle() { natsConnection_Destroy(connection_); }

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<void> connect(natsOptions* options) {
    auto closure = std::make_unique<ConnectionClosure>(events_);
    natsOptions_SetClosedCB(options, on_closed, closure.get());
    natsOptions_SetErrorHandler(options, on_error, closure.get());
    if (const auto status = natsConnection_Connect(&connection_, options); status != NATS_OK) {
      return nats_failure(status);
    }
    static_cast<void>(closure.release());  // on_closed's, which comes once for each connection made
    return {};
  }

  natsConnection* connection() const { return connection_; }

  const std::shared_ptr<const Events>& events() const { return events_; }

 private:
  std::shared_ptr<const Events> events_;
  natsConnection* connection_ = nullptr;
};

NatsConnection::NatsConnection(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

NatsConnection::~NatsConnection() = default;

Result<std::shared_ptr<NatsConnection>> NatsConnection::connect(const NatsOptions& options,
                                                                Events events) {
  STEWARD_TRY(const auto raw_options, make_options(options));
  auto handle = std::make_unique<Handle>(std::make_shared<const Events>(std::move(events)));
  if (auto connected = handle->connect(raw_options.get()); !connected) {
    const bool shows_nothing = is_encrypted(options) && options.tls.certificate.empty();
    return tl::unexpected(explained(std::move(connected).error(), shows_nothing));
  }
  return std::shared_ptr<NatsConnection>(new NatsConnection(std::move(handle)));
}

Result<void> NatsConnection::publish(const Message& message) {
  STEWARD_TRY(const auto ready, to_library(message));
  // nats.c serialises writers too; this lock adds that nobody writes behind half a message.
  const Lock lock(writing_);
  if (broken_) {
    return failure(ErrorCode::unavailable, "the connection is being given up");
  }
  const auto status = natsConnection_PublishMsg(handle_->connection(), ready.get());
  if (status == NATS_OK) {
    return {};
  }
  if (status == NATS_MAX_PAYLOAD) {
    return nats_failure(status);
  }
  broken_ = true;
  auto why = nats_failure(status).value().message;
  handle_->events()->lost("publish: " + why);
  return failure(ErrorCode::unavailable, std::move(why));
}

Result<std::function<void()>> NatsConnection::hear(const std::shared_ptr<Interest>& interest) {
  natsSubscription* raw = nullptr;
  auto hearing = std::make_unique<Hearing>(Hearing{interest, handle_->events(), nullptr});
  auto status = natsConnection_Subscribe(
      &raw, handle_->connection(), interest->subject().c_str(), on_message, hearing.get());
  if (status != NATS_OK) {
    return nats_failure(status);
  }
  const SharedSubscription subscription(raw, natsSubscription_Destroy);
  hearing->subscription = subscription;
  status = natsSubscription_SetOnCompleteCB(raw, on_complete, hearing.get());
  // Refused on a subscription that has ended, with its line, since the call before: its last
  // callback may still run and nothing tells when it is over, so these few bytes are let go.
  static_cast<void>(hearing.release());
  if (status == NATS_OK) {
    status = natsSubscription_SetPendingLimits(raw, kPendingMessages, kPendingBytes);
  }
  if (status != NATS_OK) {
    if (hearing) {
      // The subscription has ended, with its connection, since the call before. A last callback may
      // still run and nothing will tell when it is over, so these few bytes are never freed.
      hearing.release()->subscription.reset();
    }
    return nats_failure(status);
  }
  return [subscription] { static_cast<void>(natsSubscription_Unsubscribe(subscription.get())); };
}

Result<std::chrono::microseconds> NatsConnection::ping(std::chrono::milliseconds timeout) {
  const auto start = std::chrono::steady_clock::now();
  const auto limit = std::max<std::int64_t>(timeout.count(), 1);
  const auto status = natsConnection_FlushTimeout(handle_->connection(), limit);
  if (status != NATS_OK) {
    return nats_failure(status);
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

void NatsConnection::close() { natsConnection_Close(handle_->connection()); }

std::string NatsConnection::broker() const {
  std::array<char, 512> url{};
  if (natsConnection_GetConnectedUrl(handle_->connection(), url.data(), url.size()) != NATS_OK) {
    return "";
  }
  std::string text(url.data());
  const auto scheme = text.find("://");
  const auto login = text.rfind('@');
  if (scheme != std::string::npos && login != std::string::npos) {
    text.erase(scheme + 3, login - scheme - 2);
  }
  return text;
}

std::string library_version() { return std::string("nats.c ") + nats_GetVersion(); }

}  // namespace steward::bus
