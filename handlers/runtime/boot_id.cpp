#include "handlers/runtime/boot_id.hpp"

#include <fstream>

namespace steward::runtime {

std::string boot_id(const std::filesystem::path& file) {
  std::string id;
  std::getline(std::ifstream(file), id);
  return id;
}

}  // namespace steward::runtime
