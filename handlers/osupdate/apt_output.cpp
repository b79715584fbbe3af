#include "handlers/osupdate/apt_output.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::int64_t kKibibyte = 1024;

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view next_word(std::string_view& text, char separator = ' ') {
  while (!text.empty() && text.front() == separator && separator == ' ') {
    text.remove_prefix(1);
  }
  const auto end = std::min(text.find(separator), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::max<std::int64_t>(number, 0);
}

bool is_security(std::string_view origin) {
  std::string lower(origin);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return lower.find("security") != std::string::npos;
}

// "bash [5.2-1] (5.2-2 Debian:12.5/stable, Debian-Security:12/stable-security [amd64]) []"
std::optional<wire::UpdatePackage> parse_inst(std::string_view line) {
  wire::UpdatePackage package;
  package.name = next_word(line);
  if (line.starts_with("[")) {
    line.remove_prefix(1);
    package.from = next_word(line, ']');
  }
  const auto open = line.find('(');
  const auto close = line.find(')', open == std::string_view::npos ? 0 : open);
  if (package.name.empty() || open == std::string_view::npos || close == std::string_view::npos) {
    return std::nullopt;
  }
  auto candidate = line.substr(open + 1, close - open - 1);
  package.to = next_word(candidate);
  const auto architecture = candidate.rfind(" [");
  package.origin = candidate.substr(0, architecture);
  package.security = is_security(package.origin);
  return package;
}

// The names in the indented lines behind a heading.
void take_names(std::string_view& text, std::vector<std::string>& names) {
  while (text.starts_with("  ")) {
    auto line = next_line(text);
    for (auto name = next_word(line); !name.empty(); name = next_word(line)) {
      names.emplace_back(name);
    }
  }
}

}  // namespace

Simulation parse_simulation(std::string_view output) {
  Simulation simulation;
  while (!output.empty()) {
    auto line = next_line(output);
    if (line.starts_with("Inst ")) {
      if (auto package = parse_inst(line.substr(5))) {
        simulation.packages.push_back(*std::move(package));
      }
    } else if (line.starts_with("Remv ") || line.starts_with("Purg ")) {
      line.remove_prefix(5);
      simulation.removed.emplace_back(next_word(line));
    } else if (line.ends_with("kept back:")) {
      take_names(output, simulation.kept_back);
    } else if (line.ends_with("due to phasing:")) {
      take_names(output, simulation.phased);
    }
  }
  return simulation;
}

std::optional<Progress> parse_status_line(std::string_view line) {
  using Kind = Progress::Kind;
  constexpr std::pair<std::string_view, Kind> kKinds[] = {{"dlstatus:", Kind::download},
                                                          {"pmstatus:", Kind::install},
                                                          {"pmconffile:", Kind::conffile},
                                                          {"pmerror:", Kind::error}};
  for (const auto& [start, kind] : kKinds) {
    if (!line.starts_with(start)) {
      continue;
    }
    line.remove_prefix(start.size());
    Progress progress;
    progress.kind = kind;
    // A package's name may have its architecture behind a colon: the number ends the name.
    for (std::string subject(next_word(line, ':')); !line.empty();) {
      const auto field = next_word(line, ':');
      double percent = 0;
      const auto end = std::from_chars(field.data(), field.data() + field.size(), percent);
      if (end.ec == std::errc() && end.ptr == field.data() + field.size()) {
        progress.percent = std::clamp(percent, 0.0, 100.0);
        progress.subject = std::move(subject);
        progress.text = line;
        return progress;
      }
      subject.append(":").append(field);
    }
    return std::nullopt;
  }
  return std::nullopt;
}

std::map<std::string, PackageSize> parse_sizes(std::string_view output) {
  std::map<std::string, PackageSize> sizes;
  std::string name;
  std::string version;
  PackageSize size;
  while (!output.empty()) {
    auto line = next_line(output);
    if (!line.empty() && line.front() != ' ') {
      auto value = line;
      const auto field = next_word(value, ':');
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      if (field == "Package") {
        name = value;
      } else if (field == "Version") {
        version = value;
      } else if (field == "Size") {
        size.archive = number_in(value);
      } else if (field == "Installed-Size") {
        size.installed = number_in(value) * kKibibyte;
      }
    }
    if ((line.empty() || output.empty()) && !name.empty()) {
      sizes.insert_or_assign(name + "=" + version, size);
      name.clear();
      version.clear();
      size = {};
    }
  }
  return sizes;
}

}  // namespace steward::handlers::osupdate
