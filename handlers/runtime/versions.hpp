#pragma once

#include <string>

namespace steward::runtime {

// "libuv 1.44.2, spdlog 1.10.0, toml++ 3.3.0": the libraries of this room, for --version.
std::string library_versions();

}  // namespace steward::runtime
