#pragma once

#include "subjects/bus/bus.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::bus {

// How a link is encrypted, by files in PEM. They are read anew for each connection.
struct TlsFiles {
  std::string ca;  // who signs brokers' certificates; empty: those whom the system believes
  std::string certificate;  // ours and its chain, for brokers that ask; with its key
  std::string key;
  bool own = false;  // this program makes its certificate itself: it may come later
};

// Whether the broker at that address is spoken to by TLS in any case.
inline bool is_tls_address(const std::string& address) { return address.starts_with("tls://"); }

struct NatsOptions {
  std::vector<std::string> servers;  // "nats://127.0.0.1:4222"
  std::string name;                  // shown by the broker's connection list
  std::string inbox_prefix = "_INBOX";
  std::string user;
  std::string password;
  std::string token;
  std::string credentials_file;
  TlsFiles tls;  // spoken where a file is given, or an address says tls://
  std::chrono::milliseconds first_backoff{50};  // doubles, with jitter, up to:
  std::chrono::milliseconds longest_backoff{10'000};
  // How often the round trip is measured; without an answer for two intervals, the link is down.
  std::chrono::milliseconds ping_interval{10'000};
  // Called on a thread of the bus's at each change of the link, in order; must not block. When it
  // hears `up`, the broker has read the subscriptions.
  std::function<void(const LinkStatus&)> on_link;
};

// The connection to a nats-server. One thread of its own makes the connection anew for ever, with
// jittered backoff from the first try on (at once after a loss), whatever the reason of the loss:
// nats.c's own reconnect gives up by itself after two authorization errors, so it is switched off.
// Subscriptions come back with each connection; what is published without a link is refused with
// `unavailable` and kept by nobody here: that is the outbox's work.
class NatsBus final : public Bus {
 public:
  // Starts connecting and returns. Errors: bad_config, as check().
  [[nodiscard]] static Result<std::unique_ptr<NatsBus>> open(NatsOptions options);

  // Closes without telling on_link; call drain() before for a clean end. Waits for a try to connect
  // that is under way: 2 s for each server at the most.
  ~NatsBus() override;
  NatsBus(const NatsBus&) = delete;
  NatsBus& operator=(const NatsBus&) = delete;

  // Writes to the socket on the caller's thread; waits while the kernel's buffer is full, two ping
  // intervals at the most. Errors: also bad_subject, bad_envelope (a header that would
  // not arrive as it is: empty, with a line break, or a blank at its end).
  Result<void> publish(const Message& message) override;
  Result<std::unique_ptr<Subscription>> subscribe(const std::string& subject, Sink sink) override;
  std::string new_inbox() override;
  LinkStatus status() const override;
  Result<void> flush(std::chrono::milliseconds timeout) override;

  // Whether the last try to connect ended with the broker's word that it does not let us in.
  bool refused() const;

  // Waits until the link is up. Errors: timed_out, with the last reason.
  [[nodiscard]] Result<void> wait_until_up(std::chrono::milliseconds timeout);

  // Stops hearing, waits until the broker has taken all that was published, closes, tells on_link.
  // Without a link it only closes. Call it once. Errors: timed_out, unavailable (lost meanwhile).
  [[nodiscard]] Result<void> drain(std::chrono::milliseconds timeout);

 private:
  class Connector;
  NatsBus(NatsOptions options, std::string inboxes);

  const std::string inboxes_;  // what new inboxes begin with
  std::atomic<std::uint64_t> inbox_count_{0};
  std::unique_ptr<Connector> connector_;
};

// Whether the options can be used, as far as that can be seen without connecting. Errors:
// bad_config (an address that is none, an unreadable file, two kinds of login).
[[nodiscard]] Result<void> check(const NatsOptions& options);

// "nats.c 3.4.1".
std::string library_version();

}  // namespace steward::bus
