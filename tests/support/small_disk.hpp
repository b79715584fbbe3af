#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace steward::tests {

// A disk of so many bytes over a folder, which has what the folder had; ends with this object. It
// is mounted in a namespace of this process and those that it starts from then on: nobody else sees
// it, and nothing is left of it, however the process ends.
class SmallDisk {
 public:
  // Null where this process may not mount: said loudly, and the caller returns.
  static std::unique_ptr<SmallDisk> over(const std::filesystem::path& folder, std::int64_t bytes);

  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Bytes that there is room for.
  std::int64_t room() const;

  // A line of the shell that takes all room that is left, by a file in the folder; free() gives it
  // back.
  std::string fill() const;
  void free() const;

 private:
  explicit SmallDisk(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path filler() const { return folder_ / "filler"; }

  const std::filesystem::path folder_;
};

}  // namespace steward::tests
