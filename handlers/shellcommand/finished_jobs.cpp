#include "handlers/shellcommand/finished_jobs.hpp"

#include "handlers/shellcommand/spool.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr std::size_t kMostInMemory = 4096;

}  // namespace

void FinishedJobs::add(Entry entry, const KeptOutput& output) {
  Job job(std::move(entry));
  store(output, 1, job.streams[0]);
  store(output, 2, job.streams[1]);
  jobs_.push_back(std::move(job));
  if (jobs_.size() > kMost) {
    jobs_.pop_front();
  }
}

// What cannot be written is left out: read() then finds it gone, as if it had not been kept.
void FinishedJobs::store(const KeptOutput& output, int fd, Stored& into) const {
  into.total = output.total(fd);
  Excerpt head = output.read(fd, 0, KeptOutput::kMost);
  if (head.offset != 0) {  // no head was kept
    into.tail = head.bytes.size();
  } else {
    into.head = head.bytes.size();
    const Excerpt tail = output.read(fd, into.head, KeptOutput::kMost);
    into.tail = tail.bytes.size();
    head.bytes += tail.bytes;
  }
  if (head.bytes.size() <= kMostInMemory) {
    into.bytes = std::move(head.bytes);
    return;
  }
  auto file = nameless_file(folder_);
  if (file && write(file->get(), head.bytes.data(), head.bytes.size()) ==
                  static_cast<ssize_t>(head.bytes.size())) {
    into.file = *std::move(file);
  } else {
    into.head = 0;
    into.tail = 0;
  }
}

const FinishedJobs::Job* FinishedJobs::find_job(const wire::MessageId& id) const {
  const auto found =
      std::find_if(jobs_.rbegin(), jobs_.rend(), [&id](const Job& job) { return job.id == id; });
  return found == jobs_.rend() ? nullptr : &*found;
}

const FinishedJobs::Entry* FinishedJobs::find(const wire::MessageId& id) const {
  return find_job(id);
}

Result<FinishedJobs::Piece> FinishedJobs::read(const wire::MessageId& id,
                                               int fd,
                                               std::uint64_t offset,
                                               std::size_t length) const {
  const Job* job = find_job(id);
  if (job == nullptr) {
    return failure(ErrorCode::not_found, "not among the last commands of this unit");
  }
  const Stored& stored = job->streams[fd == 2 ? 1 : 0];
  Piece piece;
  piece.total = stored.total;
  const std::uint64_t tail_at = stored.total - stored.tail;
  const bool in_head = offset < stored.head;
  piece.excerpt.offset = in_head ? offset : std::min(std::max(offset, tail_at), stored.total);
  const std::size_t at =
      in_head ? offset : stored.head + static_cast<std::size_t>(piece.excerpt.offset - tail_at);
  const std::size_t end = in_head ? stored.head : stored.head + stored.tail;
  const std::size_t count = std::min(length, end - at);
  if (!stored.file) {
    piece.excerpt.bytes = stored.bytes.substr(at, count);
    return piece;
  }
  piece.excerpt.bytes.resize(count);
  if (pread(stored.file.get(), piece.excerpt.bytes.data(), count, static_cast<off_t>(at)) !=
      static_cast<ssize_t>(count)) {
    return tl::unexpected<Error>(system_error(errno, "read kept output"));
  }
  return piece;
}

}  // namespace steward::handlers::shellcommand
