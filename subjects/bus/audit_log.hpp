#pragma once

#include "subjects/bus/mutex.hpp"
#include "subjects/identity/audit_chain.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// Keeps an audit chain in a file. A record is with the kernel when append() returns, so it outlives
// this process; on disk it is with the next seal, at most one a minute. Full, the file becomes
// <file>.1, that one <file>.2, and so on up to kOlder; the chain goes on. Any thread.
class AuditLog {
 public:
  static constexpr std::uintmax_t kLargest = 8 * 1024 * 1024;
  static constexpr int kOlder = 3;
  static constexpr std::chrono::seconds kSealEvery{60};

  struct Opened {
    std::unique_ptr<AuditLog> log;
    std::string notice;  // the file was damaged, and what became of it; or empty
    // Records at its end that no seal covers, as after a kill: whoever could write the file may
    // have altered them. The record of the start says the number, for the next seal covers them.
    std::uint64_t unsealed = 0;
  };

  // Goes on where an earlier run has ended; a line that it has not finished is cut off, and a
  // record says so. A chain that does not hold, or whose last seal by `key` does not, is moved
  // aside and a new one begun. `key` seals. Errors: those of files.
  [[nodiscard]] static Result<Opened> open(std::filesystem::path file,
                                           const identity::PrivateKey* key,
                                           wire::Timestamp now,
                                           std::uintmax_t largest = kLargest);

  // Seals what is not sealed.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // What cannot be written is counted, and a record says how many when it can be again. Errors:
  // no_space, io, permission.
  Result<void> append(const identity::AuditRecord& record);

  // Seals what is not sealed where the last seal is a minute old: nothing may follow for days. Does
  // nothing else, so it may be called often.
  void tend(wire::Timestamp now);

 private:
  AuditLog(std::filesystem::path file, const identity::PrivateKey* key, std::uintmax_t largest);

  Result<void> recover(wire::Timestamp now, Opened& opened) STEWARD_REQUIRES(mutex_);
  Result<void> reopen() STEWARD_REQUIRES(mutex_);
  Result<void> write(const identity::AuditRecord& record) STEWARD_REQUIRES(mutex_);
  Result<void> make_room() STEWARD_REQUIRES(mutex_);
  bool is_seal_due(wire::Timestamp now) const STEWARD_REQUIRES(mutex_);
  void seal(wire::Timestamp now) STEWARD_REQUIRES(mutex_);

  const std::filesystem::path file_;
  const identity::PrivateKey* const key_;  // null: nothing is sealed
  const std::uintmax_t largest_;
  Mutex mutex_;
  int fd_ STEWARD_GUARDED_BY(mutex_) = -1;
  std::uintmax_t bytes_ STEWARD_GUARDED_BY(mutex_) = 0;
  std::uint64_t lost_ STEWARD_GUARDED_BY(mutex_) = 0;
  identity::AuditEnd end_ STEWARD_GUARDED_BY(mutex_);
  std::optional<wire::Timestamp> sealed_at_ STEWARD_GUARDED_BY(mutex_);
  wire::Timestamp last_ STEWARD_GUARDED_BY(mutex_);
};

// <file> and its older ones, the oldest first; those that are there.
std::vector<std::filesystem::path> audit_files(const std::filesystem::path& file);

}  // namespace steward::bus
