#include "handlers/osupdate/seen.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using nlohmann::json;
using std::chrono::hours;

constexpr hours kSeenPrecision{24};   // not every look is worth a write
constexpr hours kSeenKept{24 * 400};  // longer than any age that may be asked for
constexpr std::size_t kMostSeen = 20'000;

// No unit of ours was there before: a clock that says so is not set yet.
constexpr wire::Timestamp kNoClock{hours(24 * 365 * 54)};

std::string seen_key(const wire::UpdatePackage& package) { return package.name + "=" + package.to; }

}  // namespace

Seen::Seen(std::filesystem::path file) : file_(std::move(file)) {
  const auto text = runtime::load_kept(file_);
  const auto all = text && *text ? json::parse(**text, nullptr, false) : json();
  if (!all.is_object()) {
    return;
  }
  for (const auto& [key, times] : all.items()) {
    const bool pair =
        times.is_array() && times.size() == 2 && times[0].is_string() && times[1].is_string();
    const auto first = wire::parse_time(pair ? times[0].get<std::string>() : "");
    const auto last = wire::parse_time(pair ? times[1].get<std::string>() : "");
    if (first && last) {
      seen_[key] = {*first, *last};
    }
  }
}

Result<void> Seen::note(const wire::UpdatePlan& plan, wire::Timestamp now) {
  if (now < kNoClock) {
    return {};
  }
  bool changed = false;
  for (const auto& package : plan.packages) {
    const auto [at, is_new] = seen_.try_emplace(seen_key(package), Times{now, now});
    auto& times = at->second;
    const bool ahead = times.first > now;
    if (ahead || times.last > now || now - times.last >= kSeenPrecision) {
      times = {ahead ? now : times.first, now};
      changed = true;
    }
    changed = changed || is_new;
  }
  if (!changed) {
    return {};
  }
  std::erase_if(seen_, [now](const auto& one) { return now - one.second.last > kSeenKept; });
  while (seen_.size() > kMostSeen) {
    seen_.erase(std::min_element(seen_.begin(), seen_.end(), [](const auto& one, const auto& two) {
      return one.second.last < two.second.last;
    }));
  }
  return save();
}

Result<void> Seen::save() const {
  json out = json::object();
  for (const auto& [key, times] : seen_) {
    out[key] = {wire::format_time(times.first), wire::format_time(times.last)};
  }
  return runtime::save_kept(file_, wire::dump_json(out));
}

std::vector<std::string> Seen::younger(const wire::UpdatePlan& plan,
                                       std::chrono::milliseconds age,
                                       wire::Timestamp now) const {
  std::vector<std::string> names;
  for (const auto& package : plan.packages) {
    const auto at = seen_.find(seen_key(package));
    if (at == seen_.end() || now - at->second.first < age) {
      names.push_back(package.name);
    }
  }
  return names;
}

}  // namespace steward::handlers::osupdate
