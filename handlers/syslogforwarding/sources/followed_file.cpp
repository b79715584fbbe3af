#include "handlers/syslogforwarding/sources/followed_file.hpp"

#include "handlers/syslogforwarding/forwarder.hpp"
#include "subjects/wire/fnv.hpp"

#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::uint64_t kHeadBytes = 256;
constexpr std::uint64_t kTailBytes = 64;

// So much of a line is looked at to see whether it is the first of an entry.
constexpr std::size_t kTelling = 1'024;

// An entry of several lines has come whole when nothing was added for so long.
constexpr std::chrono::seconds kEntryTime{1};

// Whose output it is: "<one of the folders>/<name>/1-0".
std::string daemon_of(const std::string& path, const std::string& daemons) {
  const auto folder = std::filesystem::path(path).parent_path();
  return ::fnmatch(daemons.c_str(), folder.c_str(), FNM_PATHNAME) == 0 ? folder.filename().string()
                                                                       : "";
}

std::optional<std::uint64_t> hash_of(int file, std::uint64_t begin, std::uint64_t bytes) {
  std::array<char, kHeadBytes> buffer{};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer.size()));
  const auto got = ::pread(file, buffer.data(), wanted, static_cast<off_t>(begin));
  if (got != static_cast<ssize_t>(wanted)) {
    return std::nullopt;
  }
  wire::Fnv hash;
  hash.bytes({buffer.data(), wanted});
  return hash.value();
}

}  // namespace

std::optional<std::uint64_t> hash_of_head(int file, std::uint64_t bytes) {
  return hash_of(file, 0, bytes);
}

std::optional<std::uint64_t> hash_of_tail(int file, std::uint64_t offset) {
  const auto bytes = std::min(offset, kTailBytes);
  return hash_of(file, offset - bytes, bytes);
}

bool is_same_file(int file, std::uint64_t size, const FileIdentity& identity, const Mark& mark) {
  return size >= mark.offset && size >= identity.head_bytes &&
         (identity.head_bytes == 0 || hash_of_head(file, identity.head_bytes) == identity.head) &&
         (mark.offset == 0 || hash_of_tail(file, mark.offset) == mark.tail);
}

FollowedFile::FollowedFile(FileReading reading,
                           runtime::Fd file,
                           std::string path,
                           std::shared_ptr<Feed> feed)
    : reading_(reading),
      file_(std::move(file)),
      path_(std::move(path)),
      feed_(std::move(feed)),
      offset_(feed_->mark.offset),
      daemon_(daemon_of(path_, reading_.settings.daemons)) {
  feed_->mark.tail = hash_of_tail(file_.get(), offset_).value_or(0);
  feed_->saved.tail = feed_->mark.tail;
}

bool FollowedFile::was_replaced() {
  return !is_same_file(file_.get(), size_, feed_->identity, feed_->mark);
}

// The longer, the surer: until it has 256 bytes.
void FollowedFile::learn_head() {
  auto& identity = feed_->identity;
  const auto bytes = std::min(size_, kHeadBytes);
  if (bytes > identity.head_bytes) {
    if (const auto hash = hash_of_head(file_.get(), bytes)) {
      identity.head_bytes = bytes;
      identity.head = *hash;
      feed_->dirty = true;
    }
  }
}

FollowedFile::Found FollowedFile::read(std::int64_t received_us, Steady now, End end) {
  struct stat found {};

  if (::fstat(file_.get(), &found) != 0) {
    return Found::nothing;
  }
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size != size_ || grown_ == Steady()) {
    grown_ = now;
  }
  size_ = size;
  if (size_ < offset_) {
    return Found::replaced;
  }
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto changed_ns = found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec;
  const bool touched = std::exchange(touched_ns_, changed_ns) != changed_ns;
  const auto from = std::max(offset_, searched_);
  if (size_ <= from && (end == End::open || size_ <= offset_) &&
      !(reading_.settings.first_line && size_ > offset_)) {
    // Written anew, it may be exactly as long as before.
    return touched && was_replaced() ? Found::replaced : Found::nothing;
  }
  auto& buffer = reading_.buffer;
  const auto got = ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
  if (got <= 0) {
    return Found::nothing;
  }
  // Looked at behind the reading: what was written anew before it is seen, and later is no matter.
  if (was_replaced()) {
    return Found::replaced;
  }
  learn_head();
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (reading_.settings.first_line && now - grown_ >= kEntryTime) {
    end = bytes.back() == '\n' ? End::last : end;
  }
  const bool whole = offset_ + bytes.size() >= size_;
  auto taken = take_lines(bytes, received_us, whole ? end : End::open);
  if (taken == 0 && bytes.size() == buffer.size()) {
    taken = take_long(bytes, received_us, end);
  }
  if (taken == 0) {
    searched_ = std::max(searched_, offset_ + bytes.size());
    return Found::nothing;
  }
  offset_ += taken;
  searched_ = 0;
  feed_->mark.seq = feed_->next_seq;
  feed_->mark.offset = offset_;
  feed_->mark.tail = hash_of_tail(file_.get(), offset_).value_or(0);
  return offset_ < size_ ? Found::more : Found::nothing;
}

// How many bytes of it are in whole lines.
std::size_t FollowedFile::take_lines(std::string_view bytes, std::int64_t received_us, End end) {
  const auto& first_line = reading_.settings.first_line;
  std::size_t entry = 0;  // where the one begins that is not taken yet
  std::uint64_t lines = 0;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto* found =
        static_cast<const char*>(std::memchr(bytes.data() + at, '\n', bytes.size() - at));
    if (found == nullptr && end == End::open) {
      // Its beginning tells already that the entry before it is whole.
      if (lines > 0 && bytes.size() - at >= kTelling && first_line->found_in(bytes.substr(at))) {
        take_entry(bytes.substr(entry, at - 1 - entry), lines, received_us);
        entry = at;
        lines = 0;
      }
      break;
    }
    const auto line_end =
        found == nullptr ? bytes.size() : static_cast<std::size_t>(found - bytes.data());
    const auto next = std::min(line_end + 1, bytes.size());
    if (!first_line) {
      take_entry(bytes.substr(at, line_end - at), 1, received_us);
      entry = next;
    } else {
      if (lines > 0 && first_line->found_in(bytes.substr(at, line_end - at))) {
        take_entry(bytes.substr(entry, at - 1 - entry), lines, received_us);
        entry = at;
        lines = 0;
      }
      ++lines;
    }
    at = next;
  }
  const bool too_long = at - entry > reading_.settings.line_bytes;
  if (lines > 0 && (end == End::last || too_long)) {
    const bool ended = bytes[at - 1] == '\n';
    take_entry(bytes.substr(entry, at - entry - (ended ? 1 : 0)), lines, received_us);
    entry = at;
  }
  return entry;
}

// A line that is longer than the buffer: its beginning is kept, its end is looked for.
std::size_t FollowedFile::take_long(std::string_view bytes, std::int64_t received_us, End end) {
  const std::string kept(bytes.substr(0, reading_.settings.line_bytes));
  const auto lines = 1 + static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  std::uint64_t at = std::max(searched_, offset_ + bytes.size());
  auto& buffer = reading_.buffer;
  std::uint64_t line_end = 0;
  while (line_end == 0) {
    const auto got = ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got <= 0) {
      if (end == End::open) {
        searched_ = at;
        return 0;
      }
      line_end = at;
      break;
    }
    const auto* found =
        static_cast<const char*>(std::memchr(buffer.data(), '\n', static_cast<std::size_t>(got)));
    if (found != nullptr) {
      line_end = at + static_cast<std::uint64_t>(found - buffer.data());
    } else {
      at += static_cast<std::uint64_t>(got);
    }
  }
  wire::LogRecord record;
  reading_.parser.parse(kept, Origin::file, received_us, record);
  record.whole = static_cast<std::size_t>(line_end - offset_);
  take(record, lines);
  return static_cast<std::size_t>(std::min(line_end + 1, size_) - offset_);
}

void FollowedFile::take_entry(std::string_view entry,
                              std::uint64_t lines,
                              std::int64_t received_us) {
  if (!entry.empty() && entry.back() == '\r') {
    entry.remove_suffix(1);
  }
  const auto most = reading_.settings.line_bytes;
  wire::LogRecord record;
  reading_.parser.parse(entry.substr(0, most), Origin::file, received_us, record);
  record.whole = entry.size() > most ? entry.size() : 0;
  take(record, lines);
}

void FollowedFile::take(wire::LogRecord& record, std::uint64_t lines) {
  if (record.program.empty()) {
    record.program = daemon_;
  }
  reading_.forwarder.take(feed_, record, lines);
}

}  // namespace steward::handlers::syslogforwarding
