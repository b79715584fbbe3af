#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// The services of systemd of which a process still runs code that is not on disk any more: it was
// replaced or removed. In the order of their names; not the one that this process belongs to, nor
// what runs in a container, on files of its own.
// `proc`: /proc.
std::vector<std::string> stale_services(const std::filesystem::path& proc = "/proc");

// By each file of code that processes run, whether it is on disk still or not, their services; else
// as above.
std::map<std::string, std::set<std::string>> services_by_code(
    const std::filesystem::path& proc = "/proc");

// Whether a text of /proc/<pid>/maps has code of such a file.
bool runs_replaced_code(std::string_view maps);

// The system's service in a text of /proc/<pid>/cgroup; empty: none.
std::string service_of(std::string_view cgroup);

}  // namespace steward::handlers::osupdate
