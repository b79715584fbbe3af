#pragma once

#include "subjects/wire/query.hpp"

#include <chrono>
#include <cstdint>
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
