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
};

void read_chain(const path& file, Whole& whole) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  while (whole.wrong.empty() && std::getline(in, line)) {
    if (in.eof()) {
      whole.torn = true;  // no line end: the process ended while it was written
      return;
    }
    if (const auto record = whole.reader.take(line); !record) {
      whole.wrong = record.error().message;
    } else {
      whole.bytes += line.size() + 1;
    }
  }
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
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(file), key, largest));
  std::string notice;
  {
    const Lock lock(log->mutex_);
    log->last_ = now;
    auto recovered = log->recover(now);
    if (!recovered) {
      return tl::unexpected<Error>(std::move(recovered).error());
    }
    notice = *std::move(recovered);
  }
  return Opened{std::move(log), std::move(notice)};
}

Result<std::string> AuditLog::recover(wire::Timestamp now) {
  std::error_code error;
  std::string notice;
  Whole whole;
  read_chain(file_, whole);
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
    read_chain(older(file_, 1), before);
    end_ = before.reader.end();
  }
  bytes_ = whole.bytes;
  if (auto opened = reopen(); !opened) {
    return tl::unexpected<Error>(std::move(opened).error());
  }
  const std::string why = !notice.empty() ? "damaged" : whole.torn ? "torn" : "";
  if (auto begun = write({.at = now, .kind = "begun", .verdict = why}); !begun) {
    return tl::unexpected<Error>(std::move(begun).error());
  }
  return notice;
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
  if (!sealed_at_ || record.at - *sealed_at_ >= kSealEvery || record.at < *sealed_at_) {
    seal(record.at);
  }
  return {};
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
