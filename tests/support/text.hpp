#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace steward::tests {

// All that is in the file; empty where there is none.
inline std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace steward::tests
