#include "handlers/osupdate/machine_files.hpp"

#include "handlers/osupdate/plan_parts.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <sstream>

namespace steward::handlers::osupdate {

std::int64_t room_in(std::filesystem::path path) {
  struct statvfs disk {};

  while (::statvfs(path.c_str(), &disk) != 0) {
    if (path == path.parent_path()) {
      return INT64_MAX;
    }
    path = path.parent_path();
  }
  return static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
}

Room room_below(const std::filesystem::path& root, std::string_view archives) {
  Room room;
  room.archives = room_in(root / archives);
  room.system = room_in(root / "usr");
  room.boot = room_in(root / "boot");
  std::error_code error;
  std::int64_t image = 0;
  std::int64_t initrd = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "boot", error)) {
    const std::string name = entry.path().filename();
    auto* largest = name.starts_with("vmlinuz")                                       ? &image
                    : name.starts_with("initrd.img") || name.starts_with("initramfs") ? &initrd
                                                                                      : nullptr;
    if (largest != nullptr && entry.is_regular_file(error)) {
      *largest = std::max(*largest, static_cast<std::int64_t>(entry.file_size(error)));
    }
  }
  room.kernel = image + initrd;
  return room;
}

std::string stamp_of(const std::filesystem::path& path) {
  struct stat file {};

  if (::stat(path.c_str(), &file) != 0) {
    return "- ";
  }
  return std::to_string(file.st_mtim.tv_sec) + "." + std::to_string(file.st_mtim.tv_nsec) + "/" +
         std::to_string(file.st_size) + " ";
}

std::string stamps_of(const std::filesystem::path& root,
                      std::initializer_list<std::string_view> paths) {
  std::string text;
  for (const auto path : paths) {
    text += stamp_of(root / path);
  }
  return text;
}

std::string whole_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

LockHolder holder_named(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  LockHolder holder{pid, ""};
  std::getline(file, holder.program);
  return holder;
}

// "1: FLOCK  ADVISORY  WRITE 30809 fe:00:10182899 0 EOF"; "1: -> FLOCK ...": one that waits for it.
pid_t locker_of(std::string_view locks, std::string_view device, ino_t inode) {
  const auto file = std::string(device) + ":" + std::to_string(inode);
  while (!locks.empty()) {
    const auto words = words_in(take_text_line(locks));
    if (words.size() > 5 && words[1] != "->" && words[5] == file) {
      return static_cast<pid_t>(count_in(words[4]));
    }
  }
  return 0;
}

std::optional<LockHolder> locker_of_file(const std::filesystem::path& path) {
  struct stat file {};

  if (::stat(path.c_str(), &file) != 0) {
    return std::nullopt;
  }
  std::ostringstream device;
  device << std::hex << std::setfill('0') << std::setw(2) << major(file.st_dev) << ':'
         << std::setw(2) << minor(file.st_dev);
  const auto pid = locker_of(whole_text("/proc/locks"), device.str(), file.st_ino);
  return pid == 0 ? std::nullopt : std::optional(holder_named(pid));
}

CommandLine status_by_lock(const std::filesystem::path& lock) {
  constexpr const char* kScript = R"SH(
grep -q ":$(stat -c %i "$1") " /proc/locks && echo unpacked || echo installed
)SH";
  return {"sh", "-c", kScript, "sh", lock.string()};
}

std::string shell_words(const CommandLine& words) {
  std::string line;
  for (const auto& word : words) {
    line += line.empty() ? "'" : " '";
    for (const char letter : word) {
      line += letter == '\'' ? "'\\''" : std::string(1, letter);
    }
    line += "'";
  }
  return line;
}

}  // namespace steward::handlers::osupdate
