// A run that brings another agent.

#include "handlers/osupdate/run.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::chrono::milliseconds kOwnPause{250};

}  // namespace

// Nothing has changed yet: what cannot be undone is not begun.
void Run::guard_own(const wire::UpdatePackage& package) {
  shop_.own.guard(record_.id, [this, from = package.from](Result<void> guarded) {
    if (!guarded) {
      auto error = std::move(guarded).error();
      error.message = "the files of the agent cannot be kept: " + error.message;
      return fail(std::move(error));
    }
    record_.own = from;
    next_ = [this] { install(); };
    later_.start(std::chrono::milliseconds(0));
  });
}

// Empty: the agent's files are those of the plan.
std::string Run::own_complaint() const {
  const auto* own = shop_.own.in(record_.plan);
  if (record_.own.empty() || own == nullptr || !shop_.own.has_put_back(record_.id)) {
    return "";
  }
  return own->name + " " + own->to + " was not well within " +
         std::to_string(shop_.own.patience().count()) + " s: the files of " + record_.own +
         " were put back";
}

// This agent may be the new one, which is to be well before that is said of the unit; or the old
// one again.
void Run::await_own() {
  const auto complaint = own_complaint();
  if (complaint.empty() && !shop_.own.is_well()) {
    return own_.start(kOwnPause);
  }
  if (complaint.empty()) {
    return come_behind();
  }
  auto& good = *record_.good;
  const auto name = shop_.own.in(record_.plan)->name;
  std::erase_if(good.packages, [&name](const auto& package) { return package.name == name; });
  good.failed.push_back(name);
  conclude_bad({ErrorCode::exec_failed, complaint});
}

}  // namespace steward::handlers::osupdate
