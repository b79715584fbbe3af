#include "tests/subjects/identity/identities.hpp"

#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace steward::identity::tests {

std::string unhex(std::string_view digits) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16));
  }
  return bytes;
}

PrivateKey fixed_key(std::uint8_t number) {
  return PrivateKey::from_seed(std::string(32, static_cast<char>(number))).value();
}

Folder::Folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "steward-identity-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("mkdtemp");
  }
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_golden(std::string_view name, std::string_view bytes) {
  const auto path =
      std::filesystem::path(STEWARD_SOURCE_DIR) / "tests/subjects/identity/golden" / name;
  if (std::getenv("STEWARD_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  return contents(path) == bytes;
}

Said run(const std::string& command_line) {
  FILE* pipe = popen((command_line + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("popen");
  }
  Said said;
  std::array<char, 4096> some{};
  for (std::size_t count = 0; (count = fread(some.data(), 1, some.size(), pipe)) > 0;) {
    said.text.append(some.data(), count);
  }
  const int status = pclose(pipe);
  said.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

}  // namespace steward::identity::tests
