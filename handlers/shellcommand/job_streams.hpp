#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/processes.hpp"
#include "handlers/shellcommand/input_feed.hpp"
#include "handlers/shellcommand/kept_output.hpp"
#include "handlers/shellcommand/line_watch.hpp"
#include "handlers/shellcommand/live_stream.hpp"
#include "handlers/shellcommand/output_pump.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::shellcommand {

// The three streams of one command: pipes or a terminal, and where their bytes go.
class JobStreams {
 public:
  struct Listener {
    std::function<void()> ended;                   // all output has ended; may destroy this
    std::function<void()> came;                    // some output came
    std::function<void(const std::string&)> seen;  // the line that was expected
  };

  // `buffer`: of the handler, for reading.
  JobStreams(runtime::Context& context,
             std::string& buffer,
             wire::MessageId id,
             const wire::ShellRun& run,
             Listener listener);

  // The child's ends, to be closed once it runs.
  struct ChildEnds {
    runtime::Fd in;
    runtime::Fd out;
    runtime::Fd err;  // none: the same as out
  };

  // Makes pipes or a terminal and starts to read. Errors: io.
  [[nodiscard]] Result<ChildEnds> open();

  // The child runs: its inline input goes in.
  void feed();

  // Takes all output that is there now; whether all of it has ended.
  bool drain();

  // Output of a command whose streams are not ours: as it came, or of a time before this agent,
  // which nobody is told of as it happens.
  void take(int number, std::string_view bytes);
  void take_past(int number, std::string_view bytes);

  // Output that is gone.
  void skip(int number, std::uint64_t bytes);

  // Whether somebody has an end of the output open still.
  bool output_open() const;

  // Of those processes, who holds it.
  std::vector<pid_t> holders(const std::vector<pid_t>& among) const;

  // No more reading and writing.
  void close();

  // Errors: unsupported (the command's input is not open), overloaded, not_found.
  [[nodiscard]] Result<void> input(const wire::ShellInput& input);

  // Errors: unsupported (no terminal), io.
  [[nodiscard]] Result<void> resize(const wire::TerminalSize& size);

  KeptOutput& kept() { return kept_; }

  const KeptOutput& kept() const { return kept_; }

  // None where the command's output is not streamed. Taken out when the command has ended.
  std::unique_ptr<LiveStream>& live() { return live_; }

 private:
  Result<ChildEnds> open_pipes();
  Result<ChildEnds> open_terminal();
  Result<void> start_reading(int number, runtime::Fd fd);
  Result<runtime::Fd> open_input();
  void one_ended();

  runtime::Context& context_;
  std::string& buffer_;
  const wire::ShellRun& run_;
  Listener listener_;
  KeptOutput kept_;
  std::unique_ptr<LiveStream> live_;
  std::optional<LineWatch> watch_;
  std::unique_ptr<OutputPump> out_;
  std::unique_ptr<OutputPump> err_;
  std::unique_ptr<InputFeed> in_;
  runtime::Fd terminal_;  // its master, for sizes
};

}  // namespace steward::handlers::shellcommand
