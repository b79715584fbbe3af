#pragma once

#include "handlers/osupdate/driver.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// What apt says, in the language C. Pure.

struct Simulation {
  std::vector<wire::UpdatePackage> packages;  // "Inst"
  std::vector<std::string> removed;           // "Remv"
  std::vector<std::string> kept_back;
  std::vector<std::string> phased;
};

Simulation parse_simulation(std::string_view output);

// A line of APT::Status-Fd.
std::optional<Progress> parse_status_line(std::string_view line);

// Sizes of packages from records of `apt-cache show`, by "name=version".
struct PackageSize {
  std::int64_t archive = 0;
  std::int64_t installed = 0;
};

std::map<std::string, PackageSize> parse_sizes(std::string_view output);

}  // namespace steward::handlers::osupdate
