#include "tools/bench/raw_nats.hpp"

#include <nats/nats.h>

#include <unistd.h>

#include <utility>

namespace steward::bench {

namespace {

constexpr const char* kSubject = "bench.echo";

struct FreeConnection {
  void operator()(natsConnection* connection) const { natsConnection_Destroy(connection); }
};

using ConnectionPointer = std::unique_ptr<natsConnection, FreeConnection>;

tl::unexpected<Error> nats_failure(natsStatus status, const std::string& doing) {
  const ErrorCode code = status == NATS_TIMEOUT ? ErrorCode::timed_out : ErrorCode::unavailable;
  return failure(code, doing + ": " + natsStatus_GetText(status));
}

Result<ConnectionPointer> connect(const std::string& broker) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  natsStatus status = natsOptions_Create(&options);
  if (status == NATS_OK) {
    status = natsOptions_SetURL(options, broker.c_str());
  }
  if (status == NATS_OK) {
    status = natsOptions_SetSendAsap(options, true);
  }
  if (status == NATS_OK) {
    status = natsConnection_Connect(&connection, options);
  }
  natsOptions_Destroy(options);
  if (status != NATS_OK) {
    return nats_failure(status, "connect to " + broker);
  }
  return ConnectionPointer(connection);
}

void reply(natsConnection* connection, natsSubscription*, natsMsg* message, void*) {
  natsConnection_Publish(connection,
                         natsMsg_GetReply(message),
                         natsMsg_GetData(message),
                         natsMsg_GetDataLength(message));
  natsMsg_Destroy(message);
}

}  // namespace

struct RawRequester::Connection {
  ConnectionPointer connection;
};

RawRequester::RawRequester(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

RawRequester::~RawRequester() = default;

Result<std::unique_ptr<RawRequester>> RawRequester::connect(const std::string& broker) {
  STEWARD_TRY(ConnectionPointer connection, bench::connect(broker));
  auto held = std::make_unique<Connection>(Connection{std::move(connection)});
  return std::unique_ptr<RawRequester>(new RawRequester(std::move(held)));
}

Result<void> RawRequester::request(std::string_view payload, std::chrono::milliseconds timeout) {
  natsMsg* answer = nullptr;
  const natsStatus status = natsConnection_Request(&answer,
                                                   connection_->connection.get(),
                                                   kSubject,
                                                   payload.data(),
                                                   static_cast<int>(payload.size()),
                                                   timeout.count());
  natsMsg_Destroy(answer);
  if (status != NATS_OK) {
    return nats_failure(status, "request to the replier");
  }
  return {};
}

Result<void> serve_raw_replies(const std::string& broker) {
  STEWARD_TRY(const ConnectionPointer connection, connect(broker));
  natsSubscription* subscription = nullptr;
  const natsStatus status =
      natsConnection_Subscribe(&subscription, connection.get(), kSubject, reply, nullptr);
  if (status != NATS_OK) {
    return nats_failure(status, "subscribe");
  }
  while (true) {
    ::pause();
  }
}

}  // namespace steward::bench
