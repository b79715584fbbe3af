#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::tests {

// How a program ended, and what it said.
struct Ended {
  int status = -1;  // exit status, 128 + signal when it was ended by one
  std::string out;
  std::string err;
};

// A real `steward demo` with its broker and units, in a folder of its own that goes with it, and
// stewardctl as a person beside it would use it. Programs are taken from the build's bin folder.
class Demo {
 public:
  struct Options {
    int units = 3;
    std::chrono::milliseconds interval{500};  // of their hellos
    bool is_signed = false;                   // with keys, logins and a policy
  };

  // Waits until every unit is up. Null where nats-server is not installed: said loudly, and a
  // failed test where the environment says CI; the caller returns.
  static std::unique_ptr<Demo> start(Options options);
  static std::unique_ptr<Demo> start();

  ~Demo();
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  // Runs stewardctl to its end, at most a minute.
  Ended ctl(const std::vector<std::string>& arguments, const std::string& input = "") const;

  // Starts stewardctl and calls `meanwhile` with its pid before it is waited for.
  Ended ctl_while(const std::vector<std::string>& arguments,
                  const std::function<void(pid_t)>& meanwhile) const;

  // What the one that runs in ctl_while() has said on standard error so far.
  std::string noted_so_far() const;

  // Runs stewardctl on a terminal of its own, 100 columns wide: once it has said `prompt`, `input`
  // is typed. Its two streams are one.
  Ended ctl_on_terminal(const std::vector<std::string>& arguments,
                        const std::string& prompt,
                        const std::string& input) const;

  // Starts an agent beside the demo's own (which is not signed), its state kept from one start to
  // the next, and waits until the station shows it as up.
  void start_unit(const std::string& name);

  // Kills it without a warning and waits until the station shows it as down.
  void kill_unit(const std::string& name);

  // The agent of that unit, a process of this demo.
  pid_t unit(const std::string& name) const;

  // What is listening: "nats://127.0.0.1:<port>".
  std::string broker() const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit Demo(std::filesystem::path folder);
  void launch(const Options& options);

  bool becomes(const std::string& unit, const std::string& state) const;

  const std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::chrono::milliseconds interval_{500};
  std::map<std::string, pid_t> agents_;
};

}  // namespace steward::tests
