#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/forwarder.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Reads what the kernel says, from /dev/kmsg. The kernel keeps the latest in a ring and numbers
// them: so it goes on after a restart where the broker's acknowledgements end, and what the ring
// has let go of before it was read is said with its count. Each boot is an epoch.
class KernelSource final : public LogSource {
 public:
  // `left`: what an earlier run has left in the store.
  KernelSource(runtime::Context& context,
               Forwarder& forwarder,
               const Settings& settings,
               const std::vector<std::shared_ptr<Feed>>& left);
  ~KernelSource() override;

  Result<void> start() override;
  void go_on() override;
  std::string name() const override;

 private:
  void read();
  bool read_some();
  void take(std::string_view bytes);

  runtime::Context& context_;
  Forwarder& forwarder_;
  const Settings& settings_;
  const std::string boot_id_;
  std::array<char, 16'384> buffer_{};  // the kernel gives one record at a time, whole or not at all
  std::shared_ptr<Feed> feed_;         // its mark: `offset` is the number of the next one
  runtime::Fd file_;
  std::optional<runtime::FdWatcher> watcher_;
};

}  // namespace steward::handlers::syslogforwarding
