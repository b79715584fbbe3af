// How a job ends: its terminal state and its result.

#include "handlers/runtime/signal_names.hpp"
#include "handlers/shellcommand/fit.hpp"
#include "handlers/shellcommand/job.hpp"
#include "subjects/wire/envelope.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using wire::CommandState;

constexpr std::size_t kMostHolders = 32;

// For what surrounds the output: the ACK, figures, limits_applied.

struct Ending {
  CommandState state;
  std::string_view code;
};

// The state that a reason to end a command comes to.
Ending ending(EndReason reason) {
  switch (reason) {
    case EndReason::timed_out:
      return {CommandState::timed_out, word(ErrorCode::timed_out)};
    case EndReason::cancelled:
    case EndReason::replaced:
      return {CommandState::cancelled, ""};
    case EndReason::line_missed:
      return {CommandState::failed, word(ErrorCode::timed_out)};
    case EndReason::stopped:
      return {CommandState::interrupted, word(ErrorCode::agent_stopped)};
    case EndReason::line_seen:
    case EndReason::none:
      break;
  }
  return {CommandState::done, ""};
}

// What was asked to be streamed only, or not at all, is not in the result; its figures are.
void leave_out(wire::StreamResult& stream) {
  stream.truncated = stream.total_bytes > 0;
  stream.head.clear();
  stream.tail.clear();
}

}  // namespace

// A job that ran, or that was told to end before.
void Job::finish_ended() {
  if ((child_ && child_->running()) ||
      (detached_ && !exit_ && !lost_ && reason_ != EndReason::none)) {
    return finish(CommandState::failed,
                  word(ErrorCode::unkillable),
                  "still there after KILL: in an uninterruptible sleep (" + end_message_ + ")");
  }
  if (reason_ != EndReason::none) {
    const Ending end = ending(reason_);
    return finish(end.state, end.code, end_message_);
  }
  if (!exit_->code) {
    return finish(
        CommandState::failed, "", "ended by signal " + runtime::signal_name(exit_->signal));
  }
  const bool good =
      std::find(run_.ok_codes.begin(), run_.ok_codes.end(), *exit_->code) != run_.ok_codes.end();
  if (good) {
    return finish(CommandState::done, "", "");
  }
  finish(CommandState::failed, "", "ended with exit code " + std::to_string(*exit_->code));
}

void Job::fail(const Error& error) {
  finish(CommandState::failed, word(error.code), error.message);
}

void Job::skip(std::string reason) {
  result_.skipped = true;
  result_.reason = std::move(reason);
  finish(CommandState::done, "", result_.reason);
}

wire::ShellResult Job::make_result() {
  wire::ShellResult result = std::move(result_);
  if (exit_) {
    if (exit_->code) {
      result.exit_code = *exit_->code;
    } else {
      result.signal = runtime::signal_name(exit_->signal);
    }
    result.core_dumped = exit_->core_dumped;
    result.user_time = exit_->user_time;
    result.system_time = exit_->system_time;
    result.max_rss_bytes = exit_->max_rss_bytes;
    result.duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(exited_at_ - executed_at_);
  }
  if (child_ || detached_) {
    result.ended = wire::format_time(shop_.context.clock.now());
    result.killed_processes = killed_ ? killed_->killed : 0;
    const auto left = child_ ? child_->tree() : detached_->shim().tree();
    result.leaked_processes = static_cast<std::int64_t>(left.size());
    result.pipe_held = streams_.output_open();
    if (result.pipe_held) {
      auto holders = streams_.holders(left);
      holders.resize(std::min(holders.size(), kMostHolders));
      result.holders.assign(holders.begin(), holders.end());
    }
  }
  result.out = streams_.kept().result(1);
  result.err = streams_.kept().result(2);
  const auto mode = run_.output.mode;
  if (mode == wire::OutputMode::stream || mode == wire::OutputMode::none) {
    leave_out(result.out);
    leave_out(result.err);
  }
  for (auto* stream : {&result.out, &result.err}) {
    if (stream->truncated && !stream->tail.empty()) {
      // Cut by bytes: not in the middle of a character.
      stream->head.resize(without_half_end(stream->head).size());
      stream->tail.erase(0, stream->tail.size() - without_half_begin(stream->tail).size());
    }
  }
  fit(result, run_.output.encoding, wire::kMaxPayloadBytes - kRoomForTheRest);
  return result;
}

void Job::finish(CommandState state, std::string_view code, std::string message) {
  const bool started = state_ != State::waiting;
  wire::Ack ack{.ref = id_,
                .domain = shop_.context.domain.str(),
                .state = state,
                .code = std::string(code),
                .message = std::move(message)};
  if (started) {
    ack.result = wire::encode(make_result(), run_.output.encoding);
  }
  state_ = State::finished;
  alive_.reset();
  deadline_.reset();
  stall_.reset();
  expectation_.reset();
  streams_.close();
  if (streams_.live()) {
    streams_.live()->finish();
  }
  finished_(*this, std::move(ack));
}

}  // namespace steward::handlers::shellcommand
