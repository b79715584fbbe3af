#include "steward/facts_table.hpp"

#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kMostShown = 8;

// "os.version, packages and 3 more"
std::string told_facts(const wire::FactsEvent& event) {
  if (event.base.empty()) {
    return "told " + std::to_string(event.facts.size()) + " facts";
  }
  std::string text;
  std::size_t count = 0;
  const auto add = [&text, &count](const std::string& path, std::string_view with) {
    if (++count <= kMostShown) {
      text += (text.empty() ? "" : ", ") + path;
      text += with.size() <= 64 ? with : "";
    }
  };
  for (const auto& [path, value] : event.facts) {
    add(path, " = " + value);
  }
  for (const auto& path : event.gone) {
    add(path, " is gone");
  }
  return count > kMostShown ? text + " and " + std::to_string(count - kMostShown) + " more" : text;
}

}  // namespace

void FactsTable::hello(const std::string& unit, const std::string& hash, Moment now) {
  const auto known = hashes_.find(unit);
  if (hash == (known == hashes_.end() ? std::string() : known->second)) {
    wanted_.drop(unit);
  } else if (!hash.empty()) {
    wanted_.want(unit, now.steady);
  }
}

void FactsTable::take(const std::string& unit,
                      const wire::FactsEvent& event,
                      Moment now,
                      Batch& batch) {
  wire::Facts facts;
  if (!event.base.empty()) {
    const auto waiting = batch.facts.find(unit);
    facts =
        waiting != batch.facts.end() ? waiting->second.facts : find_(unit).value_or(wire::Facts());
  }
  if (!wire::apply_facts(event, facts)) {
    wanted_.want(unit, now.steady);
    return;
  }
  wanted_.drop(unit);
  hashes_[unit] = event.hash;
  batch.bytes += wire::bytes_of(facts);
  batch.history.push_back({0, now.wall, unit, "facts", told_facts(event)});
  batch.facts.insert_or_assign(unit, FactsRecord{event.hash, std::move(facts), now.wall});
}

}  // namespace steward::station
