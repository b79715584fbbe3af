// Whom a name means, and who waits for whom.

#include "handlers/daemon/daemons.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::daemon {

// The daemon of that name, or its replicas; without those that are being removed, where there are
// others.
std::vector<Daemon*> Daemons::meant(const std::string& name) const {
  std::vector<Daemon*> all;
  if (auto* exact = find(name)) {
    all.push_back(exact);
  }
  const auto prefix = name + "@";
  for (auto at = daemons_.lower_bound(prefix); at != daemons_.end(); ++at) {
    if (!at->first.starts_with(prefix)) {
      break;
    }
    all.push_back(at->second.get());
  }
  const auto staying = std::stable_partition(
      all.begin(), all.end(), [this](const Daemon* daemon) { return !leaves(daemon->name()); });
  if (staying != all.begin()) {
    all.erase(staying, all.end());
  }
  return all;
}

bool Daemons::leaves(const std::string& name) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&name](const Waiting& waiting) {
    return waiting.what == Waiting::For::removed &&
           std::find(waiting.daemons.begin(), waiting.daemons.end(), name) != waiting.daemons.end();
  });
}

Specs Daemons::specs_with(const wire::DaemonSpec& spec) const {
  Specs specs;
  for (const auto& [name, daemon] : daemons_) {
    specs.emplace(wire::daemon_base(name), daemon->record().spec);
  }
  specs.insert_or_assign(spec.name, spec);
  return specs;
}

// Why it may not be up, for how long nobody knows; empty: it may.
std::string Daemons::barred(const Daemon& daemon) const {
  const auto& spec = daemon.record().spec;
  for (const auto& name : spec.requires_) {
    const auto needed = meant(name);
    if (needed.empty()) {
      return "needs " + name + ", which is not there";
    }
    for (const auto* one : needed) {
      if (!one->record().wanted || !barred(*one).empty()) {
        return "needs " + one->name() + ", which is stopped";
      }
    }
  }
  return spec.link_lost.action == wire::DaemonLinkLost::Action::stop &&
                 link_.lost_for(spec.link_lost)
             ? "the unit has no link to the broker"
             : "";
}

// Those that need it, or at the agent's end come after it, are still to end.
std::string Daemons::holds_down(const Daemon& daemon) const {
  const bool needed_up = daemon.record().wanted && barred(daemon).empty();
  if (needed_up && !daemon.ends_for_now()) {
    return "";
  }
  const auto names_it = [&daemon](const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [&daemon](const std::string& name) {
      return name == daemon.name() || name == wire::daemon_base(daemon.name());
    });
  };
  for (const auto& [name, other] : daemons_) {
    const auto& spec = other->record().spec;
    const bool ends_too = daemon.ends_for_now() && other->ends_for_now();
    if (!other->down() && ((!needed_up && names_it(spec.requires_)) ||
                           (ends_too && (names_it(spec.requires_) || names_it(spec.after))))) {
      return "waits for " + name + " to stop";
    }
  }
  return "";
}

std::optional<HeldUp> Daemons::holds_up(const Daemon& daemon) {
  const auto& spec = daemon.record().spec;
  if (auto why = barred(daemon); !why.empty()) {
    return HeldUp{std::move(why), true};
  }
  for (const auto* names : {&spec.after, &spec.requires_}) {
    for (const auto& name : *names) {
      for (const auto* before : meant(name)) {
        if (before->record().wanted && before->state() != wire::DaemonState::ready &&
            before->state() != wire::DaemonState::unhealthy) {
          return HeldUp{"waits for " + before->name()};
        }
      }
    }
  }
  if (auto why = certificates_.waits_for(spec); !why.empty()) {
    return HeldUp{std::move(why)};
  }
  const auto starting = std::count_if(daemons_.begin(), daemons_.end(), [](const auto& one) {
    return one.second->state() == wire::DaemonState::starting;
  });
  return static_cast<std::size_t>(starting) >= most_starting_
             ? std::optional(HeldUp{"waits for its turn"})
             : std::nullopt;
}

}  // namespace steward::handlers::daemon
