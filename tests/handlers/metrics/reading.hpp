#pragma once

#include "handlers/metrics/samples.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace steward::handlers::metrics {

// What a machine of ours has once told.
inline std::string fixture(const std::string& name) {
  std::ifstream file(std::string(STEWARD_SOURCE_DIR "/tests/handlers/metrics/fixtures/") + name,
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Series to values.
inline std::map<std::string, double> values_of(const Samples& samples) {
  std::map<std::string, double> values;
  for (std::size_t i = 0; i < samples.numbers().size(); ++i) {
    const auto& series = samples.series()[i];
    values[series.key] = series.value(samples.numbers()[i]);
  }
  return values;
}

// Runs a parser as a round.
template <class Parse>
std::map<std::string, double> parsed(const Parse& parse) {
  Samples samples;
  samples.begin();
  if (!parse(samples)) {
    return {};
  }
  samples.finish();
  return values_of(samples);
}

}  // namespace steward::handlers::metrics
