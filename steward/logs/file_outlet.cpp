#include "steward/logs/file_outlet.hpp"

#include "steward/logs/line_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace steward::station {
namespace {

namespace fs = std::filesystem;

// So many are kept open from group to group.
constexpr std::size_t kMostOpenFiles = 256;

auto system_failure(const std::string& doing, const fs::path& path) {
  return tl::unexpected<Error>(system_error(errno, doing + " " + path.string()));
}

fs::path full_file(const fs::path& path, std::uint64_t generation) {
  return path.string() + "." + std::to_string(generation);
}

Result<void> sync_folder(const fs::path& folder) {
  const runtime::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return system_failure("bring to the disk", folder);
  }
  return {};
}

// For its owner and its group: those who read logs need not be the station.
Result<void> make_log_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    return {};
  }
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    if (auto made = make_log_folder(folder.parent_path()); !made) {
      return made;
    }
  }
  constexpr mode_t kMode = 0750;
  if (::mkdir(folder.c_str(), kMode) != 0 && errno != EEXIST) {
    return system_failure("make the folder", folder);
  }
  return sync_folder(folder.parent_path());
}

// Whether the name still leads to that file.
bool is_there(const runtime::Fd& fd, const fs::path& path) {
  struct stat ours {};

  struct stat named {};

  return ::fstat(fd.get(), &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

}  // namespace

fs::path FileOutlet::path_of(const FileKey& key) const {
  return settings_.folder / key.first / (key.second + ".log");
}

Result<FilePlace> FileOutlet::place_of(const FileKey& key, const fs::path& path) {
  STEWARD_TRY(const auto kept, store_.file(key));
  std::error_code error;
  if (!kept) {
    // Whatever is there is not ours to cut off.
    const auto size = fs::file_size(path, error);
    const FilePlace place{1, error ? 0 : size};
    if (auto put = store_.put_file(key, place); !put) {
      return tl::unexpected<Error>(std::move(put).error());
    }
    return place;
  }
  if (fs::exists(full_file(path, kept->generation), error)) {
    return FilePlace{kept->generation + 1, 0};  // it was renamed, and the end came before the note
  }
  return *kept;
}

Result<FileOutlet::OpenFile*> FileOutlet::opened(const FileKey& key) {
  const auto path = path_of(key);
  if (auto found = files_.find(key); found != files_.end()) {
    if (is_there(found->second.fd, path)) {
      return &found->second;
    }
    files_.erase(found);  // somebody has taken it away
  }
  if (auto made = make_log_folder(path.parent_path()); !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  STEWARD_TRY(auto place, place_of(key, path));
  constexpr mode_t kMode = 0640;
  runtime::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!fd) {
    return system_failure("open", path);
  }

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0) {
    return system_failure("look at", path);
  }
  place.length = std::min(place.length, static_cast<std::uint64_t>(status.st_size));
  if (::ftruncate(fd.get(), static_cast<off_t>(place.length)) != 0) {
    return system_failure("cut off", path);
  }
  if (auto synced = sync_folder(path.parent_path()); !synced) {
    return tl::unexpected<Error>(std::move(synced).error());
  }
  return &files_.emplace(key, OpenFile{std::move(fd), place, {}}).first->second;
}

Result<void> FileOutlet::write(const FileKey& key, OpenFile& file) {
  std::string_view text = file.text;
  auto at = static_cast<off_t>(file.place.length);
  while (!text.empty()) {
    const auto written = ::pwrite(file.fd.get(), text.data(), text.size(), at);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return system_failure("write", path_of(key));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  if (::fdatasync(file.fd.get()) != 0) {
    return system_failure("bring to the disk", path_of(key));
  }
  file.place.length = static_cast<std::uint64_t>(at);
  file.text.clear();
  return {};
}

Result<void> FileOutlet::take(LogGroup& group, Steady /*now*/) {
  std::set<FileKey> touched;
  for (const auto& item : group.items) {
    const FileKey key{item.unit, item.domain};
    if (touched.insert(key).second) {
      if (auto file = opened(key); !file) {
        files_.clear();
        return tl::unexpected<Error>(std::move(file).error());
      }
    }
    files_.at(key).text += file_line(item, settings_.form);
  }
  for (const auto& key : touched) {
    auto& file = files_.at(key);
    if (auto written = write(key, file); !written) {
      files_.clear();  // what is behind the certain length is cut off when they are opened again
      return written;
    }
    group.files[key] = file.place;
  }
  ++taken_;
  return {};
}

// The rename is what says that a file is full: place_of() understands it when the end comes before
// the next note.
Result<void> FileOutlet::begin_next(const FileKey& key, OpenFile& file) {
  const auto path = path_of(key);
  const auto generation = file.place.generation;
  if (::rename(path.c_str(), full_file(path, generation).c_str()) != 0) {
    return system_failure("rename", path);
  }
  if (auto synced = sync_folder(path.parent_path()); !synced) {
    return synced;
  }
  if (auto put = store_.put_file(key, {generation + 1, 0}); !put) {
    return put;
  }
  const auto keep = static_cast<std::uint64_t>(settings_.keep);
  for (auto old = generation; old > keep; --old) {
    if (::unlink(full_file(path, old - keep).c_str()) != 0) {
      break;
    }
  }
  return {};
}

Result<void> FileOutlet::committed() {
  for (auto at = files_.begin(); at != files_.end();) {
    auto& [key, file] = *at;
    if (file.place.length < settings_.bytes) {
      ++at;
      continue;
    }
    auto begun = begin_next(key, file);
    at = files_.erase(at);
    if (!begun) {
      files_.clear();
      return begun;
    }
  }
  if (files_.size() > kMostOpenFiles) {
    files_.clear();
  }
  return {};
}

}  // namespace steward::station
