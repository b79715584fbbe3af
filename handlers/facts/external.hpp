#pragma once

#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/program_run.hpp"
#include "subjects/wire/facts.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::facts {

// Facts that the machine's owner adds by files in a folder: *.json is read, what is executable is
// run and says JSON or lines NAME=VALUE. A file that others than root and our own user can write is
// left alone. On the handler's thread.
class ExternalFacts {
 public:
  static constexpr std::size_t kMostFiles = 64;
  static constexpr std::size_t kLargestOutput = 64 * 1024;

  // What one file has said.
  struct Outcome {
    wire::Facts facts;  // the last good ones
    std::string error;  // of the last time; empty: it went well
  };

  ExternalFacts(runtime::Loop& loop,
                runtime::Processes& processes,
                std::filesystem::path folder,
                std::chrono::milliseconds timeout);
  ~ExternalFacts();
  ExternalFacts(const ExternalFacts&) = delete;
  ExternalFacts& operator=(const ExternalFacts&) = delete;

  // Asks every file anew, and then calls `done`; from inside this call where no program is there to
  // be run. A second call while one is under way is joined to it.
  void refresh(std::function<void()> done);

  // By file name.
  const std::map<std::string, Outcome>& outcomes() const { return outcomes_; }

 private:
  void look_at(const std::filesystem::path& file);
  void run(const std::string& name, const std::filesystem::path& file);
  void take(const std::string& name, Result<std::string> text);
  void settle();

  runtime::Loop& loop_;
  runtime::Processes& processes_;
  const std::filesystem::path folder_;
  const std::chrono::milliseconds timeout_;
  std::map<std::string, Outcome> outcomes_;
  std::map<std::string, std::unique_ptr<runtime::ProgramRun>> running_;
  std::vector<std::unique_ptr<runtime::ProgramRun>> ended_;  // cannot go from inside their own call
  std::vector<std::function<void()>> waiting_;
  bool looking_ = false;
};

// JSON object or lines NAME=VALUE. Errors: bad_payload.
[[nodiscard]] Result<wire::Facts> parse_external(std::string_view text);

}  // namespace steward::handlers::facts
