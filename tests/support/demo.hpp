#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
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

  // The agent of that unit, a process of this demo.
  pid_t unit(const std::string& name) const;

  // What is listening: "nats://127.0.0.1:<port>".
  std::string broker() const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit Demo(std::filesystem::path folder);
  void launch(const Options& options);

  const std::filesystem::path folder_;
  pid_t pid_ = -1;
};

}  // namespace steward::tests
