#pragma once

#include "handlers/osupdate/osupdate.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "subjects/wire/osupdate.hpp"
#include "tests/support/temporary_folder.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {

// What the handler says.
class Heard final : public runtime::Publisher {
 public:
  void reply(wire::Ack ack) override;

  void begin(const wire::MessageId& id, std::function<void()> then) override;

  Result<void> stream(std::string payload) override;
  void record(std::string payload) override;

  void alert(std::string) override {}

  void deliver(runtime::Delivery, std::function<void(Result<void>)>) override {}

  bool link_up() const override { return true; }

  // Of one run, in order.
  std::vector<std::string> phases(const std::string& id) const;

  std::map<wire::MessageId, wire::Ack> ends;
  std::map<wire::MessageId, bool> begun;
  std::vector<wire::Ack> queued;
  std::vector<wire::UpdateEvent> events;
  std::vector<wire::UpdateEvent> progress;
};

// The machine's, which the test can put forward.
class RigClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override { return own_.now() + ahead; }

  std::chrono::steady_clock::time_point steady() const override { return own_.steady(); }

  wire::MessageId new_id() override { return own_.new_id(); }

  std::chrono::hours ahead{0};

 private:
  runtime::SystemClock own_;
};

// A package to be built.
struct Recipe {
  std::string name;
  std::string version;
  std::string suite = "main";
  std::string control;  // more lines
  std::string postinst;
  std::string preinst;
  std::string conffile;
  std::string bytes;  // of a file in it
};

// The handler with the real apt, dpkg and shim, on a system of its own in a temporary folder, and
// on a loop that the test drives. At its end it checks that the machine's own packages are as they
// were.
class Rig final : public runtime::Vitals {
 public:
  explicit Rig(const std::string& options = "");
  ~Rig() override;

  void make(const Recipe& recipe) const;

  // Offers what was made; "sign": with signatures.
  void publish(const std::string& how = "") const;

  // Runs apt-get there, beside the handler.
  int apt(const std::string& words) const;
  int apt_behind(const std::string& words) const;  // does not wait for its end

  // web and db, 1.0, installed; 2.0 is offered.
  void upgradable();

  wire::MessageId send(const std::string& payload);

  // Sends it and waits for its end.
  wire::Ack ask(const std::string& payload);
  wire::Ack end_of(const wire::MessageId& id);
  wire::UpdateOutcome outcome(const wire::Ack& ack) const;
  wire::UpdatePlan plan(const std::string& more = "");

  std::string version(const std::string& package) const;
  bool is_whole() const;

  bool until(const std::function<bool()>& holds);

  // The agent is gone from one moment to the next; another one starts, and gets the commands that
  // were open.
  void crash();

  runtime::CancelOutcome cancel(const wire::MessageId& id);

  // By KILL; how many.
  int kill_all(const std::string& program) const;

  // Processes of this rig of that name.
  std::vector<pid_t> pids_of(const std::string& program) const;

  std::filesystem::path folder() const { return folder_.path(); }

  std::filesystem::path root() const { return folder() / "root"; }

  std::string file(const std::string& path) const;
  void write(const std::string& path, const std::string& text) const;

  wire::Hello hello() const override { return {}; }

  void facts_told(const std::string&) override {}

  void figures_told(const wire::Token&,
                    const wire::Token&,
                    const std::map<std::string, std::int64_t>& told) override {
    figures = told;
  }

  runtime::Loop loop;
  Heard heard;
  std::map<std::string, std::int64_t> figures;
  RigClock clock;

 private:
  void begin();
  void give(const wire::MessageId& id, const std::string& payload);
  int run(const std::string& command) const;
  std::string apt_line(const std::string& words) const;

  tests::TemporaryFolder folder_;
  std::string own_packages_;
  std::string options_;
  std::map<wire::MessageId, std::string> open_;
  std::unique_ptr<runtime::Processes> processes_;
  std::unique_ptr<runtime::Context> context_;
  std::unique_ptr<Updates> handler_;
};

}  // namespace steward::handlers::osupdate
