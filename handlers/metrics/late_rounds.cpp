#include "handlers/metrics/late_rounds.hpp"

#include "subjects/wire/fnv.hpp"
#include "subjects/wire/metrics.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace steward::handlers::metrics {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// A file: these eight bytes, where the first one that is not said yet begins, and the entries, each
// its length, the check of its bytes, and its bytes.
constexpr std::string_view kFileMark = "STWLATE1";
constexpr std::uint64_t kHeadBytes = 16;
constexpr std::size_t kEntryHead = 12;
constexpr std::size_t kLargestEntry = std::size_t{512} * 1024;

constexpr std::array kGaps{milliseconds(60'000), milliseconds(600'000), milliseconds(3'600'000)};

template <class Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

template <class Number>
Number number_in(std::string_view bytes) {
  Number number{};
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

std::uint64_t check_of(std::string_view payload) {
  wire::Fnv fnv;
  fnv.bytes(payload);
  return fnv.value();
}

std::string framed(std::string_view payload) {
  std::string out = bytes_of(static_cast<std::uint32_t>(payload.size()));
  out += bytes_of(check_of(payload));
  out += payload;
  return out;
}

Result<void> write_at(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return tl::unexpected(system_error(errno, "write late rounds"));
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<std::string> read_at(int file, std::size_t length, std::uint64_t offset) {
  std::string bytes(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const auto got =
        ::pread(file, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return tl::unexpected(system_error(got < 0 ? errno : EIO, "read late rounds"));
    }
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

LateRounds::LateRounds(fs::path file, std::size_t most_bytes)
    : path_(std::move(file)), most_(most_bytes) {}

Result<LateRounds::Entry> LateRounds::entry_of(std::string_view payload) {
  Entry entry;
  entry.length = static_cast<std::uint32_t>(payload.size());
  entry.is_round = wire::is_metric_round(payload);
  if (entry.is_round) {
    STEWARD_TRY(const auto head, wire::decode_metric_round_head(payload));
    entry.schema = head.schema;
    entry.time = head.time;
  } else {
    STEWARD_TRY(const auto schema, wire::decode_metric_schema(payload));
    entry.schema = schema.hash();
  }
  return entry;
}

Result<void> LateRounds::open() {
  if (file_) {
    return {};
  }
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  runtime::Fd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return tl::unexpected(system_error(errno, "open " + path_.string()));
  }
  file_ = std::move(file);
  end_ = 0;
  return {};
}

Result<void> LateRounds::load() {
  if (::access(path_.c_str(), F_OK) != 0) {
    return {};
  }
  if (auto done = open(); !done) {
    return done;
  }
  read_entries();
  if (entries_.empty() || !wanted()) {
    forget_all();
  }
  return {};
}

// Up to the first that is not whole: a file that was cut, or one that is none of ours.
void LateRounds::read_entries() {
  const auto head = read_at(file_.get(), kHeadBytes, 0);
  if (!head || !std::string_view(*head).starts_with(kFileMark)) {
    return;
  }
  const auto said = number_in<std::uint64_t>(std::string_view(*head).substr(kFileMark.size()));
  end_ = kHeadBytes;
  for (;;) {
    const auto frame = read_at(file_.get(), kEntryHead, end_);
    const std::uint32_t length = frame ? number_in<std::uint32_t>(*frame) : 0;
    if (!frame || length > kLargestEntry) {
      break;
    }
    const auto payload = read_at(file_.get(), length, end_ + kEntryHead);
    if (!payload || check_of(*payload) !=
                        number_in<std::uint64_t>(std::string_view(*frame).substr(sizeof length))) {
      break;
    }
    auto entry = entry_of(*payload);
    if (!entry) {
      break;
    }
    entry->offset = end_ + kEntryHead;
    last_schema_ = entry->schema;
    if (end_ >= said || !entry->is_round) {
      rounds_ += entry->is_round ? 1 : 0;
      entries_.push_back(*entry);
    }
    end_ += kEntryHead + length;
  }
  // Lists of series of which no round is left.
  while (entries_.size() > 1 && !entries_[0].is_round && !entries_[1].is_round) {
    entries_.pop_front();
  }
  if (rounds_ == 0) {
    entries_.clear();
  }
}

void LateRounds::forget_all() {
  file_.reset();
  ::unlink(path_.c_str());
  entries_.clear();
  said_schema_.reset();
  rounds_ = 0;
  last_schema_ = 0;
  end_ = 0;
}

Result<void> LateRounds::append(std::string_view payload) {
  if (auto done = open(); !done) {
    return done;
  }
  if (end_ == 0) {
    if (auto done = write_at(file_.get(), std::string(kFileMark) + bytes_of(kHeadBytes), 0);
        !done) {
      return done;
    }
    end_ = kHeadBytes;
  }
  STEWARD_TRY(auto entry, entry_of(payload));
  if (auto done = write_at(file_.get(), framed(payload), end_); !done) {
    return done;
  }
  entry.offset = end_ + kEntryHead;
  end_ += kEntryHead + payload.size();
  last_schema_ = entry.schema;
  rounds_ += entry.is_round ? 1 : 0;
  entries_.push_back(entry);
  return {};
}

Result<void> LateRounds::keep(std::string_view round, const std::function<std::string()>& schema) {
  STEWARD_TRY(const auto head, wire::decode_metric_round_head(round));
  if (entries_.empty() || last_schema_ != head.schema) {
    if (auto done = append(schema()); !done) {
      return done;
    }
  }
  if (auto done = append(round); !done) {
    return done;
  }
  return end_ > most_ ? thin() : Result<void>();
}

Result<std::string> LateRounds::read(const Entry& entry) const {
  return read_at(file_.get(), entry.length, entry.offset);
}

Result<std::string> LateRounds::first() const { return read(entries_.front()); }

void LateRounds::drop_first() {
  rounds_ -= entries_.front().is_round ? 1 : 0;
  if (!entries_.front().is_round) {
    said_schema_ = entries_.front();
  }
  entries_.pop_front();
  if (rounds_ == 0) {
    forget_all();
    return;
  }
  // Where this fails an agent that starts again says some of them twice.
  static_cast<void>(write_at(file_.get(),
                             bytes_of(std::uint64_t{entries_.front().offset - kEntryHead}),
                             kFileMark.size()));
}

// From the oldest on, until so few bytes are left. Returns what is left.
std::size_t LateRounds::thin_to(milliseconds gap, std::size_t bytes) {
  std::size_t left = kHeadBytes;
  for (const auto& entry : entries_) {
    left += kEntryHead + entry.length;
  }
  std::deque<Entry> kept;
  milliseconds last{INT64_MIN / 2};
  for (const auto& entry : entries_) {
    // Back in time: the clock was set. Then it is as good as another one.
    const bool close = entry.is_round && entry.time >= last && entry.time - last < gap;
    if (close && left > bytes) {
      left -= kEntryHead + entry.length;
      --rounds_;
      ++thinned_;
      continue;
    }
    last = entry.is_round ? entry.time : last;
    kept.push_back(entry);
  }
  entries_ = std::move(kept);
  return left;
}

Result<void> LateRounds::thin() {
  const std::size_t wanted = most_ / 4 * 3;
  std::size_t left = most_;
  for (const auto gap : kGaps) {
    left = thin_to(gap, wanted);
    if (left <= wanted) {
      break;
    }
  }
  if (left > wanted) {
    thin_to(milliseconds(INT64_MAX / 2), wanted);
  }
  return write_anew();
}

// Each list of series once, before the first round that has it; those without rounds go.
Result<void> LateRounds::write_anew() {
  LateRounds anew(path_.string() + ".new", most_);
  anew.forget_all();
  std::string schema;
  if (said_schema_) {
    STEWARD_TRY(schema, read(*said_schema_));
  }
  for (const auto& entry : entries_) {
    STEWARD_TRY(auto payload, read(entry));
    if (!entry.is_round) {
      schema = std::move(payload);
      continue;
    }
    if (anew.last_schema_ != entry.schema || anew.entries_.empty()) {
      if (auto done = anew.append(schema); !done) {
        return done;
      }
    }
    if (auto done = anew.append(payload); !done) {
      return done;
    }
  }
  if (anew.entries_.empty()) {
    forget_all();
    return {};
  }
  if (::rename(anew.path_.c_str(), path_.c_str()) != 0) {
    return tl::unexpected(system_error(errno, "rename late rounds"));
  }
  file_ = std::move(anew.file_);
  end_ = anew.end_;
  said_schema_.reset();
  entries_ = std::move(anew.entries_);
  last_schema_ = anew.last_schema_;
  return {};
}

}  // namespace steward::handlers::metrics
