#include "handlers/osupdate/dnf_output.hpp"

#include "handlers/osupdate/plan_parts.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

enum class DnfSection { none, installing, changing, removing, skipping };

DnfSection dnf_section(std::string_view heading) {
  if (heading.starts_with("Installing")) {
    return heading.find("groups") == std::string_view::npos ? DnfSection::installing
                                                            : DnfSection::none;
  }
  if (heading.starts_with("Upgrading:") || heading.starts_with("Downgrading:") ||
      heading.starts_with("Reinstalling:")) {
    return DnfSection::changing;
  }
  if (heading.starts_with("Removing")) {
    return DnfSection::removing;
  }
  return heading.starts_with("Skipping packages") ? DnfSection::skipping : DnfSection::none;
}

// " web noarch 2.0-1 updates 6.2 k", which may go on in the next lines.
void take_row(const std::vector<std::string_view>& words,
              DnfSection section,
              DnfTransaction& transaction) {
  if (words.size() < 4) {
    return;
  }
  DnfTransaction::Row row{std::string(words[0]),
                          std::string(words[1]),
                          std::string(words[2]),
                          std::string(words[3]),
                          section == DnfSection::installing};
  auto& rows = section == DnfSection::removing   ? transaction.removed
               : section == DnfSection::skipping ? transaction.skipped
                                                 : transaction.rows;
  rows.push_back(std::move(row));
}

// "     replacing  old.noarch 1.0-1"
void take_replaced(std::string_view name, std::string_view version, DnfTransaction& transaction) {
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    transaction.removed.push_back({std::string(name.substr(0, dot)),
                                   std::string(name.substr(dot + 1)),
                                   std::string(version),
                                   "",
                                   false});
  }
}

// "FEDORA-2026-1 Important/Sec. db-1.1-1.noarch"
void take_advisory(std::string_view line, DnfTransaction& transaction) {
  const auto words = words_in(line);
  if (words.size() != 3 || !words[1].ends_with("Sec.")) {
    return;
  }
  const auto package = split_nevra(words[2]);
  if (!package.name.empty()) {
    transaction.advised.insert(package.name + "." + package.architecture);
  }
}

// "web 2.0-1 noarch"
void take_offered(std::string_view line, DnfTransaction& transaction) {
  const auto words = words_in(line);
  if (words.size() == 3) {
    transaction.offered.push_back(
        {std::string(words[0]), std::string(words[2]), std::string(words[1]), "", false});
  }
}

// The table, up to its summary.
class DnfTable {
 public:
  explicit DnfTable(DnfTransaction& transaction) : transaction_(transaction) {}

  void take(std::string_view line) {
    const auto words = words_in(line);
    const bool goes_on = line.starts_with("  ");
    if (words.empty() || line.front() != ' ') {
      end_row();
      heading(line);
    } else if (words[0] == "replacing" && words.size() == 3) {
      end_row();
      take_replaced(words[1], words[2], transaction_);
    } else if (section_ != DnfSection::none) {
      if (!goes_on) {
        end_row();
      }
      row_.insert(row_.end(), words.begin(), words.end());
    }
  }

  void end_row() { take_row(std::exchange(row_, {}), section_, transaction_); }

 private:
  // One of two lines is told apart: "(add '--best --allowerasing' to ...):"
  void heading(std::string_view line) {
    if (!line.starts_with("(")) {
      section_ = line.ends_with(":") ? dnf_section(line) : DnfSection::none;
    }
  }

  DnfTransaction& transaction_;
  DnfSection section_ = DnfSection::none;
  std::vector<std::string_view> row_;
};

// "2/5" of all; nothing else.
std::optional<double> percent_in(std::string_view fraction) {
  const auto slash = fraction.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto done = count_in(fraction.substr(0, slash));
  const auto all = count_in(fraction.substr(slash + 1));
  if (done < 1 || all < done) {
    return std::nullopt;
  }
  return 100.0 * static_cast<double>(done) / static_cast<double>(all);
}

// "(1/3): web-2.0-1.noarch.rpm    1.1 MB/s | 6.2 kB   00:00"
std::optional<Progress> download_in(std::string_view line) {
  const auto end = line.find("): ");
  if (!line.starts_with("(") || end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto percent = percent_in(line.substr(1, end - 1));
  const auto words = words_in(line.substr(end + 3));
  if (!percent || words.empty()) {
    return std::nullopt;
  }
  return Progress{Progress::Kind::download,
                  *percent,
                  std::string(words[0]),
                  std::string(words[0]),
                  std::nullopt};
}

// "  Upgrading        : web-2.0-1.noarch      2/5". What verifies counts anew: it is left out.
std::optional<Progress> step_in(std::string_view line) {
  const auto words = words_in(line);
  if (!line.starts_with("  ") || words.size() < 4 || words[1] != ":" || words[0] == "Verifying") {
    return std::nullopt;
  }
  const auto percent = percent_in(words.back());
  if (!percent) {
    return std::nullopt;
  }
  const auto package = split_nevra(words[2]);
  return Progress{Progress::Kind::install,
                  *percent,
                  package.name.empty() ? std::string(words[2]) : package.name,
                  std::string(words[0]) + " " + std::string(words[2]),
                  std::nullopt};
}

// "warning: /etc/web.conf created as /etc/web.conf.rpmnew", "... saved as /etc/web.conf.rpmsave"
std::optional<Progress> conffile_in(std::string_view line) {
  constexpr std::string_view kWarning = "warning: ";
  const auto at = line.find(kWarning);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto words = words_in(line.substr(at + kWarning.size()));
  if (words.size() != 4 || words[2] != "as" || !words[0].starts_with('/') ||
      (words[1] != "created" && words[1] != "saved")) {
    return std::nullopt;
  }
  return Progress{Progress::Kind::conffile, 0, std::string(words[0]), "", words[1] == "created"};
}

}  // namespace

std::vector<RpmPackage> parse_rpm_lines(std::string_view output) {
  std::vector<RpmPackage> packages;
  while (!output.empty()) {
    const auto words = words_in(take_text_line(output));
    if (words.size() == 5 && words[0] != "gpg-pubkey") {
      packages.push_back({std::string(words[0]),
                          std::string(words[1].starts_with("0:") ? words[1].substr(2) : words[1]),
                          std::string(words[2]),
                          count_in(words[3]),
                          count_in(words[4])});
    }
  }
  return packages;
}

std::string rpm_architecture(const std::vector<RpmPackage>& packages) {
  std::map<std::string, int> counts;
  for (const auto& package : packages) {
    counts[package.architecture] += package.architecture == "noarch" ? 0 : 1;
  }
  const auto most = std::max_element(counts.begin(), counts.end(), [](auto& one, auto& other) {
    return one.second < other.second;
  });
  return most == counts.end() || most->second == 0 ? "" : most->first;
}

std::string rpm_name(std::string_view name, std::string_view architecture, std::string_view own) {
  std::string full(name);
  return own.empty() || architecture == "noarch" || architecture == own
             ? full
             : full + "." + std::string(architecture);
}

bool is_install_only(std::string_view name) {
  return name == "kernel" || name.starts_with("kernel-") || name.starts_with("kmod-") ||
         name == "gpg-pubkey";
}

SystemState rpm_state(const std::vector<RpmPackage>& packages, std::string_view locked) {
  SystemState state;
  std::map<std::string, std::int64_t> times;
  const auto own = rpm_architecture(packages);
  for (const auto& package : packages) {
    const auto name = rpm_name(package.name, package.architecture, own);
    const auto [at, is_first] = times.emplace(name, package.installed);
    if (!is_first && !is_install_only(package.name)) {
      state.broken.push_back(name);
    }
    if (is_first || package.installed >= at->second) {  // the newest one is what counts
      at->second = package.installed;
      state.packages[name].version = package.version;
    }
  }
  // "db-0:1.0-1.*"; "!db-..." keeps a version away, which is something else.
  while (!locked.empty()) {
    const auto line = take_text_line(locked);
    if (line.empty() || line.starts_with('#') || line.starts_with('!')) {
      continue;
    }
    const auto name = split_nevra(line).name;
    for (const auto& package : packages) {
      if (package.name == name) {
        state.packages[rpm_name(name, package.architecture, own)].held = true;
      }
    }
  }
  return state;
}

RpmPackage split_nevra(std::string_view nevra) {
  const auto dot = nevra.rfind('.');
  const auto release = nevra.rfind('-', dot == std::string_view::npos ? nevra.size() : dot);
  const auto version = release == std::string_view::npos || release == 0
                           ? std::string_view::npos
                           : nevra.rfind('-', release - 1);
  if (dot == std::string_view::npos || version == std::string_view::npos || version == 0 ||
      dot < release) {
    return {};
  }
  auto evr = nevra.substr(version + 1, dot - version - 1);
  evr.remove_prefix(evr.starts_with("0:") ? 2 : 0);
  return {
      std::string(nevra.substr(0, version)), std::string(evr), std::string(nevra.substr(dot + 1))};
}

DnfTransaction parse_dnf_transaction(std::string_view output) {
  DnfTransaction transaction;
  DnfTable table(transaction);
  bool advisories = false;
  bool offered = false;
  while (!output.empty()) {
    const auto line = take_text_line(output);
    advisories = advisories || line == kAdvisories;
    offered = offered || (advisories && line == kOffered);
    if (offered) {
      take_offered(line, transaction);
    } else if (advisories) {
      take_advisory(line, transaction);
    } else {
      table.take(line);
    }
  }
  table.end_row();
  return transaction;
}

std::optional<Progress> parse_dnf_line(std::string_view line) {
  if (auto download = download_in(line)) {
    return download;
  }
  if (auto step = step_in(line)) {
    return step;
  }
  return conffile_in(line);
}

std::map<std::string, DnfSize> parse_dnf_sizes(std::string_view output) {
  std::map<std::string, DnfSize> sizes;
  while (!output.empty()) {
    const auto words = words_in(take_text_line(output));
    if (words.size() == 5) {
      const auto version = words[1].starts_with("0:") ? words[1].substr(2) : words[1];
      sizes[std::string(words[0]) + " " + std::string(version) + " " + std::string(words[2])] = {
          count_in(words[3]), count_in(words[4])};
    }
  }
  return sizes;
}

// "S.5....T.  c /etc/web.conf": a configuration file with another digest.
std::vector<std::string> parse_rpm_verify(std::string_view output) {
  constexpr std::string_view kConffile = "  c /";
  std::vector<std::string> files;
  while (!output.empty()) {
    const auto line = take_text_line(output);
    const auto at = line.find(kConffile);
    if (at != std::string_view::npos && line.substr(0, at).find('5') != std::string_view::npos) {
      files.emplace_back(line.substr(at + kConffile.size() - 1));
    }
  }
  return files;
}

}  // namespace steward::handlers::osupdate
