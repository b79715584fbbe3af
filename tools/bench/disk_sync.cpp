#include "tools/bench/disk_sync.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace steward::bench {

Result<std::unique_ptr<DiskSync>> DiskSync::open(const std::filesystem::path& folder) {
  const auto file = folder / "disk-sync";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return tl::unexpected(system_error(errno, "open " + file.string()));
  }
  return std::unique_ptr<DiskSync>(new DiskSync(fd));
}

DiskSync::~DiskSync() { ::close(fd_); }

Result<void> DiskSync::sync() {
  constexpr std::array<char, 4096> kBlock{};
  const auto written = ::write(fd_, kBlock.data(), kBlock.size());
  if (written != static_cast<ssize_t>(kBlock.size()) || ::fdatasync(fd_) != 0) {
    return tl::unexpected(system_error(errno, "synchronise a block to the disk"));
  }
  return {};
}

}  // namespace steward::bench
