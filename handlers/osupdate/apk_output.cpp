#include "handlers/osupdate/apk_output.hpp"

#include "handlers/osupdate/plan_parts.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::string_view kDatabase = "lib/apk/db/installed";

// "web@edge": from a repository with a tag.
std::string_view without_tag(std::string_view name) { return name.substr(0, name.find('@')); }

// A step of a change: "(2/4) Upgrading web (1.0-r0 -> 2.0-r0)".
struct ApkStep {
  std::int64_t number = 0;
  std::int64_t all = 0;
  std::string_view verb;
  std::string_view name;
  std::string_view from;
  std::string_view to;
};

std::optional<ApkStep> step_of(std::string_view line) {
  const auto words = words_in(line);
  if (words.size() < 4 || !words[0].starts_with('(') || !words[0].ends_with(')') ||
      !words[3].starts_with('(') || !words.back().ends_with(')')) {
    return std::nullopt;
  }
  const auto count = words[0].substr(1, words[0].size() - 2);
  const auto slash = count.find('/');
  ApkStep step;
  step.number = count_in(count.substr(0, slash));
  step.all = slash == std::string_view::npos ? 0 : count_in(count.substr(slash + 1));
  if (step.number < 1 || step.all < step.number) {
    return std::nullopt;
  }
  step.verb = words[1];
  step.name = without_tag(words[2]);
  const bool both = words.size() == 6 && words[4] == "->";
  if (words.size() != 4 && !both) {
    return std::nullopt;
  }
  step.from = both ? words[3].substr(1) : std::string_view();
  const auto last = words.back().substr(both ? 0 : 1);
  step.to = last.substr(0, last.size() - 1);
  return step;
}

void take_step(const ApkStep& step, ApkSimulation& simulation) {
  if (step.verb == "Purging") {
    simulation.removed.emplace_back(step.name);
  } else if (step.verb == "Installing" || !step.from.empty()) {
    wire::UpdatePackage package;
    package.name = step.name;
    package.from = step.from;
    package.to = step.to;
    simulation.packages.push_back(std::move(package));
  }
}

// A record's line: "V:1.0-r0".
void take_field(std::string_view line, std::string& folder, ApkPackage& package) {
  const auto value = line.substr(2);
  switch (line.front()) {
    case 'P':
      package.name = value;
      break;
    case 'V':
      package.version = value;
      break;
    case 'f':
      package.lacks_files = value.find('f') != std::string_view::npos;
      package.is_broken = package.lacks_files || value.find('s') != std::string_view::npos;
      break;
    case 'F':
      folder = value;
      break;
    case 'R':
      package.files.push_back(folder.empty() ? std::string(value)
                                             : folder + "/" + std::string(value));
      break;
    default:
      break;
  }
}

}  // namespace

ApkSimulation parse_apk_simulation(std::string_view output) {
  ApkSimulation simulation;
  while (!output.empty()) {
    const auto line = take_text_line(output);
    if (const auto step = step_of(line)) {
      take_step(*step, simulation);
      continue;
    }
    const auto words = words_in(line);
    if (words.size() >= 3 && words[1] == "<") {
      auto name = split_apk_name(words[0]).name;
      if (!name.empty()) {
        simulation.newer.push_back(std::move(name));
      }
    }
  }
  return simulation;
}

std::optional<Progress> parse_apk_line(std::string_view line) {
  if (const auto step = step_of(line)) {
    return Progress{Progress::Kind::install,
                    100.0 * static_cast<double>(step->number) / static_cast<double>(step->all),
                    std::string(step->name),
                    std::string(step->verb) + " " + std::string(step->name),
                    std::nullopt};
  }
  const auto slash = line.find('/');
  if (slash == std::string_view::npos || slash == 0 ||
      line.find_first_not_of("0123456789/") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto done = count_in(line.substr(0, slash));
  const auto all = count_in(line.substr(slash + 1));
  if (all == 0 || done > all) {
    return std::nullopt;
  }
  return Progress{Progress::Kind::download,
                  100.0 * static_cast<double>(done) / static_cast<double>(all),
                  "",
                  std::to_string(done) + " of " + std::to_string(all) + " bytes",
                  std::nullopt};
}

// The release is "r" and digits; a version begins with a digit.
ApkName split_apk_name(std::string_view full) {
  const auto release = full.rfind("-r");
  const auto version = release == std::string_view::npos || release == 0
                           ? std::string_view::npos
                           : full.rfind('-', release - 1);
  if (version == std::string_view::npos || version == 0 || version + 1 >= full.size() ||
      std::isdigit(static_cast<unsigned char>(full[version + 1])) == 0) {
    return {};
  }
  return {std::string(full.substr(0, version)), std::string(full.substr(version + 1))};
}

std::vector<ApkPackage> parse_apk_installed(std::string_view database) {
  std::vector<ApkPackage> packages;
  ApkPackage package;
  std::string folder;
  while (!database.empty()) {
    const auto line = take_text_line(database);
    if (line.size() >= 2 && line[1] == ':') {
      take_field(line, folder, package);
    }
    if ((line.empty() || database.empty()) && !package.name.empty()) {
      packages.push_back(std::exchange(package, {}));
      folder.clear();
    }
  }
  return packages;
}

std::string world_entry(std::string_view world, std::string_view name) {
  while (!world.empty()) {
    for (const auto word : words_in(take_text_line(world))) {
      if (word.substr(0, word.find_first_of("=<>~@")) == name) {
        return std::string(word);
      }
    }
  }
  return "";
}

SystemState apk_state(const std::vector<ApkPackage>& packages, std::string_view world) {
  SystemState state;
  for (const auto& package : packages) {
    const bool held = world_entry(world, package.name).starts_with(package.name + "=");
    state.packages[package.name] = {package.version, held, false};
    if (package.is_broken) {
      state.broken.push_back(package.name);
    }
    if (package.lacks_files) {
      state.half_unpacked.push_back(package.name);
    }
  }
  return state;
}

std::map<std::string, ApkSize> parse_apk_index(std::string_view records) {
  std::map<std::string, ApkSize> sizes;
  std::string name;
  std::string version;
  ApkSize size;
  while (!records.empty()) {
    const auto line = take_text_line(records);
    const auto value = line.size() > 2 ? line.substr(2) : std::string_view();
    if (line.starts_with("P:")) {
      name = value;
    } else if (line.starts_with("V:")) {
      version = value;
    } else if (line.starts_with("S:")) {
      size.archive = count_in(value);
    } else if (line.starts_with("I:")) {
      size.installed = count_in(value);
    }
    if ((line.empty() || records.empty()) && !name.empty()) {
      sizes.insert_or_assign(std::exchange(name, "") + "=" + std::exchange(version, ""),
                             std::exchange(size, {}));
    }
  }
  return sizes;
}

// "web policy:", then each version, and below it where it is.
std::map<std::string, std::string> parse_apk_policy(std::string_view output) {
  constexpr std::string_view kHeading = " policy:";
  std::map<std::string, std::string> repositories;
  std::string name;
  std::string version;
  while (!output.empty()) {
    const auto line = take_text_line(output);
    const auto words = words_in(line);
    if (words.empty()) {
      continue;
    }
    if (line.ends_with(kHeading) && line.front() != ' ') {
      name = line.substr(0, line.size() - kHeading.size());
    } else if (line.starts_with("    ")) {
      if (words.back() != kDatabase) {
        repositories.emplace(name + "=" + version, words.back());
      }
    } else if (words[0].ends_with(':')) {
      version = words[0].substr(0, words[0].size() - 1);
    }
  }
  return repositories;
}

}  // namespace steward::handlers::osupdate
