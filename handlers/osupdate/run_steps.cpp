// What of a run goes on without the agent, and how it is judged.

#include "handlers/osupdate/run.hpp"
#include "handlers/runtime/shim_output.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;
using wire::UpdateEvent;

constexpr milliseconds kStepPause{250};
constexpr milliseconds kOrphanPatience{60'000};  // what a killed dpkg has left running
constexpr milliseconds kProgressPause{900};      // what is news is seen within a second
constexpr milliseconds kMarkPatience{60'000};
constexpr int kMostInstalls = 3;
constexpr int kMostRepairs = 3;
constexpr int kMostSteps = 20;
constexpr int kKilled = 128;  // exit codes beyond: by a signal
constexpr std::size_t kLogLines = 40;
constexpr std::size_t kLogBytes = 8'192;
constexpr std::size_t kMostConffiles = 200;
constexpr std::size_t kMostSearched = 65'536;  // of what a step has said
constexpr std::int64_t kFullBytes = 4 << 20;   // with less a disk is full

// What a step has said of a disk that is full, in its own words; empty: nothing.
std::string word_of_full_disk(const std::filesystem::path& step, const Driver& driver) {
  for (const int stream : {2, 1}) {
    const auto log = runtime::last_shim_lines(step, stream, kMostSearched, kMostSearched);
    for (const char* words :
         {"No space left on device", "enough free space", "more space needed on"}) {
      if (const auto at = log.find(words); at != std::string::npos) {
        const auto before = log.rfind('\n', at);
        const auto from = log.find_first_not_of(" \n", before == std::string::npos ? 0 : before);
        const auto line =
            std::string_view(log).substr(from, std::min(log.find('\n', at), log.size()) - from);
        const auto said = driver.complaint(line);
        return std::string(said.empty() ? line : said);
      }
    }
  }
  return "";
}

}  // namespace

// Each step has a folder of its own: what an earlier one has left running is not mistaken for it.
std::filesystem::path Run::step_folder() const {
  return shop_.folder / (record_.id + "-" + std::string(wire::word(record_.phase)) +
                         std::to_string(record_.steps));
}

std::string Run::job() const { return "osupdate-" + step_folder().filename().string(); }

void Run::start(CommandLine words) {
  runtime::ShimRequest request;
  auto& process = request.process;
  process.argv = {"sh", "-c", "exec \"$@\" 3>&2", "sh"};
  process.argv.insert(process.argv.end(),
                      std::make_move_iterator(words.begin()),
                      std::make_move_iterator(words.end()));
  process.env = shop_.driver.environment();
  process.env.insert(process.env.end(),
                     {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "LC_ALL=C",
                      "HOME=/root",
                      "STEWARD_JOB=" + job()});
  process.job = job();
  request.folder = step_folder();
  end_.reset();
  tree_gone_ = false;
  auto started = runtime::Shim::start(
      shop_.context.loop, shop_.context.processes, shop_.shim, request, listener());
  if (!started) {
    return finish(started.error());
  }
  shim_ = *std::move(started);
  reader_.begin(step_folder());
  stall_.start(shop_.stall);
}

runtime::Shim::Listener Run::listener() {
  return {nullptr,
          [this](const Error& error) {
            stall_.stop();
            finish(error);
          },
          nullptr,
          nullptr,
          [this](int stream, std::uint64_t total) {
            stall_.start(shop_.stall);
            if (stream == 2) {
              reader_.read_to(total);
            }
          },
          [this](const runtime::ShimEnd& end) { exited(end); },
          [this] { tree_gone_ = true; },
          [this] { lost(); }};
}

void Run::fetch() {
  ++record_.steps;
  if (enter(Phase::downloading)) {
    start(shop_.driver.fetch(record_.plan, record_.request));
  }
}

// The lock may have taken all of the window.
void Run::install() {
  if (record_.installs == 0 && !window_.is_open(shop_.context.clock.now())) {
    return await_window([this] { await_lock(record_.request.lock_wait, [this] { install(); }); });
  }
  if (!is_prepared()) {  // it may take all of the window, too
    return prepare([this] { await_lock(record_.request.lock_wait, [this] { install(); }); });
  }
  if (const auto* own = shop_.own.in(record_.plan); own != nullptr && record_.own.empty()) {
    return guard_own(*own);
  }
  ++record_.steps;
  ++record_.installs;
  if (enter(Phase::applying)) {
    start(shop_.driver.install(record_.plan, record_.request));
  }
}

void Run::repair() {
  ++record_.steps;
  ++record_.repairs;
  record_.repaired = true;
  shop_.context.log.warning("the package system was interrupted: it is repaired");
  if (enter(Phase::repairing)) {
    start(shop_.driver.repair(record_.request));
  }
}

void Run::take(const Progress& progress) {
  if (progress.kind == Progress::Kind::conffile) {
    const bool known =
        std::any_of(conffiles_.begin(), conffiles_.end(), [&progress](const auto& conffile) {
          return conffile.path == progress.subject;
        });
    if (!known && conffiles_.size() < kMostConffiles) {
      conffiles_.push_back(
          {progress.subject,
           progress.kept.value_or(record_.request.conffile != wire::ConffilePolicy::replace)});
    }
    return;
  }
  percent_ = static_cast<std::int64_t>(progress.percent);
  package_ = progress.kind == Progress::Kind::install ? progress.subject : "";
  progress_text_ = progress.text;
  const auto left = progress_told_ + kProgressPause - shop_.context.clock.steady();
  if (left.count() <= 0) {
    tell_progress();
  } else if (!progress_.active()) {
    progress_.start(std::chrono::ceil<milliseconds>(left));
  }
}

void Run::tell_progress() {
  progress_.stop();
  progress_told_ = shop_.context.clock.steady();
  tell(UpdateEvent::Type::progress, progress_text_);
}

void Run::exited(const runtime::ShimEnd& end) {
  stall_.stop();
  reader_.read_to(UINT64_MAX);
  end_ = end;
  cut_ = !end.status.code || *end.status.code > kKilled;
  if (!cancelled_) {
    stepped();
  }
}

// The shim is gone, and nobody knows how it went on: apt may be at work without it.
void Run::lost() {
  stall_.stop();
  reader_.read_to(UINT64_MAX);
  tree_gone_ = true;
  cut_ = true;
  if (!cancelled_) {
    stepped();
  }
}

void Run::stepped() {
  const bool good = end_ && end_->status.code == 0;
  if (record_.phase != Phase::downloading) {
    settling_since_ = shop_.context.clock.steady();
    return await_lock(milliseconds::max(), [this] { settle(); });
  }
  if (!good && cut_) {  // what is fetched stays
    next_ = [this] { begin_again(); };
    later_.start(milliseconds(0));
  } else if (!good && shop_.driver.lost_the_lock(complaint()) && record_.steps < kMostSteps) {
    await_lock(record_.request.lock_wait, [this] { fetch(); });
  } else if (!good) {
    auto error = step_error(ErrorCode::unavailable);
    error.message = "it could not be fetched: " + error.message;
    fail(std::move(error));
  } else if (record_.request.op == wire::UpdateRun::Op::download) {
    auto done = outcome(Phase::done);
    done.packages = record_.plan.packages;
    conclude(std::move(done));
  } else {
    await_window([this] { await_lock(record_.request.lock_wait, [this] { install(); }); });
  }
}

// A killed dpkg leaves its script running: nothing is repaired beside it. What a good run leaves
// are services that it has started.
void Run::settle() {
  const auto state = shop_.driver.state();
  const bool waited = shop_.context.clock.steady() - settling_since_ >= kOrphanPatience;
  const bool unsure = state && (!state->is_whole() || (cut_ && !shop_.driver.marks_halves()));
  if (unsure && !tree_gone_ && !waited) {
    settle_.start(kStepPause);
    return;
  }
  examine();
}

// What the package system has written down is what counts.
void Run::examine() {
  const auto state = shop_.driver.state();
  if (!state) {
    return fail(state.error());
  }
  const bool repairing = record_.phase == Phase::repairing;
  if (!state->is_whole() && (record_.repairs == 0 || (repairing && cut_)) &&
      record_.repairs < kMostRepairs) {
    return await_lock(milliseconds::max(), [this] { repair(); });
  }
  if (record_.plan.hash.empty()) {  // it was broken before this run; a new version may help
    record_.repairs = 0;
    if (enter(Phase::planning)) {
      make_plan();
    }
    return;
  }
  // What a killed dpkg has unpacked by half no repair brings back: the plan's own archive does.
  const bool can_go_on = !state->interrupted && state->broken.size() == state->half_unpacked.size();
  const bool cut_short = cut_ || repairing || shop_.driver.lost_the_lock(complaint());
  // What put the agent's files back would not do so once more.
  if (own_complaint().empty() && !failed_in(*state).empty() && can_go_on && cut_short &&
      record_.installs < kMostInstalls) {
    return await_lock(milliseconds::max(), [this] { install(); });
  }
  finish(step_error(ErrorCode::exec_failed));
}

std::vector<std::string> Run::failed_in(const SystemState& state) const {
  std::vector<std::string> names;
  for (const auto& package : record_.plan.packages) {
    const auto there = state.packages.find(package.name);
    const bool broken =
        std::find(state.broken.begin(), state.broken.end(), package.name) != state.broken.end();
    if (there == state.packages.end() || there->second.version != package.to || broken) {
      names.push_back(package.name);
    }
  }
  for (const auto& name : record_.plan.removed) {
    if (state.packages.contains(name)) {
      names.push_back(name);
    }
  }
  return names;
}

// What it has complained about; else the last that was said.
std::string Run::complaint() const {
  std::string text;
  for (std::size_t at = 0, end = 0;; at = end + 1) {
    const auto log = runtime::last_shim_lines(step_folder(), 2, kLogLines, kLogBytes);
    if (at >= log.size()) {
      break;
    }
    end = std::min(log.find('\n', at), log.size());
    const auto said = shop_.driver.complaint(std::string_view(log).substr(at, end - at));
    if (!said.empty()) {
      text.append(text.empty() ? "" : "; ").append(said);
    }
  }
  return text.empty() ? "it has not come to its end" : text;
}

// A full disk may have taken what the step has said of it.
Error Run::step_error(ErrorCode usual) const {
  Error error{usual, complaint()};
  const auto room = shop_.driver.room();
  const auto left = std::min(room.archives, room.system);
  if (const auto word = word_of_full_disk(step_folder(), shop_.driver); !word.empty()) {
    error.code = ErrorCode::no_space;
    if (error.message.find(word) == std::string::npos) {
      error.message.append(": ").append(word);
    }
  } else if (left < kFullBytes) {
    error = {ErrorCode::no_space,
             error.message + "; only " + std::to_string(left) + " bytes are free"};
  }
  return error;
}

// Marks first: the packages are as nobody had asked for them by name.
void Run::finish(const Error& error) {
  if (record_.automatic.empty() || record_.phase == Phase::downloading) {
    return judge(error);
  }
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      shop_.driver.mark_automatic(record_.automatic),
      kMarkPatience,
      [this, error](const Result<std::string>& said) {
        if (!said) {
          shop_.context.log.warning("marks of packages: " + said.error().message);
        }
        judge(error);
      });
}

void Run::judge(const Error& error) {
  auto end = outcome(Phase::done);
  const auto state = shop_.driver.state();
  end.failed = state ? failed_in(*state) : std::vector<std::string>();
  for (const auto& package : record_.plan.packages) {
    if (std::find(end.failed.begin(), end.failed.end(), package.name) == end.failed.end()) {
      end.packages.push_back(package);
    }
  }
  for (const auto& name : record_.plan.removed) {
    if (std::find(end.failed.begin(), end.failed.end(), name) == end.failed.end()) {
      end.removed.push_back(name);
    }
  }
  end.needs_help = state && !state->is_whole();
  if (!state || end.needs_help || !end.failed.empty()) {
    end.state = Phase::failed;
    end.code = std::string(steward::word(error.code));
    end.message = error.message;
    if (const auto own = own_complaint(); !own.empty()) {
      end.message = own + "; " + end.message;
    }
    end.log = runtime::last_shim_lines(step_folder(), 1, kLogLines, kLogBytes);
    if (end.log.empty()) {  // some say all of it where their progress is read
      end.log = runtime::last_shim_lines(step_folder(), 2, kLogLines, kLogBytes);
    }
    return conclude(std::move(end));
  }
  installed(std::move(end));
}

}  // namespace steward::handlers::osupdate
