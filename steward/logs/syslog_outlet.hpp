#pragma once

#include "handlers/runtime/fd.hpp"
#include "steward/logs/outlet.hpp"
#include "steward/logs/settings.hpp"
#include "steward/logs/tls.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace steward::station {

// Lines to a syslog server, RFC 5424 with octet counting (RFC 6587, RFC 5425), over TCP or TLS.
// TCP says what the other machine's kernel has taken, not what its server has read. So a group is
// safe when all of it was acknowledged and the connection has lived on for kSettle, or has taken
// kSettleBytes more, which do not fit into a kernel's buffer: those before them were read.
class SyslogOutlet final : public Outlet {
 public:
  static constexpr std::chrono::milliseconds kSettle{2'000};
  static constexpr std::uint64_t kSettleBytes = std::uint64_t{8} * 1024 * 1024;

  explicit SyslogOutlet(SyslogServer server) : server_(std::move(server)) {}

  // Errors: unavailable (not reached, refused, lost), bad_config (TLS's files).
  Result<void> step(Steady now) override;

  bool wants() const override;
  Result<void> take(LogGroup& group, Steady now) override;
  std::size_t settled(Steady now) override;

  Result<void> committed() override { return {}; }

  Watch watch() const override;
  std::chrono::milliseconds patience(Steady now) const override;

 private:
  // A group that was taken.
  struct Mark {
    std::uint64_t text_end = 0;             // in the text that this connection was given
    std::optional<std::uint64_t> sent_end;  // in what the socket was given, once it was
    std::optional<Steady> acknowledged;     // by the other kernel
  };

  Result<void> begin(Steady now);
  Result<void> go_on_connecting(Steady now);
  Result<void> write();
  Result<void> listen();
  Result<std::size_t> send(std::string_view bytes);
  std::uint64_t sent() const;
  tl::unexpected<Error> lost(Error error);

  const SyslogServer server_;
  runtime::Fd socket_;
  std::unique_ptr<TlsClient> tls_;
  bool connected_ = false;
  bool blocked_ = false;  // the socket takes no more now
  Steady until_{};        // connecting
  std::size_t tries_ = 0;
  std::string text_;  // not sent yet, from at_ on
  std::size_t at_ = 0;
  std::uint64_t given_ = 0;  // of text, to this connection
  std::uint64_t plain_sent_ = 0;
  std::deque<Mark> marks_;
};

}  // namespace steward::station
