#include "handlers/osupdate/look.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::size_t kMostOutput = 16 * 1024 * 1024;
constexpr std::size_t kMostComplaint = 1'000;
constexpr std::chrono::minutes kSimulationPatience{5};

runtime::ProgramRun::Request request_of(const Driver& driver,
                                        CommandLine words,
                                        std::chrono::milliseconds patience) {
  runtime::ProgramRun::Request request;
  request.argv = {"sh", "-c", "exec \"$@\" 2>&1", "sh"};
  request.argv.insert(request.argv.end(),
                      std::make_move_iterator(words.begin()),
                      std::make_move_iterator(words.end()));
  request.env = driver.environment();
  request.timeout = patience;
  request.most_bytes = kMostOutput;
  return request;
}

// Its complaints, else its end.
std::string complaint_in(const Driver& driver, const std::string& output) {
  std::string text;
  for (std::size_t at = 0; at < output.size();) {
    const auto end = std::min(output.find('\n', at), output.size());
    const auto line = std::string_view(output).substr(at, end - at);
    const auto said = line.starts_with("W: ") ? line.substr(3) : driver.complaint(line);
    if (!said.empty()) {
      text.append(text.empty() ? "" : "; ").append(said);
    }
    at = end + 1;
  }
  return text.empty() ? output.substr(output.size() - std::min(output.size(), kMostComplaint))
                      : text.substr(0, kMostComplaint);
}

// It brings what is there up to date: a name of something else is a mistake.
Result<CommandLine> simulation(const Driver& driver,
                               const Ask& ask,
                               const std::filesystem::path& work) {
  if (!ask.choice.packages.empty()) {
    STEWARD_TRY(const auto state, driver.state());
    for (const auto& choice : ask.choice.packages) {
      const auto name = choice.substr(0, choice.find('='));
      if (!state.packages.contains(name)) {
        return failure(ErrorCode::not_found, name + " is not installed");
      }
    }
  }
  return driver.simulate(ask, work);
}

}  // namespace

Look::Look(runtime::Context& context,
           const Driver& driver,
           CommandLine words,
           std::chrono::milliseconds patience,
           Done done)
    : run_(context.loop,
           request_of(driver, std::move(words), patience),
           [this, &driver](Result<runtime::ProgramRun::End> end) {
             const auto told = std::exchange(done_, nullptr);
             if (!end) {
               return told(tl::unexpected<Error>(end.error()));
             }
             if (end->status.code != 0) {
               return told(
                   failure(ErrorCode::exec_failed,
                           runtime::shown(end->status) + ": " + complaint_in(driver, end->output)));
             }
             told(std::move(end->output));
           }),
      done_(std::move(done)),
      later_(context.loop, [this] {
        const auto told = std::exchange(done_, nullptr);
        told(tl::unexpected<Error>(not_started_));
      }) {
  if (auto started = run_.start(context.processes); !started) {
    not_started_ = started.error();
    later_.start(std::chrono::milliseconds(0));
  }
}

PlanLook::PlanLook(runtime::Context& context,
                   const Driver& driver,
                   Ask ask,
                   const std::filesystem::path& work,
                   Sizes sizes,
                   Done done)
    : context_(context),
      driver_(driver),
      ask_(std::move(ask)),
      sizes_(sizes),
      done_(std::move(done)),
      later_(context.loop, [this] {
        const auto told = std::exchange(done_, nullptr);
        told(tl::unexpected<Error>(wrong_));
      }) {
  auto words = simulation(driver_, ask_, work);
  if (!words) {
    wrong_ = words.error();
    later_.start(std::chrono::milliseconds(0));
    return;
  }
  look_ = std::make_unique<Look>(
      context_, driver_, *std::move(words), kSimulationPatience, [this](Result<std::string> said) {
        if (!said) {
          const auto told = std::exchange(done_, nullptr);
          return told(tl::unexpected<Error>(driver_.plan_error(std::move(said).error())));
        }
        simulated(*said);
      });
}

void PlanLook::simulated(const std::string& output) {
  auto state = driver_.state();
  if (!state) {
    const auto told = std::exchange(done_, nullptr);
    return told(tl::unexpected<Error>(std::move(state).error()));
  }
  plan_ = driver_.plan(output, ask_, *state);
  if (plan_.packages.empty() || sizes_ == Sizes::left_out) {
    const auto told = std::exchange(done_, nullptr);
    return told(std::move(plan_));
  }
  // That a version is not served any more costs its size alone.
  look_ = std::make_unique<Look>(context_,
                                 driver_,
                                 driver_.sizes(plan_),
                                 kSimulationPatience,
                                 [this](const Result<std::string>& said) {
                                   driver_.add_sizes(plan_, said ? *said : "");
                                   const auto told = std::exchange(done_, nullptr);
                                   told(std::move(plan_));
                                 });
}

}  // namespace steward::handlers::osupdate
