#include "tests/fault/support/shim_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

namespace steward::tests {

ShimFile::ShimFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(ShimOrders)) != 0) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
  void* memory = ::mmap(nullptr, sizeof(ShimOrders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mmap");
  }
  orders_ = static_cast<ShimOrders*>(memory);
  // The sanitizers want to be the first library, and need not be: ours only passes calls on.
  const char* options = std::getenv("ASAN_OPTIONS");
  environment_ = {{"LD_PRELOAD", STEWARD_SHIM_LIBRARY},
                  {"STEWARD_SHIM", path.string()},
                  {"ASAN_OPTIONS",
                   std::string(options == nullptr ? "" : options) + ":verify_asan_link_order=0"}};
}

ShimFile::~ShimFile() { ::munmap(orders_, sizeof(ShimOrders)); }

void ShimFile::fail_writes(const std::string& file, int error) {
  std::strncpy(orders_->file, file.c_str(), sizeof orders_->file - 1);
  orders_->write_error = error;
}

}  // namespace steward::tests
