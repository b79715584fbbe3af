#pragma once

#include "handlers/daemon/systemd/connection.hpp"
#include "handlers/daemon/systemd/unit_state.hpp"
#include "subjects/wire/daemon.hpp"
#include "subjects/wire/error.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// systemd's units: what is done with them, and how those are that somebody watches. On its loop's
// thread; callbacks come from the loop, never from within a call, and not after its end.
class Units {
 public:
  // `address`: of the D-Bus, empty: the system's.
  Units(runtime::Loop& loop, std::string address);
  ~Units();
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  // How a job ended: "done", "failed", "timeout", "canceled", "dependency", "skipped", ...
  using JobDone = std::function<void(const Result<std::string>&)>;
  using Done = std::function<void(const Result<void>&)>;
  // JSON text.
  using Told = std::function<void(const Result<std::string>&)>;

  // Its words are those of systemctl.
  enum class Job { start, stop, restart, reload };

  // One that does not end in time is cancelled. Errors: timed_out, as Connection.
  void job(Job job, const std::string& unit, std::chrono::milliseconds timeout, JobDone done);

  // A unit that is there as long as it runs, made from a spec with argv. Its end stays to be seen
  // until it is stopped. Errors: conflict (there is one).
  void start_transient(const std::string& unit, const wire::DaemonSpec& spec, JobDone done);

  // To all its processes.
  void kill(const std::string& unit, int signal, Done done);
  void freeze(const std::string& unit, Done done);
  void thaw(const std::string& unit, Done done);
  void reset_failed(const std::string& unit, Done done);

  // Whether it starts with the machine. Errors: not_found.
  void enable(const std::string& unit, Done done);
  void disable(const std::string& unit, Done done);

  // Every loaded unit: [{"unit", "description", "load", "active", "sub"}].
  void list(Told told);

  // All properties of one, as systemd names them. Errors: not_found.
  void properties(const std::string& unit, Told told);

  struct Watcher {
    std::function<void(const UnitState&)> state;       // at first, and at each change
    std::function<void(const std::string& why)> lost;  // of systemd nothing is heard, until `state`
  };

  // Told while the returned object lives.
  class Watch;
  [[nodiscard]] std::shared_ptr<Watch> watch(const std::string& unit, Watcher watcher);

  // Why nothing can be asked, empty: it can.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Running {
    JobDone done;
    std::unique_ptr<runtime::Timer> patience;
  };

  void fresh();
  void lost(const std::string& why);
  // What is done once nothing but an error comes back.
  static Connection::Reply only(Done done);
  void on_unit(const char* method, const std::string& unit, Done done);
  void call(const Connection::Call& call, Connection::Reply reply);
  void unit_files(const char* method, const std::string& unit, Done done);
  void run(const Connection::Call& call, std::chrono::milliseconds timeout, JobDone done);
  void job_removed(const std::string& path, const std::string& result);
  void resync(const std::shared_ptr<Watch>& watch);

  runtime::Loop& loop_;
  Connection connection_;
  std::string trouble_ = "systemd has not answered yet";
  bool opened_ = false;
  std::map<std::string, Running> jobs_;  // by the path of the job
  std::list<std::weak_ptr<Watch>> watches_;
  std::shared_ptr<Units*> alive_;
};

}  // namespace steward::handlers::daemon
