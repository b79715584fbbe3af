#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// The services of systemd of which a process still runs code that is not on disk any more: it was
// replaced or removed. In the order of their names; not the one that this process belongs to.
// `proc`: /proc.
std::vector<std::string> stale_services(const std::filesystem::path& proc = "/proc");

// Those of which a process runs code of one of these files, whether that is on disk still or not.
// Else as above.
std::vector<std::string> services_running(const std::set<std::string>& files,
                                          const std::filesystem::path& proc = "/proc");

// Whether a text of /proc/<pid>/maps has code of such a file.
bool runs_replaced_code(std::string_view maps);

// The system's service in a text of /proc/<pid>/cgroup; empty: none.
std::string service_of(std::string_view cgroup);

}  // namespace steward::handlers::osupdate
