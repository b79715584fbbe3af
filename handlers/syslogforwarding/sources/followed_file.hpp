#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/syslogforwarding/feed.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "handlers/syslogforwarding/settings.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace steward::handlers::syslogforwarding {

class Forwarder;

// What all files of a source share.
struct FileReading {
  Forwarder& forwarder;
  const Settings& settings;
  LineParser& parser;
  std::string& buffer;
};

// One open file, whatever its name is meanwhile, read line by line to its end and on. Its content
// is looked at before each reading: a file that was cut off, or written anew, is another one.
class FollowedFile {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  enum class Found {
    nothing,   // no whole line is there
    more,      // it was read, and there may be more
    replaced,  // its content is another: it has to be followed anew, from its beginning
  };

  // `feed`'s mark says where to begin.
  FollowedFile(FileReading reading, runtime::Fd file, std::string path, std::shared_ptr<Feed> feed);

  // Reads one buffer full. `last`: nobody writes any more, what has no line's end is a line too.
  enum class End { open, last };
  Found read(std::int64_t received_us, Steady now, End end);

  // When it was last found to have grown.
  Steady grown() const { return grown_; }

  const std::shared_ptr<Feed>& feed() const { return feed_; }

  const std::string& path() const { return path_; }

  std::uint64_t behind() const { return size_ - std::min(size_, offset_); }

 private:
  bool was_replaced();
  void learn_head();
  void take(wire::LogRecord& record, std::uint64_t lines);
  std::size_t take_lines(std::string_view bytes, std::int64_t received_us, End end);
  std::size_t take_long(std::string_view bytes, std::int64_t received_us, End end);
  void take_entry(std::string_view entry, std::uint64_t lines, std::int64_t received_us);

  FileReading reading_;
  runtime::Fd file_;
  std::string path_;
  std::shared_ptr<Feed> feed_;
  std::uint64_t offset_;
  const std::string daemon_;  // whose output it is; empty: no daemon's
  std::uint64_t size_ = 0;
  std::uint64_t searched_ = 0;   // of a line longer than the buffer, how far it has no end
  std::int64_t touched_ns_ = 0;  // when it was written to last, as far as was looked
  Steady grown_{};
};

// Of the first bytes, as many as `identity` names, or as there are; and of the 64 bytes before
// `offset`. None where the file cannot be read.
std::optional<std::uint64_t> hash_of_head(int file, std::uint64_t bytes);
std::optional<std::uint64_t> hash_of_tail(int file, std::uint64_t offset);

// Whether that file still begins as it did, and holds what was read of it.
bool is_same_file(int file, std::uint64_t size, const FileIdentity& identity, const Mark& mark);

}  // namespace steward::handlers::syslogforwarding
