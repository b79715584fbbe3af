#include "handlers/tail/tailed_file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace steward::handlers::tail {

namespace {

constexpr std::uint64_t kFarthestBack = std::uint64_t{8} * 1024 * 1024;  // for the first lines

// More than that is not shown late, but passed over: a viewer wants to see what is now.
constexpr std::uint64_t kFarthestBehind = std::uint64_t{16} * 1024 * 1024;

// The path within a folder of those that may be read; empty: it is in none.
std::string within(const std::string& folder, const std::string& path) {
  const auto whole = folder.back() == '/' ? folder : folder + "/";
  return path.starts_with(whole) ? path.substr(whole.size()) : std::string();
}

// The kernel itself keeps the way inside the folder, also when somebody changes it meanwhile.
Result<runtime::Fd> open_within(const std::string& folder, const std::string& rest) {
  const runtime::Fd base(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!base) {
    return tl::unexpected(system_error(errno, "open " + folder));
  }
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  runtime::Fd file(
      static_cast<int>(::syscall(SYS_openat2, base.get(), rest.c_str(), &how, sizeof how)));

  struct stat found {};

  if (!file || ::fstat(file.get(), &found) != 0) {
    return errno == EXDEV
               ? failure(ErrorCode::permission, folder + "/" + rest + " leads out of " + folder)
               : tl::unexpected(system_error(errno, "open " + folder + "/" + rest));
  }
  if (!S_ISREG(found.st_mode)) {
    return failure(ErrorCode::permission, folder + "/" + rest + " is no file");
  }
  return file;
}

Result<runtime::Fd> open_allowed(const std::vector<std::string>& folders, const std::string& path) {
  for (const auto& folder : folders) {
    if (const auto rest = within(folder, path); !rest.empty()) {
      return open_within(folder, rest);
    }
  }
  return failure(ErrorCode::permission,
                 path + " may not be shown: it is in none of the folders that [tail] allows");
}

// Where the last lines begin.
std::uint64_t before_end(int file, std::uint64_t size, std::size_t lines) {
  std::string block(kPiece, '\0');
  std::uint64_t at = size;
  std::size_t seen = 0;
  while (at > 0 && size - at < kFarthestBack) {
    const auto some = std::min<std::uint64_t>(at, block.size());
    at -= some;
    if (::pread(file, block.data(), some, static_cast<off_t>(at)) != static_cast<ssize_t>(some)) {
      return size;
    }
    for (auto i = some; i-- > 0;) {
      // The line feed at the very end is the last line's own.
      if (block[i] == '\n' && at + i + 1 != size && ++seen == lines) {
        return at + i + 1;
      }
    }
  }
  return at;
}

}  // namespace

Result<std::unique_ptr<TailedFile>> TailedFile::open(const std::vector<std::string>& folders,
                                                     const std::string& path,
                                                     std::size_t lines) {
  std::unique_ptr<TailedFile> tailed(new TailedFile(folders, path));
  STEWARD_TRY(tailed->file_, open_allowed(folders, path));

  struct stat found {};

  ::fstat(tailed->file_.get(), &found);
  const auto size = static_cast<std::uint64_t>(found.st_size);
  tailed->offset_ = lines == 0 ? size : before_end(tailed->file_.get(), size, lines);
  return tailed;
}

bool TailedFile::take_new_one() {
  struct stat named {};

  struct stat open {};

  if (::stat(path_.c_str(), &named) != 0 || ::fstat(file_.get(), &open) != 0 ||
      (named.st_dev == open.st_dev && named.st_ino == open.st_ino)) {
    return false;
  }
  auto file = open_allowed(folders_, path_);
  if (!file) {
    return false;  // not yet, or no more
  }
  file_ = *std::move(file);
  offset_ = 0;
  return true;
}

Result<Tailed::Piece> TailedFile::read() {
  Piece piece;

  struct stat found {};

  if (::fstat(file_.get(), &found) != 0) {
    return tl::unexpected(system_error(errno, "look at " + path_));
  }
  auto size = static_cast<std::uint64_t>(found.st_size);
  if (size == offset_ && take_new_one()) {
    piece.notice = path_ + " is a new file";
    piece.more = true;
    return piece;
  }
  if (size < offset_) {
    piece.notice = path_ + " was cut off";
    offset_ = 0;
  } else if (size - offset_ > kFarthestBehind) {
    piece.notice = std::to_string(size - offset_) + " bytes were passed over: it grows too fast";
    offset_ = size;
    return piece;
  }
  std::string data(kPiece, '\0');
  const auto got = ::pread(file_.get(), data.data(), data.size(), static_cast<off_t>(offset_));
  if (got < 0) {
    return tl::unexpected(system_error(errno, "read " + path_));
  }
  data.resize(static_cast<std::size_t>(got));
  const auto end = data.rfind('\n');
  if (end != std::string::npos) {
    data.resize(end + 1);
  } else if (data.size() < kPiece) {
    data.clear();  // the rest of the line comes yet
  }
  offset_ += data.size();
  piece.more = !data.empty() && offset_ < size;
  piece.data = std::move(data);
  return piece;
}

}  // namespace steward::handlers::tail
