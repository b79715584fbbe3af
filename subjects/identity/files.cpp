#include "subjects/identity/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace steward::identity {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}

  ~Descriptor() { close(); }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }

  int close() {
    const int result = fd_ >= 0 ? ::close(fd_) : 0;
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

tl::unexpected<Error> failed(int error_number,
                             std::string_view doing,
                             const std::filesystem::path& path) {
  return tl::unexpected<Error>(
      system_error(error_number, std::string(doing).append(" ").append(path.string())));
}

Result<void> write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return failed(errno, "write", path);
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || fsync(descriptor.get()) != 0) {
    return failed(errno, "make durable", folder);
  }
  return {};
}

// Gives the finished file its name. link() refuses a name that is taken, rename() replaces it.
Result<void> name_it(const std::string& made,
                     const std::filesystem::path& path,
                     Existing existing) {
  if (existing == Existing::replace) {
    return rename(made.c_str(), path.c_str()) == 0 ? Result<void>() : failed(errno, "write", path);
  }
  if (link(made.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) {
      return failure(ErrorCode::conflict, path.string() + " is there already and is kept");
    }
    return failed(errno, "write", path);
  }
  unlink(made.c_str());
  return {};
}

Result<void> fill_file(int fd,
                       std::string_view bytes,
                       Access access,
                       const std::filesystem::path& path) {
  if (fchmod(fd, access == Access::owner_only ? 0600 : 0644) != 0) {
    return failed(errno, "set the mode of", path);
  }
  return write_all(fd, bytes, path);
}

Result<Secret> read_all(int fd, std::size_t size, const std::filesystem::path& path) {
  Secret bytes(size);
  std::size_t at = 0;
  while (at < size) {
    const ssize_t count = ::read(fd, bytes.data() + at, size - at);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return failed(errno, "read", path);
    }
    if (count == 0) {
      break;
    }
    at += static_cast<std::size_t>(count);
  }
  bytes.shorten(at);
  return bytes;
}

Result<Secret> read_checked(const std::filesystem::path& path, Access access) {
  // O_NONBLOCK: the path may name a pipe, which is refused below instead of waited for.
  const Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

  struct stat facts {};

  if (descriptor.get() < 0 || fstat(descriptor.get(), &facts) != 0) {
    return failed(errno, "open", path);
  }
  if (!S_ISREG(facts.st_mode)) {
    return failure(ErrorCode::bad_config, path.string() + " is not a file");
  }
  if (access == Access::owner_only) {
    if (facts.st_uid != geteuid() && facts.st_uid != 0) {
      return failure(ErrorCode::permission, path.string() + " belongs to another user");
    }
    if ((facts.st_mode & 077) != 0) {
      return failure(ErrorCode::permission,
                     path.string() + " can be read or written by others: chmod 600 it");
    }
  }
  if (facts.st_size > static_cast<off_t>(kLargestFile)) {
    return failure(ErrorCode::too_large, path.string() + " is larger than 4 MiB");
  }
  return read_all(descriptor.get(), static_cast<std::size_t>(facts.st_size), path);
}

}  // namespace

Result<void> write_file(const std::filesystem::path& path,
                        std::string_view bytes,
                        Access access,
                        Existing existing) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string made = path.string() + ".XXXXXX";
  Descriptor descriptor(mkostemp(made.data(), O_CLOEXEC));  // 0600 from its first moment
  if (descriptor.get() < 0) {
    return failed(errno, "write", path);
  }
  auto written = fill_file(descriptor.get(), bytes, access, path);
  if (written && (fsync(descriptor.get()) != 0 || descriptor.close() != 0)) {
    written = failed(errno, "make durable", path);
  }
  if (written) {
    written = name_it(made, path, existing);
  }
  if (!written) {
    unlink(made.c_str());
    return written;
  }
  return sync_folder(folder);
}

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  return read_checked(path, Access::owner_only);
}

Result<std::string> read_file(const std::filesystem::path& path) {
  return read_checked(path, Access::everybody).map([](const Secret& bytes) {
    return std::string(bytes.view());
  });
}

}  // namespace steward::identity
