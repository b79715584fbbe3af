#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/shellcommand/spool.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace steward::handlers::shellcommand {

// Sends a command's output while it runs, in chunks by size or by time. While the link is away they
// wait on disk and go out in order once it is back, those of an ended command too; what was lost
// on the way is said (gap_bytes).
class LiveStream {
 public:
  LiveStream(runtime::Context& context, wire::MessageId ref, const wire::OutputOptions& options);

  void add(int fd, std::string_view bytes);

  // That much has come and gone before.
  void skip(int fd, std::uint64_t bytes);

  // The command has ended: what is there goes out.
  void finish();

  // Goes on with what is on disk.
  void link_up();

  // Nothing waits.
  bool delivered() const;

 private:
  struct Stream {
    std::string open;            // of the chunk that is being filled
    std::uint64_t offset = 0;    // of its first byte
    std::uint64_t expected = 0;  // by the station: end of what was sent last
  };

  void flush();
  void flush(int fd);
  bool send(const Chunk& chunk);
  void send_spooled();

  runtime::Context& context_;
  wire::MessageId ref_;
  wire::OutputOptions options_;
  std::array<Stream, 2> streams_;
  Spool spool_;
  runtime::Timer flush_timer_;
  runtime::Timer spool_timer_;
};

}  // namespace steward::handlers::shellcommand
