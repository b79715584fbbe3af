#pragma once

#include "subjects/wire/query.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {

// Which units a view is to have: all, none, or the one of that name.
struct FleetScope {
  enum class Units { all, none, one };
  Units units = Units::all;
  std::string name;
};

// What a station knows of its fleet and of itself, at one moment.
struct FleetView {
  std::string station;
  std::string version;
  std::vector<wire::UnitRow> units;  // with their counts of commands, by name

  // Alerts that are open on a unit; absent where none is.
  struct Alerts {
    std::array<std::int64_t, 3> heard{};  // by severity; silenced ones left out
    std::int64_t silenced = 0;
  };

  std::map<std::string, Alerts> alerts;

  // Figures of the station: name of the family, and value.
  struct Figure {
    std::string name;
    bool counts = false;  // a counter, else a gauge
    double value = 0;
  };

  std::vector<Figure> figures;

  // What keeps the station from its work; empty while it is well.
  std::vector<std::string> troubles;
};

}  // namespace steward::station
