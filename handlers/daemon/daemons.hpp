#pragma once

#include "handlers/daemon/certificates.hpp"
#include "handlers/daemon/daemon.hpp"
#include "handlers/daemon/folders.hpp"
#include "handlers/daemon/link_watch.hpp"
#include "handlers/daemon/order.hpp"
#include "handlers/daemon/records.hpp"
#include "handlers/daemon/spec_files.hpp"
#include "handlers/daemon/systemd/units.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/limits.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/daemon.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// Keeps the daemons of a unit as they are wanted, and does what is asked of them (README.md).
class Daemons final : public runtime::Handler {
 public:
  explicit Daemons(runtime::Context& context);

  [[nodiscard]] Result<void> start() override;
  [[nodiscard]] Result<runtime::Admission> receive(const runtime::Command& command) override;
  runtime::CancelOutcome cancel(const wire::MessageId& id) override;
  void link_up() override;
  void link_down() override;
  void stop(std::function<void()> stopped) override;

 private:
  // A command that ends when its daemon has come to where it is wanted.
  struct Waiting {
    std::optional<wire::MessageId> id;  // none: nobody is to be answered
    std::string name;
    enum class For { up, down, removed } what = For::up;
    std::vector<std::string> changed;  // of an apply
    std::vector<std::string> daemons;  // that are meant
  };

  Daemon& add(Record record);
  Daemon* find(const std::string& name) const;
  std::vector<Daemon*> meant(const std::string& name) const;
  bool leaves(const std::string& name) const;
  Result<std::vector<Daemon*>> known(const std::string& name) const;
  Result<Daemon*> one(const std::string& name) const;
  Specs specs_with(const wire::DaemonSpec& spec) const;
  Result<std::vector<std::string>> check(const wire::DaemonSpec& spec) const;
  Result<std::vector<std::string>> changes(const wire::DaemonSpec& spec) const;
  Result<void> make(const wire::DaemonSpec& spec, const std::string& file);
  Result<void> make_one(const wire::DaemonSpec& spec, const std::string& file);
  bool is_made(const wire::DaemonSpec& spec, const std::string& file) const;
  void take_files();
  void tell_wrong_files(std::map<std::string, std::string> wrong);

  // What a command does; none: it is answered later.
  using Answer = Result<std::optional<std::string>>;
  void act(const wire::MessageId& id, const wire::DaemonRequest& request);
  Answer answer(const wire::MessageId& id, const wire::DaemonApply& apply);
  Answer answer(const wire::MessageId& id, const wire::DaemonOrder& order);
  Answer answer(const wire::MessageId& id, const wire::DaemonSignal& signal);
  Answer answer(const wire::MessageId& id, const wire::DaemonStatus& status);
  Answer answer(const wire::MessageId& id, const wire::DaemonUnits& units);
  Answer answer(const wire::MessageId& id, const wire::DaemonLogs& logs);

  // Where systemd is told itself, of a unit that is no daemon of ours or in words of systemd.
  Answer answer(const Waiting& waiting, wire::DaemonOrder::Op op);
  Answer tell_unit(const wire::MessageId& id, wire::DaemonOrder::Op op, const std::string& unit);
  Answer signal_unit(const wire::MessageId& id, const std::string& unit, int signal);
  Answer show_unit(const wire::MessageId& id, const std::string& unit);
  Answer unit_log(const wire::MessageId& id, const std::string& unit, const wire::DaemonLogs& logs);

  // What a run of a unit said last is in the journal, a little after its end.
  struct Ended {
    std::string unit;
    wire::Timestamp started;
    std::string lines;
  };

  void find_last_lines(const Daemon& daemon);
  void read_last_lines();

  bool by_systemd(const wire::DaemonSpec& spec) const;

  // Empty: it is below a shim of ours.
  std::string unit_name(const Daemon& daemon) const;
  std::unique_ptr<Run> make_run(const Daemon& daemon, Run::Listener listener);
  void watch_unit(const Daemon& daemon);
  std::string barred(const Daemon& daemon) const;
  std::optional<HeldUp> holds_up(const Daemon& daemon);
  std::string holds_down(const Daemon& daemon) const;
  void keep(const Daemon& daemon);
  void forward(const Daemon& daemon);
  void certificate_renewed(const std::string& name);
  void changed(Daemon& daemon, wire::DaemonEvent::Type type);
  void alert(const Daemon& daemon);
  wire::Alert alert_of(const Daemon& daemon) const;
  void look();
  bool settle(const Waiting& waiting);
  static Result<bool> is_up(const Daemon& daemon, bool applied);
  Result<bool> has_come(const Waiting& waiting, const std::string& name) const;
  std::string result_of(const Waiting& waiting) const;
  void fail(const wire::MessageId& id, const Error& error);
  void finish(const Waiting& waiting, const Result<std::string>& result);
  void remove(const std::string& name);
  void tell_all();
  void tell_figures();

  runtime::Context& context_;
  const std::string shim_;
  std::optional<runtime::CgroupRoot> cgroups_;
  const std::string systemd_bus_;
  const std::string journal_;  // a folder; empty: this machine's
  const bool systemd_here_;
  Units units_;
  Records records_;
  Folders folders_;
  LinkWatch link_;
  Certificates certificates_;
  SpecFiles files_;
  std::map<std::string, std::string> wrong_files_;  // what is wrong, by path
  std::minstd_rand random_;
  Daemon::Shop shop_;
  std::size_t most_starting_;
  std::map<std::string, std::unique_ptr<Daemon>> daemons_;

  // The unit of a daemon, also of one that is down.
  struct Watched {
    std::string unit;
    std::shared_ptr<Units::Watch> watch;
  };

  std::map<std::string, Watched> watched_;
  std::vector<Waiting> waiting_;
  std::function<void()> stopped_;
  runtime::Timer look_;  // after a change: outside of the daemons' own frames
  runtime::Timer tell_;  // all of them, once they have been taken up
  runtime::Timer look_at_files_;
  std::map<std::string, Ended> ends_;
  runtime::Timer journal_pause_;
  std::shared_ptr<Daemons*> alive_;
};

}  // namespace steward::handlers::daemon
