#include "subjects/bus/audit_log.hpp"

#include "subjects/identity/encoding.hpp"
#include "subjects/identity/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

namespace steward::bus {
namespace {

using std::filesystem::path;

path older(const path& file, int number) {
  return file.string() + (number == 0 ? "" : "." + std::to_string(number));
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return tl::unexpected<Error>(system_error(errno, "write the audit"));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// What holds of a chain, and how many bytes of its file that is.
struct Whole {
  identity::AuditReader reader = identity::AuditReader();
  std::uintmax_t bytes = 0;
  bool torn = false;
  std::string wrong;
  std::string seal;          // the line of the last one by the key
  std::uint64_t sealed = 0;  // up to there it covers the chain
};

// The last seal covers all before it, so no other one has to be checked.
void check_last_seal(const identity::PublicKey& key, Whole& whole) {
  identity::AuditReader reader(key);
  if (const auto seal = reader.take(whole.seal); !seal) {
    whole.wrong = seal.error().message;
  }
  whole.sealed = reader.end().sealed;
}

void read_chain(const path& file, const identity::PrivateKey* key, Whole& whole) {
  const auto id = key != nullptr ? key->public_key().id() : std::string();
  std::ifstream in(file, std::ios::binary);
  std::string line;
  while (whole.wrong.empty() && std::getline(in, line)) {
    if (in.eof()) {
      whole.torn = true;  // no line end: the process ended while it was written
      break;
    }
    if (const auto record = whole.reader.take(line); !record) {
      whole.wrong = record.error().message;
    } else {
      whole.bytes += line.size() + 1;
      if (!id.empty() && record->kind == "seal" && record->key == id) {
        whole.seal = line;
      }
    }
  }
  if (whole.wrong.empty() && !whole.seal.empty()) {
    check_last_seal(key->public_key(), whole);
  }
}

// How many records stand behind the last seal, in what is kept of the chain.
std::uint64_t count_unsealed(const path& file,
                             const identity::PrivateKey* key,
                             const Whole& whole) {
  const auto& end = whole.reader.end();
  if (end.number == 0 || key == nullptr) {
    return 0;
  }
  if (!whole.seal.empty()) {
    return end.number - whole.sealed - 1;  // the seal itself is one
  }
  Whole before;  // the last seal may stand in the file before
  read_chain(older(file, 1), key, before);
  const bool is_tied = before.wrong.empty() && !before.seal.empty() &&
                       before.reader.end().number + 1 == whole.reader.first();
  return is_tied ? end.number - before.sealed - 1 : end.number - whole.reader.first() + 1;
}

}  // namespace

std::vector<path> audit_files(const path& file) {
  std::vector<path> files;
  std::error_code error;
  for (int number = AuditLog::kOlder; number >= 0; --number) {
    if (std::filesystem::exists(older(file, number), error)) {
      files.push_back(older(file, number));
    }
  }
  return files;
}

AuditLog::AuditLog(path file, const identity::PrivateKey* key, std::uintmax_t largest)
    : file_(std::move(file)), key_(key), largest_(largest) {}

AuditLog::~AuditLog() {
  const Lock lock(mutex_);
  if (fd_ >= 0) {
    seal(last_);
    ::close(fd_);
  }
}

Result<AuditLog::Opened> AuditLog::open(path file,
                                        const identity::PrivateKey* key,
                                        wire::Timestamp now,
                                        std::uintmax_t largest) {
  Opened opened;
  opened.log.reset(new AuditLog(std::move(file), key, largest));
  auto& log = *opened.log;
  {
    const Lock lock(log.mutex_);
    log.last_ = now;
    if (auto recovered = log.recover(now, opened); !recovered) {
      return tl::unexpected<Error>(std::move(recovered).error());
    }
  }
  return opened;
}

Result<void> AuditLog::recover(wire::Timestamp now, Opened& opened) {
  std::error_code error;
  auto& notice = opened.notice;
  Whole whole;
  read_chain(file_, key_, whole);
  if (!whole.wrong.empty()) {
    const auto aside = file_.string() + ".damaged-" + wire::format_time(now).substr(0, 19);
    std::filesystem::rename(file_, aside, error);
    notice = "the audit does not hold (" + whole.wrong + "): moved to " + aside;
    whole = Whole{};
  }
  if (whole.torn) {
    std::filesystem::resize_file(file_, whole.bytes, error);
  }
  end_ = whole.reader.end();
  if (end_.number == 0 && notice.empty()) {
    Whole before;  // an earlier run may have ended between two files
    read_chain(older(file_, 1), key_, before);
    end_ = before.reader.end();
    opened.unsealed = count_unsealed(older(file_, 1), key_, before);
  } else {
    opened.unsealed = count_unsealed(file_, key_, whole);
  }
  bytes_ = whole.bytes;
  if (auto reopened = reopen(); !reopened) {
    return reopened;
  }
  const std::string why = !notice.empty() ? "damaged" : whole.torn ? "torn" : "";
  const auto said =
      opened.unsealed == 0 ? "" : std::to_string(opened.unsealed) + " records before it unsealed";
  return write({.at = now, .kind = "begun", .verdict = why, .summary = said});
}

Result<void> AuditLog::reopen() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    return tl::unexpected<Error>(system_error(errno, "open " + file_.string()));
  }
  return {};
}

Result<void> AuditLog::append(const identity::AuditRecord& record) {
  const Lock lock(mutex_);
  last_ = record.at;
  if (lost_ > 0) {
    auto told = write({.at = record.at, .kind = "lost", .verdict = std::to_string(lost_)});
    if (!told) {
      ++lost_;
      return told;
    }
    lost_ = 0;
  }
  if (auto written = write(record); !written) {
    ++lost_;
    return written;
  }
  if (is_seal_due(record.at)) {
    seal(record.at);
  }
  return {};
}

void AuditLog::tend(wire::Timestamp now) {
  const Lock lock(mutex_);
  if (is_seal_due(now)) {
    seal(now);
  }
}

bool AuditLog::is_seal_due(wire::Timestamp now) const {
  return !sealed_at_ || now - *sealed_at_ >= kSealEvery || now < *sealed_at_;
}

// A line that was written in part is taken back: the chain would not hold behind it.
Result<void> AuditLog::write(const identity::AuditRecord& record) {
  if (bytes_ >= largest_) {
    if (auto made = make_room(); !made) {
      return made;
    }
  }
  auto end = end_;
  const auto line = identity::next_audit_line(end, record);
  if (auto written = write_all(fd_, line); !written) {
    static_cast<void>(!::ftruncate(fd_, static_cast<off_t>(bytes_)));
    return written;
  }
  end_ = std::move(end);
  bytes_ += line.size();
  return {};
}

Result<void> AuditLog::make_room() {
  for (int number = kOlder; number > 0; --number) {
    const auto from = older(file_, number - 1);
    if (::access(from.c_str(), F_OK) == 0 &&
        ::rename(from.c_str(), older(file_, number).c_str()) != 0) {
      return tl::unexpected<Error>(system_error(errno, "rename " + from.string()));
    }
  }
  bytes_ = 0;
  return reopen();
}

void AuditLog::seal(wire::Timestamp now) {
  if (key_ == nullptr || end_.sealed == end_.number) {
    return;
  }
  const auto signature = key_->sign(identity::Purpose::journal, identity::sealed_bytes(end_));
  if (!signature) {
    return;
  }
  const identity::AuditRecord record{.at = now,
                                     .kind = "seal",
                                     .key = key_->public_key().id(),
                                     .digest = identity::base64url(*signature)};
  if (write(record)) {
    end_.sealed = end_.number;
    sealed_at_ = now;
    ::fdatasync(fd_);
  }
}

}  // namespace steward::bus
