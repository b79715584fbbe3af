#pragma once

#include "handlers/osupdate/driver.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// What apk says, and what it writes. Pure.

// "(2/4) Upgrading web (1.0-r0 -> 2.0-r0)", and the packages that have another version on offer.
struct ApkSimulation {
  std::vector<wire::UpdatePackage> packages;
  std::vector<std::string> removed;
  std::vector<std::string> newer;  // installed ones, of `apk version -l '<'`
};

ApkSimulation parse_apk_simulation(std::string_view output);

// "(2/4) Upgrading web (...)", or "578/1750" bytes.
std::optional<Progress> parse_apk_line(std::string_view line);

// "web-2.0-r0" in two parts; empty ones: it has another form.
struct ApkName {
  std::string name;
  std::string version;
};

ApkName split_apk_name(std::string_view full);

// A record of lib/apk/db/installed.
struct ApkPackage {
  std::string name;
  std::string version;
  bool is_broken = false;  // a script of it has failed, or files of it are not there
  bool lacks_files = false;
  std::vector<std::string> files;  // from the root, without a '/' before them
};

std::vector<ApkPackage> parse_apk_installed(std::string_view database);

// The word of etc/apk/world about a package; empty: nobody has asked for it by name.
std::string world_entry(std::string_view world, std::string_view name);

// What is installed; held is what the world has as "name=version".
SystemState apk_state(const std::vector<ApkPackage>& packages, std::string_view world);

// Of records of repositories: bytes to fetch and on disk, by "name=version".
struct ApkSize {
  std::int64_t archive = 0;
  std::int64_t installed = 0;
};

std::map<std::string, ApkSize> parse_apk_index(std::string_view records);

// Of `apk policy`: the first repository that offers it, by "name=version".
std::map<std::string, std::string> parse_apk_policy(std::string_view output);

}  // namespace steward::handlers::osupdate
