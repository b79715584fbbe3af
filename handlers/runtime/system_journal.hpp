#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::runtime {

// One entry of systemd's journal; views hold until the next entry is asked for. Empty: it has no
// such field.
struct JournalEntry {
  std::int64_t written_us = 0;  // since 1970, by its sender where that is known
  int priority = 6;
  int facility = -1;  // -1: it does not say
  std::string_view program, pid, unit, host, message;
};

// Reads systemd's journal, forwards from a place. libsystemd is loaded at the first use: a machine
// without it has none, and nobody pays for what is not used. One thread.
class SystemJournal {
 public:
  // Of this machine, or, with a folder, the files in it. Of one unit alone, where it is named.
  // Errors: unsupported (no libsystemd), not_found, permission, io.
  [[nodiscard]] static Result<std::unique_ptr<SystemJournal>> open(const std::string& folder,
                                                                   const std::string& unit = {});

  ~SystemJournal();
  SystemJournal(const SystemJournal&) = delete;
  SystemJournal& operator=(const SystemJournal&) = delete;

  // Where next() goes on. seek_end: behind so many of the last entries there are now, less those.
  [[nodiscard]] Result<void> seek_begin();
  [[nodiscard]] Result<void> seek_end(std::size_t last_entries = 0);

  // Before the first entry that was written at that time, microseconds since 1970, or later.
  [[nodiscard]] Result<void> seek_time(std::uint64_t written_us);

  // To the entry of that cursor, or behind it. False where that is not there any more: next() gives
  // the one that comes nearest after it.
  [[nodiscard]] Result<bool> seek_to(const std::string& cursor);
  [[nodiscard]] Result<bool> seek_behind(const std::string& cursor);

  // The next entry; false where there is none yet. Errors: io.
  [[nodiscard]] Result<bool> next(JournalEntry& entry);

  // Of the entry that next() gave last.
  std::string cursor() const;

  // Becomes readable when there may be more; then, and now and then, tell process(). True: files
  // came or went meanwhile.
  int fd() const;
  bool process();

 private:
  struct Api;
  struct Handle;
  SystemJournal(const Api& api, std::unique_ptr<Handle> handle);

  [[nodiscard]] Result<void> moved(int result) const;
  std::string_view field(const char* name, std::string& keep) const;

  const Api& api_;
  std::unique_ptr<Handle> handle_;
  bool given_ = false;  // the entry at which it stands is the next one
  std::string program_, pid_, unit_, host_, message_, number_;
};

// How many entries there are from one cursor to another, where both are of one sequence of numbers:
// 1 for the very next. None where that cannot be told.
std::optional<std::uint64_t> journal_steps(std::string_view from, std::string_view to);

}  // namespace steward::runtime
