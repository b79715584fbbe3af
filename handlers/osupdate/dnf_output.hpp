#pragma once

#include "handlers/osupdate/driver.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// What dnf 4 and rpm say, in the language C. Pure.

// A package as rpm knows it.
struct RpmPackage {
  std::string name;
  std::string version;  // "2:1.1-1.fc40": with its epoch, where that is not 0, and its release
  std::string architecture;
  std::int64_t installed = 0;  // when; seconds since 1970
  std::int64_t bytes = 0;      // on disk

  bool operator==(const RpmPackage&) const = default;
};

// The format for rpm's --qf, and its lines.
inline constexpr const char* kRpmFormat =
    "%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\t%{SIZE}\\n";
std::vector<RpmPackage> parse_rpm_lines(std::string_view output);

// That of most of them.
std::string rpm_architecture(const std::vector<RpmPackage>& packages);

// "glibc", and "glibc.i686" for one of another architecture than the machine's own.
std::string rpm_name(std::string_view name, std::string_view architecture, std::string_view own);

// One of which several versions stay beside each other.
bool is_install_only(std::string_view name);

// What is installed; a package that is there twice, and should not be, is broken: a transaction
// was cut off. `locked`: lines of versionlock's list.
SystemState rpm_state(const std::vector<RpmPackage>& packages, std::string_view locked);

// "web-0:1.0-1.noarch" in three parts; empty ones: it has another form.
RpmPackage split_nevra(std::string_view nevra);

// The table of a transaction.
struct DnfTransaction {
  struct Row {
    std::string name;
    std::string architecture;
    std::string version;
    std::string repository;
    bool is_new = false;  // beside, or in place of, nothing of its name
  };

  std::vector<Row> rows;
  std::vector<Row> removed;       // of those only name, architecture and version
  std::vector<Row> skipped;       // for its dependencies
  std::set<std::string> advised;  // "db.noarch": advisories of security are about it
  std::vector<Row> offered;       // newer than what is there, whatever keeps it away; as removed
};

// What separates the table from the list of advisories, and that from what is offered.
inline constexpr std::string_view kAdvisories = "-- advisories --";
inline constexpr std::string_view kOffered = "-- offered --";
inline constexpr const char* kDnfOffered = "%{name} %{evr} %{arch}";
DnfTransaction parse_dnf_transaction(std::string_view output);

// A line of dnf that says how far it is, or of rpm about a configuration file.
std::optional<Progress> parse_dnf_line(std::string_view line);

// Bytes to fetch and to install, by "web 2.0-1 noarch".
struct DnfSize {
  std::int64_t archive = 0;
  std::int64_t installed = 0;
};

inline constexpr const char* kDnfSizes = "%{name} %{evr} %{arch} %{downloadsize} %{installsize}";
std::map<std::string, DnfSize> parse_dnf_sizes(std::string_view output);

// Files of `rpm -V` that are configuration, and not as the package has brought them.
std::vector<std::string> parse_rpm_verify(std::string_view output);

}  // namespace steward::handlers::osupdate
