#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate {

// A process in a folder that stands in for /proc: what it has mapped, and where it belongs.
inline void add_process(const std::filesystem::path& proc,
                        const std::string& id,
                        const std::string& maps,
                        const std::string& cgroup) {
  std::filesystem::create_directories(proc / id);
  std::ofstream(proc / id / "maps") << maps;
  std::ofstream(proc / id / "cgroup") << cgroup;
}

}  // namespace steward::handlers::osupdate
