#include "handlers/runtime/owner_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace steward::runtime {

Result<OwnerFile> owner_file(const std::filesystem::path& file) {
  struct stat status {};

  if (::stat(file.c_str(), &status) != 0) {
    return tl::unexpected(system_error(errno, "look at it"));
  }
  if (!S_ISREG(status.st_mode)) {
    return failure(ErrorCode::bad_config, "is not a file");
  }
  const bool foreign = (status.st_uid != 0 && status.st_uid != ::geteuid()) ||
                       (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (foreign) {
    return failure(ErrorCode::permission,
                   "others can write it: chown it to root or to the agent's user, and chmod go-w");
  }
  return OwnerFile{.is_program = (status.st_mode & S_IXUSR) != 0};
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, std::size_t most) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    if (at->path().filename().string().front() != '.') {
      files.push_back(at->path());
    }
  }
  std::sort(files.begin(), files.end());
  files.resize(std::min(files.size(), most));
  return files;
}

}  // namespace steward::runtime
