#pragma once

#include "steward/logs/log_lane.hpp"
#include "subjects/bus/stream_position.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {

// A file of lines: how many were begun before it, and how long it is as far as it is certain.
struct FilePlace {
  std::uint64_t generation = 1;
  std::uint64_t length = 0;

  bool operator==(const FilePlace&) const = default;
};

// Unit and domain.
using FileKey = std::pair<std::string, std::string>;

// Messages of the stream that are handed on together, and what is so once they are.
struct LogGroup {
  std::vector<bus::LogItem> items;
  bus::StreamPosition upto;
  std::map<LogLane, LaneCourse> lanes;
  std::map<FileKey, FilePlace> files;
  std::uint64_t lines = 0;    // of the items
  std::uint64_t repeats = 0;  // lines that had come before
  std::size_t bytes = 0;
  wire::Timestamp oldest{};  // when the stream took its first message
};

// What a hand-on keeps on disk: how far it is, and what of each source it has handed on. One
// thread. Errors of every function: io, no_space, permission, busy.
class HandOnStore {
 public:
  // `started`: where there is none yet, from when on the stream is meant.
  [[nodiscard]] static Result<std::unique_ptr<HandOnStore>> open(const std::filesystem::path& file,
                                                                 wire::Timestamp started);

  ~HandOnStore();
  HandOnStore(const HandOnStore&) = delete;
  HandOnStore& operator=(const HandOnStore&) = delete;

  // Of the last message that was handed on.
  [[nodiscard]] Result<bus::StreamPosition> position();

  // When it was first opened.
  [[nodiscard]] Result<wire::Timestamp> started();

  // A new lane is empty.
  [[nodiscard]] Result<LaneCourse> lane(const LogLane& lane);

  // Those of whose holes nobody was told.
  [[nodiscard]] Result<std::vector<LogLane>> lanes_with_holes();

  [[nodiscard]] Result<std::optional<FilePlace>> file(const FileKey& key);
  [[nodiscard]] Result<void> put_file(const FileKey& key, const FilePlace& place);

  // On disk whole when it comes back, or not at all.
  [[nodiscard]] Result<void> commit(const LogGroup& group, wire::Timestamp now);

  // Forgets lanes of which nothing has come since.
  [[nodiscard]] Result<void> forget_lanes(wire::Timestamp before);

 private:
  class Database;
  explicit HandOnStore(std::unique_ptr<Database> database);

  const std::unique_ptr<Database> database_;
};

}  // namespace steward::station
