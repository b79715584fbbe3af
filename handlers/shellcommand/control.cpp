// What is asked of commands that run, wait, or have ended.

#include "handlers/runtime/signal_names.hpp"
#include "handlers/shellcommand/fit.hpp"
#include "handlers/shellcommand/shellcommand.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using nlohmann::json;

std::string_view state_word(Job::State state) {
  switch (state) {
    case Job::State::waiting:
      return "queued";
    case Job::State::preparing:
    case Job::State::asking:
      return "accepted";
    default:
      return "running";
  }
}

json describe(const Job& job, const Turns& turns) {
  json out = {{"ref", job.id().view()},
              {"state", state_word(job.state())},
              {"command", summary(job.run())},
              {"stdout_bytes", job.streams().kept().total(1)},
              {"stderr_bytes", job.streams().kept().total(2)}};
  if (job.pid() != 0) {
    out["pid"] = job.pid();
    out["duration_ms"] = job.running_for().count();
  }
  if (job.state() == Job::State::waiting) {
    out["position"] = turns.position(job.id());
  }
  return out;
}

json describe(const FinishedJobs::Entry& job) {
  return {{"ref", job.id.view()}, {"state", wire::word(job.state)}, {"command", job.summary}};
}

std::string text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void ShellCommand::answer(const wire::MessageId& id, const wire::ShellRequest& request) {
  auto answer = std::visit([this](const auto& asked) { return act(asked); }, request);
  wire::Ack ack{.ref = id, .domain = context_.domain.str(), .state = wire::CommandState::done};
  if (answer) {
    ack.result = *std::move(answer);
  } else {
    ack.state = wire::CommandState::failed;
    ack.code = std::string(word(answer.error().code));
    ack.message = answer.error().message;
  }
  context_.publisher.reply(std::move(ack));
}

Result<Job*> ShellCommand::open_job(const wire::MessageId& ref) {
  const auto job = jobs_.find(ref);
  if (job == jobs_.end()) {
    return failure(ErrorCode::not_found,
                   finished_.find(ref) != nullptr ? "the command has ended"
                                                  : "no such command runs or waits here");
  }
  return job->second.get();
}

ShellCommand::Answer ShellCommand::act(const wire::ShellSignal& request) {
  STEWARD_TRY(Job * job, open_job(request.ref));
  STEWARD_TRY(const int number, runtime::signal_number(request.signal));
  if (auto sent = job->signal(number); !sent) {
    return tl::unexpected<Error>(std::move(sent).error());
  }
  return text({{"pid", job->pid()}});
}

ShellCommand::Answer ShellCommand::act(const wire::ShellInput& request) {
  STEWARD_TRY(Job * job, open_job(request.ref));
  if (auto taken = job->streams().input(request); !taken) {
    return tl::unexpected<Error>(std::move(taken).error());
  }
  return text({{"bytes", request.bytes.size()}});
}

ShellCommand::Answer ShellCommand::act(const wire::ShellResize& request) {
  STEWARD_TRY(Job * job, open_job(request.ref));
  if (auto resized = job->streams().resize(request.size); !resized) {
    return tl::unexpected<Error>(std::move(resized).error());
  }
  return text({{"cols", request.size.columns}, {"rows", request.size.rows}});
}

ShellCommand::Answer ShellCommand::act(const wire::ShellStatus& request) {
  if (const auto job = jobs_.find(request.ref); job != jobs_.end()) {
    return text(describe(*job->second, turns_));
  }
  if (const auto* ended = finished_.find(request.ref)) {
    return text(describe(*ended));
  }
  return failure(ErrorCode::not_found, "not among the open and the last commands of this unit");
}

ShellCommand::Answer ShellCommand::act(const wire::ShellOutput& request) {
  const auto offset = static_cast<std::uint64_t>(request.offset);
  const auto length = static_cast<std::size_t>(request.length);
  FinishedJobs::Piece piece;
  const auto job = jobs_.find(request.ref);
  const bool open = job != jobs_.end();
  if (open) {
    const KeptOutput& kept = job->second->streams().kept();
    piece = {kept.read(request.fd, offset, length), kept.total(request.fd)};
  } else {
    STEWARD_TRY(piece, finished_.read(request.ref, request.fd, offset, length));
  }
  std::string& bytes = piece.excerpt.bytes;
  // The asker goes on from where this ends: at a whole character, within a message.
  const auto shorten = [&bytes](std::size_t size) {
    const auto whole = without_half_end(std::string_view(bytes).substr(0, size));
    bytes.resize(whole.empty() ? size : whole.size());
  };
  shorten(bytes.size());
  while (size_in_json(bytes, wire::OutputEncoding::automatic) >
         wire::kMaxPayloadBytes - kRoomForTheRest) {
    shorten(bytes.size() / 2);
  }
  json out = {{"ref", request.ref.view()},
              {"fd", request.fd},
              {"offset", piece.excerpt.offset},
              {"total_bytes", piece.total},
              {"running", open}};
  if (piece.excerpt.offset > offset) {
    out["gap_bytes"] = piece.excerpt.offset - offset;
  }
  if (wire::is_utf8(bytes)) {
    out["data"] = bytes;
  } else {
    out["b64"] = wire::base64(bytes);
  }
  return text(out);
}

ShellCommand::Answer ShellCommand::act(const wire::ShellList&) {
  json jobs = json::array();
  for (const auto& id : all_last_first()) {
    jobs.push_back(describe(*jobs_.at(id), turns_));
  }
  for (const auto& ended : finished_) {
    jobs.push_back(describe(ended));
  }
  return text({{"jobs", std::move(jobs)}});
}

ShellCommand::Answer ShellCommand::act(const wire::ShellRun&) {
  return failure(ErrorCode::internal, "a run is no question");
}

}  // namespace steward::handlers::shellcommand
