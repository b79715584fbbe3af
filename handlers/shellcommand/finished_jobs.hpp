#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/shellcommand/kept_output.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/names.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

namespace steward::handlers::shellcommand {

// The last commands that ended, with what was kept of their output: little in memory, more on disk.
class FinishedJobs {
 public:
  static constexpr std::size_t kMost = 32;

  struct Entry {
    wire::MessageId id;
    wire::CommandState state;
    std::string summary;
  };

  explicit FinishedJobs(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void add(Entry entry, const KeptOutput& output);

  // Null for an id that is not (any more) among them.
  const Entry* find(const wire::MessageId& id) const;

  // As KeptOutput::read, and the stream's total.
  struct Piece {
    Excerpt excerpt;
    std::uint64_t total = 0;
  };

  // Errors: not_found, io.
  [[nodiscard]] Result<Piece> read(const wire::MessageId& id,
                                   int fd,
                                   std::uint64_t offset,
                                   std::size_t length) const;

  // The latest first.
  auto begin() const { return jobs_.rbegin(); }

  auto end() const { return jobs_.rend(); }

 private:
  // Head and tail of one stream, one after the other in memory or in the file.
  struct Stored {
    std::size_t head = 0;
    std::size_t tail = 0;
    std::uint64_t total = 0;
    std::string bytes;
    runtime::Fd file;
  };

  struct Job : Entry {
    explicit Job(Entry entry) : Entry(std::move(entry)) {}

    std::array<Stored, 2> streams;
  };

  void store(const KeptOutput& output, int fd, Stored& into) const;
  const Job* find_job(const wire::MessageId& id) const;

  std::filesystem::path folder_;
  std::deque<Job> jobs_;
};

}  // namespace steward::handlers::shellcommand
