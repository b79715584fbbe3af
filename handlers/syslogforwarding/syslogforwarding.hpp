#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/forwarder.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "handlers/syslogforwarding/settings.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"
#include "handlers/syslogforwarding/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Gives the lines of its sources to the broker. Without sources it looks now and then whether a
// daemon's output is to be forwarded, and costs nothing else.
class SyslogForwardingHandler final : public runtime::Handler {
 public:
  explicit SyslogForwardingHandler(runtime::Context& context);
  ~SyslogForwardingHandler() override;

  Result<void> start() override;
  Result<runtime::Admission> receive(const runtime::Command& command) override;
  void link_up() override;
  void stop(std::function<void()> stopped) override;

 private:
  struct Running {
    std::unique_ptr<LogSource> source;
    bool works = false;
    std::string error;
  };

  bool has_work() const;
  Result<void> begin();
  void make_sources(std::vector<std::shared_ptr<Feed>> left);
  void add(std::unique_ptr<LogSource> source);
  void start_sources();
  void end();
  void wait_for_end();

  Result<std::string> act(const wire::LogRequest& request);
  Result<std::string> replay(const wire::LogRequest& request);
  Result<std::string> spool() const;
  std::string status() const;
  void tell_figures();

  runtime::Context& context_;
  Settings settings_;
  LineParser parser_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Forwarder> forwarder_;
  std::vector<Running> sources_;
  runtime::Timer look_;   // whether there is work by now
  runtime::Timer retry_;  // of sources that did not start
  runtime::Timer sync_;
  runtime::Timer leaving_;
  std::uint64_t forwarded_ = 0;  // of the beginning of the time over which the rate is told
  std::chrono::steady_clock::time_point rated_{};
  std::int64_t lines_a_second_ = 0;
  std::function<void()> stopped_;
  int patience_ = 0;
};

}  // namespace steward::handlers::syslogforwarding
