#pragma once

#include "subjects/identity/key.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace steward::identity::tests {

// Bytes of hexadecimal digits.
std::string unhex(std::string_view digits);

// Keys that are the same in each run: of 32 bytes of that number.
PrivateKey fixed_key(std::uint8_t number);

// A folder of its own, gone with this object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::filesystem::path& path);

// Compares with the committed file tests/subjects/identity/golden/<name>; STEWARD_WRITE_GOLDEN=1
// writes it anew.
bool is_golden(std::string_view name, std::string_view bytes);

// What a program says on its two outputs, and its exit code; {"openssl", "version"}.
struct Said {
  int exit_code = -1;
  std::string text;
};

Said run(const std::string& command_line);

}  // namespace steward::identity::tests
