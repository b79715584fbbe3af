#include "handlers/shellcommand/shellcommand.hpp"

#include "handlers/runtime/signal_names.hpp"

#include <unistd.h>

#include <cstdint>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 128 * 1024;
constexpr std::int64_t kUsualWaiting = 10'000;
constexpr std::int64_t kMostWaitingJobs = 100'000;
constexpr std::size_t kMostUndelivered = 32;
constexpr std::chrono::milliseconds kClearPause{1'000};
constexpr std::int64_t kUsualSweep = 60'000;
constexpr std::int64_t kLongestSweep = 86'400'000;

std::vector<std::string> own_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

}  // namespace

ShellCommand::ShellCommand(runtime::Context& context)
    : context_(context),
      most_waiting_(static_cast<std::size_t>(
          context.options.integer("max_queued", kUsualWaiting, 1, kMostWaitingJobs))),
      shop_{context, {}, own_environment(), std::nullopt, std::nullopt},
      finished_(context.state_dir),
      folders_(
          context.loop,
          shop_.detached(),
          milliseconds(context.options.integer("detached_sweep_ms", kUsualSweep, 1, kLongestSweep)),
          [this](const std::string& id) { return is_open(id); }),
      leftovers_(context.loop),
      clear_timer_(context.loop, [this] { clear_away(); }),
      alive_(std::make_shared<ShellCommand*>(this)) {
  shop_.shim = context.options.text("shim", shop_.shim);
  const std::string cgroup = context.options.text("cgroup", "auto");
  if (cgroup == "off") {
    return;
  }
  auto root = cgroup == "auto" ? runtime::CgroupRoot::delegated() : runtime::CgroupRoot::at(cgroup);
  if (root) {
    shop_.cgroups.emplace(*std::move(root));
  } else if (cgroup != "auto") {
    context.options.reject("cgroup", root.error().message);
  } else {
    context.log.debug("limits by process only: " + root.error().message);
  }
}

ShellCommand::~ShellCommand() = default;

Result<void> ShellCommand::start() {
  folders_.watch();
  auto account = std::make_shared<runtime::Account>();
  context_.loop.work([account] { *account = runtime::own_account(); },
                     [account, alive = std::weak_ptr<ShellCommand*>(alive_)] {
                       if (const auto self = alive.lock()) {
                         (*self)->shop_.own_account = std::move(*account);
                       }
                     });
  return {};
}

Result<void> ShellCommand::check(const wire::ShellRun& run) const {
  if (stopping_) {
    return failure(ErrorCode::agent_stopped, "the agent is about to end");
  }
  if (run.queue == wire::QueueMode::reject && !turns_.empty()) {
    return failure(ErrorCode::busy, "another command runs or waits");
  }
  if (turns_.waiting() >= most_waiting_) {
    return failure(ErrorCode::overloaded, "too many commands wait");
  }
  return {};
}

Result<runtime::Admission> ShellCommand::receive(const runtime::Command& command) {
  STEWARD_TRY(auto decoded, wire::decode_shell_request(command.payload));
  runtime::Admission admission;
  admission.ignored = std::move(decoded.ignored);
  const auto id = command.envelope.id;
  if (auto* run = std::get_if<wire::ShellRun>(&decoded.request)) {
    if (auto checked = check(*run); !checked) {
      return tl::unexpected<Error>(std::move(checked).error());
    }
    admission.begins_itself = true;
    admission.repeatable = run->detach;
    if (command.begun && !run->detach) {  // it is interrupted: that must be true
      leftovers_.end(id.str());
    } else if (command.begun) {
      admission.start = [this, id, asked = std::move(*run)] { take_up(id, asked); };
    } else {
      admission.start = [this, id, expires = command.envelope.expires, asked = std::move(*run)] {
        admit(id, expires, asked);
      };
    }
    return admission;
  }
  if (const auto* signal = std::get_if<wire::ShellSignal>(&decoded.request)) {
    STEWARD_TRY([[maybe_unused]] const int number, runtime::signal_number(signal->signal));
  }
  admission.repeatable = std::holds_alternative<wire::ShellStatus>(decoded.request) ||
                         std::holds_alternative<wire::ShellOutput>(decoded.request) ||
                         std::holds_alternative<wire::ShellList>(decoded.request);
  admission.start = [this, id, request = std::move(decoded.request)] { answer(id, request); };
  return admission;
}

void ShellCommand::admit(const wire::MessageId& id,
                         std::optional<wire::Timestamp> expires,
                         wire::ShellRun run) {
  if (auto checked = check(run); !checked) {  // others may have come since it was received
    const Error& error = checked.error();
    if (error.code == ErrorCode::agent_stopped) {
      return;  // it has not begun: the next agent runs it
    }
    context_.publisher.reply({.ref = id,
                              .domain = context_.domain.str(),
                              .state = wire::CommandState::failed,
                              .code = std::string(word(error.code)),
                              .message = error.message});
    return;
  }
  if (context_.log.writes(runtime::LogLevel::debug)) {
    context_.log.debug(id.str() + ": " + summary(run));
  }
  if (run.queue == wire::QueueMode::replace) {
    for (const auto& other : turns_.all_last_first()) {
      if (const auto job = jobs_.find(other); job != jobs_.end()) {
        job->second->end(EndReason::replaced, "replaced by " + id.str());
      }
    }
  }
  if (run.detach) {  // beside the queue: it may take days
    add_job(id, expires, std::move(run)).start();
    return;
  }
  turns_.add(id, run.queue, run.max_parallel);
  add_job(id, expires, std::move(run));
  take_turns();
  const auto job = jobs_.find(id);
  if (job != jobs_.end() && job->second->state() == Job::State::waiting) {
    wire::Ack ack{.ref = id, .domain = context_.domain.str(), .state = wire::CommandState::queued};
    ack.position = static_cast<std::int64_t>(turns_.position(id));
    context_.publisher.reply(std::move(ack));
  }
}

Job& ShellCommand::add_job(const wire::MessageId& id,
                           std::optional<wire::Timestamp> expires,
                           wire::ShellRun run) {
  shop_.buffer.resize(kReadBytes);  // not before the first: an idle agent is small
  auto job =
      std::make_unique<Job>(shop_, id, expires, std::move(run), [this](Job& ended, wire::Ack ack) {
        job_finished(ended, std::move(ack));
      });
  return *jobs_.emplace(id, std::move(job)).first->second;
}

bool ShellCommand::is_open(const std::string& id) const {
  const auto parsed = wire::MessageId::parse(id);
  return parsed && jobs_.contains(*parsed);
}

void ShellCommand::take_up(const wire::MessageId& id, wire::ShellRun run) {
  add_job(id, std::nullopt, std::move(run)).adopt();
}

void ShellCommand::take_turns() {
  while (const auto id = turns_.next()) {
    jobs_.at(*id)->start();
  }
}

void ShellCommand::job_finished(Job& job, wire::Ack ack) {
  const auto id = job.id();
  if (job.run().detach) {
    folders_.watch();
  }
  finished_.add({id, ack.state, summary(job.run())}, job.streams().kept());
  context_.publisher.reply(std::move(ack));
  auto& live = job.streams().live();
  if (live && !live->delivered()) {
    if (undelivered_.size() >= kMostUndelivered) {
      undelivered_.erase(undelivered_.begin());
    }
    undelivered_.push_back(std::move(live));
  }
  auto entry = jobs_.extract(id);
  ended_.push_back(std::move(entry.mapped()));
  turns_.remove(id);
  clear_timer_.start(std::chrono::milliseconds(0));
  take_turns();
  if (jobs_.empty() && stopped_) {
    std::exchange(stopped_, nullptr)();
  }
}

void ShellCommand::clear_away() {
  ended_.clear();
  std::erase_if(undelivered_, [](const auto& live) { return live->delivered(); });
  if (!undelivered_.empty()) {
    clear_timer_.start(kClearPause);
  }
}

std::vector<wire::MessageId> ShellCommand::all_last_first() const {
  auto all = turns_.all_last_first();
  std::erase_if(all, [this](const auto& id) { return !jobs_.contains(id); });
  for (const auto& [id, job] : jobs_) {
    if (job->run().detach) {
      all.push_back(id);
    }
  }
  return all;
}

runtime::CancelOutcome ShellCommand::cancel(const wire::MessageId& id) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) {
    return runtime::CancelOutcome::unknown;
  }
  job->second->end(EndReason::cancelled, "cancelled");
  return runtime::CancelOutcome::cancelled;
}

void ShellCommand::link_up() {
  for (const auto& [id, job] : jobs_) {
    if (job->streams().live()) {
      job->streams().live()->link_up();
    }
  }
  for (const auto& live : undelivered_) {
    live->link_up();
  }
}

void ShellCommand::stop(std::function<void()> stopped) {
  stopping_ = true;
  stopped_ = std::move(stopped);
  std::erase_if(jobs_, [](const auto& job) { return job.second->detached(); });
  for (const auto& id : all_last_first()) {
    const auto job = jobs_.find(id);
    if (job->second->state() == Job::State::waiting) {
      turns_.remove(id);  // it has not begun: the next agent runs it
      jobs_.erase(job);
    } else {
      job->second->end(EndReason::stopped, "the agent ended");
    }
  }
  if (jobs_.empty() && stopped_) {
    std::exchange(stopped_, nullptr)();
  }
}

runtime::HandlerKind kind() {
  return {"shellcommand",
          "operatingsystem",
          true,
          [](runtime::Context& context) -> std::unique_ptr<runtime::Handler> {
            return std::make_unique<ShellCommand>(context);
          }};
}

}  // namespace steward::handlers::shellcommand
