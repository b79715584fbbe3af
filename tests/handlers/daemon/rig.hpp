#pragma once

#include "handlers/daemon/daemons.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/daemon.hpp"
#include "tests/support/temporary_folder.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// What the handler says.
class Heard final : public runtime::Publisher {
 public:
  void reply(wire::Ack ack) override;

  void begin(const wire::MessageId&, std::function<void()> then) override { then(); }

  Result<void> stream(std::string) override { return {}; }

  void record(std::string payload) override;
  void alert(std::string payload) override;

  void deliver(runtime::Delivery, std::function<void(Result<void>)>) override {}

  bool link_up() const override { return true; }

  // Of one daemon, in order: the states that it came to, the ways in which it ended.
  std::vector<std::string> states(const std::string& name) const;
  std::vector<wire::DaemonExit> exits(const std::string& name) const;

  std::map<wire::MessageId, wire::Ack> ends;
  std::vector<wire::DaemonEvent> events;
  std::vector<wire::AlertEvent> alerts;
};

// The handler with real processes and the real shim, on a loop that the test drives.
class Rig final : public runtime::Vitals {
 public:
  // `options`: more of the section [daemon].
  explicit Rig(std::string options = "");
  ~Rig() override;

  wire::MessageId send(const std::string& payload);

  // Sends it and waits for its end.
  wire::Ack ask(const std::string& payload);

  // {"op":"apply"} of a shell script, with more fields of the spec.
  wire::Ack apply(const std::string& name,
                  const std::string& script,
                  const std::string& more = "",
                  const std::string& options = "");
  wire::Ack order(const std::string& op, const std::string& name);

  wire::DaemonRow row(const std::string& name);

  bool until(const std::function<bool()>& holds);
  bool becomes(const std::string& name, wire::DaemonState state);

  // The agent stops in order, or is gone from one moment to the next; another one starts.
  void restart();
  void crash();

  // The same, and something happens before another one starts.
  void away(const std::function<void()>& meanwhile);

  // The link to the broker comes up or is lost; from the beginning it is up.
  void link(bool up);

  std::filesystem::path folder() const { return folder_.path(); }

  // Where files are specs.
  std::filesystem::path specs() const { return folder() / "daemons.d"; }

  wire::Hello hello() const override { return {}; }

  void facts_told(const std::string&) override {}

  runtime::Loop loop;
  Heard heard;

 private:
  void begin();
  void stop();

  const std::string options_;
  tests::TemporaryFolder folder_;
  runtime::SystemClock clock_;
  std::unique_ptr<runtime::Processes> processes_;
  std::unique_ptr<runtime::Context> context_;
  std::unique_ptr<Daemons> handler_;
};

// The processes whose command line holds that text.
int copies_of(const std::string& text);

}  // namespace steward::handlers::daemon
