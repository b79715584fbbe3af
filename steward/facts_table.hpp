#pragma once

#include "steward/batch.hpp"
#include "steward/metrics/wanted.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/facts.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// What units are, by their own word. The hash of each one's facts is kept here, the facts in the
// store. A unit whose hello tells of another hash for a minute is asked for all of them. A state
// machine: time is passed in. One thread.
class FactsTable {
 public:
  // A unit's facts as they are in the store; none where it has none.
  using Find = std::function<std::optional<wire::Facts>(const std::string& unit)>;

  explicit FactsTable(Find find) : find_(std::move(find)) {}

  void restore(std::string unit, std::string hash) { hashes_[std::move(unit)] = std::move(hash); }

  // A hello has told of facts with that hash.
  void hello(const std::string& unit, const std::string& hash, Moment now);

  // Takes what has changed, into the batch. Changes to facts that are not known are not taken: the
  // unit is asked for all.
  void take(const std::string& unit, const wire::FactsEvent& event, Moment now, Batch& batch);

  // Units to be asked for all of their facts.
  std::vector<std::string> lacking(Moment now, std::size_t most) {
    return wanted_.due(now.steady, most);
  }

 private:
  const Find find_;
  std::map<std::string, std::string, std::less<>> hashes_;
  Wanted wanted_{{std::chrono::seconds(60), std::chrono::seconds(60), std::chrono::seconds(3'600)}};
};

}  // namespace steward::station
