#pragma once

#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::handlers::metrics {

// A file of /proc or /sys that is read again and again: kept open, so that a reading costs one
// system call and no look-up of its path.
class ProcFile {
 public:
  // Whether each of its lines has less than 2 KiB: a short file is then read with one call, where
  // the end of a table of sockets costs as much as the table.
  enum class Lines { bounded, of_any_length };

  explicit ProcFile(std::string path, Lines lines = Lines::bounded)
      : path_(std::move(path)), lines_(lines) {}

  ~ProcFile();
  ProcFile(ProcFile&& other) noexcept;
  ProcFile(const ProcFile&) = delete;
  ProcFile& operator=(const ProcFile&) = delete;

  // All of it as it is now, in `buffer`, whose room is used again. Opens the file anew when it was
  // closed or taken away. Errors: not_found, permission, io, too_large (over 4 MiB).
  [[nodiscard]] Result<std::string_view> read(std::string& buffer);

  // Whether a table of mounts is surely still as it was read last: the kernel tells of a change of
  // these (proc(5), "/proc/pid/mounts"), and of theirs only. False where the file is none of /proc.
  bool is_as_read() const;

  const std::string& path() const { return path_; }

 private:
  [[nodiscard]] Result<std::string_view> read_open(std::string& buffer);
  void close();

  std::string path_;
  Lines lines_;
  int fd_ = -1;
  std::size_t last_length_ = 0;  // the kernel makes as much room as is asked for
};

}  // namespace steward::handlers::metrics
