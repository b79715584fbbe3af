#include "steward/files.hpp"

#include "handlers/runtime/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace steward::station {
namespace {

Error failed(std::string_view doing, const std::filesystem::path& path) {
  return system_error(errno, std::string(doing) + " " + path.string());
}

Result<void> write_all(int fd, std::string_view text, const std::filesystem::path& file) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return tl::unexpected<Error>(failed("write", file));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<void> make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) {
    return {};
  }
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    if (auto made = make_private_folder(folder.parent_path()); !made) {
      return made;
    }
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return tl::unexpected<Error>(failed("make the folder", folder));
  }
  return {};
}

Result<void> write_private_file(const std::filesystem::path& file, std::string_view text) {
  const std::filesystem::path fresh = file.string() + ".new";
  {
    const runtime::Fd fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
      return tl::unexpected<Error>(failed("write", file));
    }
    if (auto written = write_all(fd.get(), text, file); !written) {
      return written;
    }
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    return tl::unexpected<Error>(failed("write", file));
  }
  return {};
}

std::optional<std::string> read_small_file(const std::filesystem::path& file) {
  const runtime::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return std::nullopt;
  }
  std::string text(64 * 1024, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) {
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(got));
  return text;
}

}  // namespace steward::station
