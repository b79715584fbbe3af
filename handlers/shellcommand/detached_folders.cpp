#include "handlers/shellcommand/detached_folders.hpp"

#include <utility>

namespace steward::handlers::shellcommand {

DetachedFolders::DetachedFolders(runtime::Loop& loop,
                                 std::filesystem::path root,
                                 std::chrono::milliseconds pause,
                                 std::function<bool(const std::string&)> owned)
    : loop_(loop),
      root_(std::move(root)),
      pause_(pause),
      owned_(std::move(owned)),
      timer_(loop, [this] { look(); }) {}

void DetachedFolders::watch() {
  if (!timer_.active()) {
    timer_.start(pause_);
  }
}

void DetachedFolders::look() {
  std::set<std::string> unowned;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    const auto id = entry.path().filename().string();
    if (!owned_(id)) {
      unowned.insert(id);
    }
  }
  for (const auto& id : ended_) {
    ending_.erase(id);
    std::filesystem::remove_all(root_ / id, error);
    unowned.erase(id);
  }
  ended_.clear();
  for (const auto& id : unowned) {
    if (unowned_.contains(id) && !ending_.contains(id)) {
      clear(id);
    }
  }
  unowned_ = std::move(unowned);
  if (!unowned_.empty()) {
    timer_.start(pause_);
  }
}

void DetachedFolders::clear(const std::string& id) {
  const auto over = [this, id] { ended_.insert(id); };
  auto& shim = ending_[id];
  const auto end = [&shim, over] {
    shim->kill_tree({}, [over](runtime::KillStep step, const runtime::TreeReport&) {
      if (step == runtime::KillStep::gone) {
        over();
      }
    });
  };
  runtime::Shim::Listener listener;
  if (!runtime::shim_has_ended(root_ / id)) {  // else it may leave others behind
    listener.started = [end](pid_t) { end(); };
  }
  listener.gone = over;
  listener.lost = end;
  shim = runtime::Shim::adopt(loop_, root_ / id, id, std::move(listener));
}

}  // namespace steward::handlers::shellcommand
