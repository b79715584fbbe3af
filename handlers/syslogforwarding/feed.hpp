#pragma once

#include "subjects/wire/names.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace steward::handlers::syslogforwarding {

// A place in a source that can be read again: the line of that number begins there.
struct Mark {
  std::uint64_t seq = 1;
  std::uint64_t offset = 0;  // of a file
  std::uint64_t tail = 0;    // of the bytes before it, a hash
  std::string cursor;        // of a journal
};

// What tells a file from another that has its name, or its inode after it.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t head_bytes = 0;  // how many of its first bytes are in the hash
  std::uint64_t head = 0;

  bool same_place(const FileIdentity& other) const {
    return device == other.device && inode == other.inode;
  }
};

// Lines on their way to one domain, not packed yet.
struct OpenBatch {
  wire::LogBatchHead head;
  std::string text;
  wire::LogRecordWriter writer;
  wire::BySeverity counts{};
  Mark mark;  // where reading begins again if it is lost
  std::int64_t began_us = 0;
};

// What one source has for one domain.
struct Lane {
  std::uint64_t covered = 0;  // up to that number, batches are made
  std::uint64_t kept = 0;     // up to that number, the broker has them
  std::unique_ptr<OpenBatch> open;
};

struct Feed;

// A batch on its way.
struct Parcel {
  explicit Parcel(wire::MessageId its_id) : id(its_id) {}

  wire::MessageId id;
  std::shared_ptr<Feed> feed;  // null for one out of the spool
  std::int64_t spool_row = 0;  // 0: its source can be read again
  std::string domain;
  wire::LogBatchHead head;
  wire::BySeverity counts{};  // of its lines
  Mark mark;
  std::string payload;
  bool kept = false;  // by the broker
  std::int64_t began_us = 0;
};

// One life of a source: of a file from its making to its end, of a socket from the handler's start.
// Its lines are numbered from 1 without gaps, also those that go nowhere.
struct Feed {
  enum class Kind { rereadable, passing };

  Feed(std::string its_source, wire::MessageId its_epoch, Kind its_kind)
      : source(std::move(its_source)), epoch(its_epoch), kind(its_kind) {}

  std::string source;
  wire::MessageId epoch;
  Kind kind;
  std::int64_t row = 0;  // of the store, where it can be read again
  FileIdentity identity;
  std::string path;

  std::uint64_t next_seq = 1;
  Mark mark;        // of what was read last
  Mark saved;       // as the store has it
  std::string gap;  // to be said with its next batch
  std::uint64_t gap_lines = 0;
  std::map<std::string, Lane, std::less<>> lanes;  // by domain
  std::deque<std::shared_ptr<Parcel>> underway;    // in the order of their making
  bool dirty = false;                              // the store has an older state
  bool ended = false;  // no more lines: it is forgotten once the broker has all
};

}  // namespace steward::handlers::syslogforwarding
