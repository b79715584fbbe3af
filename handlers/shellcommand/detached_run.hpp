#pragma once

#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/shim.hpp"
#include "handlers/shellcommand/job_streams.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace steward::handlers::shellcommand {

// The process of a detached command: a shim is its parent, and its output is read from the shim's
// files, so that it goes on without this agent and the next one finds all of it again.
class DetachedRun {
 public:
  struct Listener {
    std::function<void()> started;
    std::function<void(const Error&)> failed;
    std::function<void(const runtime::ShimEnd&)> exited;  // all its output so far was taken
    std::function<void()> gone;                           // nothing of its tree is left
    std::function<void()> lost;
  };

  DetachedRun(runtime::Context& context,
              std::string& buffer,
              JobStreams& streams,
              std::filesystem::path folder,
              Listener listener);

  // `input`: the bytes of its stdin; none: /dev/null. Errors: as Shim::start.
  [[nodiscard]] Result<void> start(const std::string& shim,
                                   runtime::ShimRequest request,
                                   const std::string* input);

  // Takes up what an earlier agent has begun in that folder.
  void adopt(const std::string& job);

  runtime::Shim& shim() { return *shim_; }

  const runtime::Shim& shim() const { return *shim_; }

 private:
  struct Stream {
    std::uint64_t read = 0;
    std::uint64_t total = 0;
    std::uint64_t past = 0;  // of the bytes before this agent
    bool known = false;      // past is
  };

  runtime::Shim::Listener shim_listener();
  void output(int number, std::uint64_t total);
  void read_some();
  bool read_piece(int number);

  runtime::Context& context_;
  std::string& buffer_;
  JobStreams& streams_;
  std::filesystem::path folder_;
  Listener listener_;
  bool adopted_ = false;
  std::array<Stream, 2> read_;
  std::function<void()> then_;  // once all output is read
  runtime::Timer reading_;
  std::unique_ptr<runtime::Shim> shim_;
};

}  // namespace steward::handlers::shellcommand
