#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/forwarder.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Hears datagrams, one line each: on a unix socket as programs of this machine write to, or by UDP.
class DatagramSource final : public LogSource {
 public:
  enum class Kind { unix_socket, udp };

  DatagramSource(runtime::Context& context,
                 Forwarder& forwarder,
                 const Settings& settings,
                 LineParser& parser,
                 Kind kind,
                 std::string address);
  ~DatagramSource() override;

  Result<void> start() override;
  void take_rest() override;
  std::string name() const override;

 private:
  struct Room;  // that datagrams are received into

  Result<runtime::Fd> bind() const;
  void receive();
  bool receive_some();

  runtime::Context& context_;
  Forwarder& forwarder_;
  const Settings& settings_;
  LineParser& parser_;
  const Kind kind_;
  const std::string address_;
  std::unique_ptr<Room> room_;
  std::shared_ptr<Feed> feed_;
  std::uint32_t lost_ = 0;  // by the kernel, as it counts
  runtime::Fd socket_;
  std::optional<runtime::FdWatcher> watcher_;
};

}  // namespace steward::handlers::syslogforwarding
