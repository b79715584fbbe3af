#pragma once

#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/forwarder.hpp"
#include "handlers/syslogforwarding/parse/framer.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"
#include "handlers/syslogforwarding/sources/tls.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::syslogforwarding {

// Takes connections that bring lines. While the forwarder has no room nothing is read: the senders
// wait. With files for TLS, only connections by TLS.
class TcpSource final : public LogSource {
 public:
  TcpSource(runtime::Context& context,
            Forwarder& forwarder,
            const Settings& settings,
            LineParser& parser,
            std::string address,
            std::optional<TlsFiles> tls = std::nullopt);
  ~TcpSource() override;

  Result<void> start() override;
  void go_on() override;
  void take_rest() override;
  std::string name() const override;

 private:
  struct Connection {
    Connection(std::size_t most, std::string peer_host)
        : framer(most), host(std::move(peer_host)) {}

    Framer framer;
    std::string host;
    runtime::Fd socket;
    std::unique_ptr<TlsSession> tls;            // null: plain
    std::optional<runtime::FdWatcher> watcher;  // behind it: it goes first
    bool waits = false;
  };

  enum class Received { some, nothing, end };

  bool accept();
  void receive(int id);
  Received receive_some(Connection& connection);
  Received read(Connection& connection, std::size_t& bytes);
  void take(const Connection& connection, std::string_view message, std::size_t whole);
  void hear(int id, Connection& connection);

  runtime::Context& context_;
  Forwarder& forwarder_;
  const Settings& settings_;
  LineParser& parser_;
  const std::string address_;
  const std::optional<TlsFiles> tls_;
  runtime::Complaint complaint_;
  std::string buffer_;
  std::int64_t received_us_ = 0;
  std::shared_ptr<Feed> feed_;
  runtime::Fd listening_;
  std::optional<runtime::FdWatcher> watcher_;
  std::map<int, Connection> connections_;  // by their numbers
  int last_id_ = 0;
};

}  // namespace steward::handlers::syslogforwarding
