#include "tests/support/small_disk.hpp"

#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sched.h>
#include <sys/mount.h>

#include <system_error>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;

bool enter_own_mounts() {
  static const bool kEntered = ::unshare(CLONE_NEWNS) == 0 &&
                               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return kEntered;
}

void copy_all(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

}  // namespace

std::unique_ptr<SmallDisk> SmallDisk::over(const fs::path& folder, std::int64_t bytes) {
  if (!enter_own_mounts()) {
    MESSAGE("SKIPPED: no right to mount a disk");
    return nullptr;
  }
  const TemporaryFolder kept;
  copy_all(folder, kept.path() / "all");
  const auto size = "mode=755,size=" + std::to_string(bytes);
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, size.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "mount over " + folder.string());
  }
  std::unique_ptr<SmallDisk> disk(new SmallDisk(folder));
  copy_all(kept.path() / "all", folder);
  return disk;
}

// Whoever is still in it keeps it for so long.
SmallDisk::~SmallDisk() { ::umount2(folder_.c_str(), MNT_DETACH); }

std::int64_t SmallDisk::room() const {
  return static_cast<std::int64_t>(fs::space(folder_).available);
}

std::string SmallDisk::fill() const {
  return "head -c 1G /dev/zero 2>/dev/null >>" + filler().string() + " || true";
}

void SmallDisk::free() const { fs::remove(filler()); }

}  // namespace steward::tests
