#include "handlers/daemon/order.hpp"

#include <algorithm>
#include <set>

namespace steward::handlers::daemon {
namespace {

std::vector<std::string> before(const wire::DaemonSpec& spec) {
  auto names = spec.after;
  names.insert(names.end(), spec.requires_.begin(), spec.requires_.end());
  for (auto& name : names) {
    name = wire::daemon_base(name);
  }
  return names;
}

// Goes through them depth first, without a stack of calls that a long chain could fill.
class Walk {
 public:
  explicit Walk(const Specs& specs) : specs_(specs) {
    for (const auto& [name, spec] : specs) {
      begin_at(name);
    }
  }

  const std::string& circle() const { return circle_; }

 private:
  struct Step {
    std::string name;
    std::vector<std::string> left;
  };

  void enter(const std::string& name) {
    open_.insert(name);
    path_.push_back({name, before(specs_.at(name))});
  }

  void begin_at(const std::string& name) {
    if (done_.contains(name)) {
      return;
    }
    enter(name);
    while (!path_.empty()) {
      auto& step = path_.back();
      if (step.left.empty()) {
        open_.erase(step.name);
        done_.insert(step.name);
        path_.pop_back();
        continue;
      }
      const std::string next = step.left.back();
      step.left.pop_back();
      if (open_.contains(next)) {
        note_circle(next);
      } else if (specs_.contains(next) && !done_.contains(next)) {
        enter(next);
      }
    }
  }

  void note_circle(const std::string& name) {
    if (!circle_.empty()) {
      return;
    }
    auto at = std::find_if(
        path_.begin(), path_.end(), [&name](const Step& step) { return step.name == name; });
    for (; at != path_.end(); ++at) {
      circle_ += at->name + " -> ";
    }
    circle_ += name;
  }

  const Specs& specs_;
  std::vector<Step> path_;
  std::set<std::string> open_;
  std::set<std::string> done_;
  std::string circle_;
};

}  // namespace

std::string circle_in(const Specs& specs) { return Walk(specs).circle(); }

}  // namespace steward::handlers::daemon
