// What the files of the unit's owner say: as if it were said by command, each time when one
// changes.

#include "handlers/daemon/daemons.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::daemon {

// A file that cannot be read may be of any daemon: none is removed then.
void Daemons::take_files() {
  if (!files_.changed()) {
    return;
  }
  const auto files = files_.read();
  std::map<std::string, std::string> wrong;
  for (const auto& [name, file] : files) {
    if (file.spec && is_made(*file.spec, file.hash)) {
      continue;
    }
    const auto checked =
        file.spec ? check(*file.spec)
                  : Result<std::vector<std::string>>(tl::unexpected<Error>(file.spec.error()));
    if (!checked) {
      wrong[file.path.string()] = checked.error().message;
    } else if (const auto made = make(*file.spec, file.hash); !made) {
      wrong[file.path.string()] = made.error().message;
    }
  }
  for (const auto& [name, daemon] : daemons_) {
    if (wrong.empty() && !daemon->record().file.empty() &&
        !files.contains(std::string(wire::daemon_base(name)))) {
      daemon->want(false);
      waiting_.push_back({std::nullopt, name, Waiting::For::removed, {}, {name}});
    }
  }
  tell_wrong_files(std::move(wrong));
  look_.start(std::chrono::milliseconds(0));
}

// As that file says, no more and no less of them.
bool Daemons::is_made(const wire::DaemonSpec& spec, const std::string& file) const {
  const auto daemons = meant(spec.name);
  return daemons.size() == static_cast<std::size_t>(spec.replicas) &&
         std::all_of(daemons.begin(), daemons.end(), [&](const Daemon* daemon) {
           return daemon->record().file == file && !leaves(daemon->name()) &&
                  (daemon->name() == spec.name) == (spec.replicas == 1);
         });
}

void Daemons::tell_wrong_files(std::map<std::string, std::string> wrong) {
  const auto before = std::exchange(wrong_files_, std::move(wrong));
  const auto tell = [this](const std::string& path, const std::string& why, bool is) {
    wire::AlertEvent event;
    event.state = is ? wire::AlertEvent::State::firing : wire::AlertEvent::State::resolved;
    event.alerts.push_back({"daemon_file",
                            "file{path=\"" + path + "\"}",
                            wire::Severity::warning,
                            why.substr(0, wire::kLongestSeries),
                            1,
                            context_.clock.now()});
    context_.publisher.alert(wire::encode(event));
  };
  for (const auto& [path, why] : before) {
    if (!wrong_files_.contains(path)) {
      tell(path, why, false);
    }
  }
  for (const auto& [path, why] : wrong_files_) {
    const auto known = before.find(path);
    if (known == before.end() || known->second != why) {
      context_.log.error(why);
      tell(path, why, true);
    }
  }
}

}  // namespace steward::handlers::daemon
