#include "handlers/shellcommand/live_stream.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

constexpr int kChunksInOneTurn = 16;
constexpr std::chrono::milliseconds kRetry{500};

std::size_t index_of(int fd) { return fd == 2 ? 1 : 0; }

}  // namespace

LiveStream::LiveStream(runtime::Context& context,
                       wire::MessageId ref,
                       const wire::OutputOptions& options)
    : context_(context),
      ref_(ref),
      options_(options),
      spool_(context.state_dir, options.spool_bytes),
      flush_timer_(context.loop, [this] { flush(); }),
      spool_timer_(context.loop, [this] { send_spooled(); }) {}

void LiveStream::add(int fd, std::string_view bytes) {
  Stream& stream = streams_[index_of(fd)];
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), options_.chunk_bytes - stream.open.size());
    stream.open.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (stream.open.size() >= options_.chunk_bytes) {
      flush(fd);
    }
  }
  if (!stream.open.empty() && !flush_timer_.active()) {
    flush_timer_.start(options_.flush);
  }
}

void LiveStream::skip(int fd, std::uint64_t bytes) {
  flush(fd);
  Stream& stream = streams_[index_of(fd)];
  stream.offset += bytes;
  stream.expected = stream.offset;
}

void LiveStream::finish() {
  flush_timer_.stop();
  flush();
}

void LiveStream::link_up() {
  if (!spool_.empty()) {
    spool_timer_.start(std::chrono::milliseconds(0));
  }
}

bool LiveStream::delivered() const {
  return spool_.empty() && streams_[0].open.empty() && streams_[1].open.empty();
}

void LiveStream::flush() {
  flush(1);
  flush(2);
}

void LiveStream::flush(int fd) {
  Stream& stream = streams_[index_of(fd)];
  if (stream.open.empty()) {
    return;
  }
  Chunk chunk{fd, stream.offset, std::move(stream.open)};
  stream.open.clear();
  stream.offset += chunk.bytes.size();
  // Behind what waits already: in order.
  if (!spool_.empty() || !send(chunk)) {
    spool_.add(chunk);
    if (!spool_timer_.active()) {
      spool_timer_.start(kRetry);
    }
  }
}

bool LiveStream::send(const Chunk& chunk) {
  if (!context_.publisher.link_up()) {
    return false;
  }
  Stream& stream = streams_[index_of(chunk.fd)];
  const wire::ShellEvent event{.ref = ref_,
                               .type = wire::ShellEventType::output,
                               .fd = chunk.fd,
                               .offset = chunk.offset,
                               .bytes = chunk.bytes,
                               .gap_bytes = chunk.offset - stream.expected};
  const auto sent = context_.publisher.stream(wire::encode(event, options_.encoding));
  if (!sent && sent.error().code == ErrorCode::unavailable) {
    return false;
  }
  if (sent) {
    stream.expected = chunk.offset + chunk.bytes.size();
  }
  return true;  // one that can never be sent is a gap
}

void LiveStream::send_spooled() {
  for (int i = 0; i < kChunksInOneTurn; ++i) {
    const auto chunk = spool_.front();
    if (!chunk) {
      return;
    }
    if (!send(*chunk)) {
      spool_timer_.start(kRetry);
      return;
    }
    spool_.pop();
  }
  spool_timer_.start(std::chrono::milliseconds(0));
}

}  // namespace steward::handlers::shellcommand
