#include "handlers/osupdate/look.hpp"

#include "handlers/osupdate/seen.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::size_t kMostOutput = 16 * 1024 * 1024;
constexpr std::size_t kMostComplaint = 1'000;
constexpr std::chrono::minutes kSimulationPatience{5};
constexpr int kMostRounds = 10;  // what is left out may bring others in

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
      work_(work),
      sizes_(sizes),
      done_(std::move(done)),
      later_(context.loop, [this] {
        const auto told = std::exchange(done_, nullptr);
        wrong_ ? told(tl::unexpected<Error>(*wrong_)) : told(std::move(plan_));
      }) {
  simulate();
}

void PlanLook::fail(Error error) {
  wrong_ = std::move(error);
  later_.start(std::chrono::milliseconds(0));
}

void PlanLook::simulate() {
  auto words = simulation(driver_, ask_, work_);
  if (!words) {
    return fail(std::move(words).error());
  }
  look_ = std::make_unique<Look>(
      context_, driver_, *std::move(words), kSimulationPatience, [this](Result<std::string> said) {
        if (!said) {
          return fail(driver_.plan_error(std::move(said).error()));
        }
        simulated(*said);
      });
}

// Whether there are some: then it is planned once more, without them.
bool PlanLook::leave_out_young() {
  Seen seen(context_.state_dir / "seen.json");
  const auto now = context_.clock.now();
  if (auto noted = seen.note(plan_, now); !noted) {
    context_.log.warning("since when updates are there is not kept: " + noted.error().message);
  }
  auto& choice = ask_.choice;
  const auto young = choice.min_age.count() == 0 ? std::vector<std::string>()
                                                 : seen.younger(plan_, choice.min_age, now);
  for (const auto& name : young) {
    const auto named = std::erase_if(choice.packages, [&name](const std::string& one) {
      return one.substr(0, one.find('=')) == name;
    });
    if (named == 0) {
      choice.exclude.push_back(name);
    }
    young_.push_back(name);
  }
  return !young.empty();
}

bool PlanLook::is_young(const std::string& name) const {
  return std::find(young_.begin(), young_.end(), name) != young_.end();
}

void PlanLook::simulated(const std::string& output) {
  auto state = driver_.state();
  if (!state) {
    return fail(std::move(state).error());
  }
  plan_ = driver_.plan(output, ask_, *state);
  const auto& choice = ask_.choice;
  if (ask_.exact.empty() && leave_out_young()) {
    if (++rounds_ > kMostRounds) {
      return fail({ErrorCode::conflict, "what is too young cannot be left out: " + young_.back()});
    }
    if (choice.scope != wire::UpdateScope::packages || !choice.packages.empty()) {
      return simulate();
    }
    plan_ = driver_.plan("", ask_, *state);
  }
  std::erase_if(plan_.kept_back, [this](const auto& kept) { return is_young(kept.name); });
  for (const auto& name : young_) {
    plan_.kept_back.push_back({name, "age"});
  }
  if (plan_.packages.empty() || sizes_ == Sizes::left_out) {
    return later_.start(std::chrono::milliseconds(0));
  }
  // That a version is not served any more costs its size alone.
  look_ = std::make_unique<Look>(context_,
                                 driver_,
                                 driver_.sizes(plan_),
                                 kSimulationPatience,
                                 [this](const Result<std::string>& said) {
                                   driver_.add_sizes(plan_, said ? *said : "");
                                   later_.start(std::chrono::milliseconds(0));
                                 });
}

}  // namespace steward::handlers::osupdate
