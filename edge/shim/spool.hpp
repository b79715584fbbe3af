#pragma once

#include <cstddef>

namespace steward::shim {

// What a stream has said, in files of the working directory named "<stream>-<offset of its first
// byte, 20 digits>": a reader knows each byte's place, and sees what is missing. A file ends with
// a line where there are any; the oldest ones go when all together are over the bound. What the
// disk does not take is left out, and the next file begins behind it.
class Spool {
 public:
  // Goes on behind what an earlier run has left.
  void open(int stream, long segment_bytes, long keep_bytes);

  void append(const char* bytes, std::size_t size);

  // All bytes that ever came.
  long long total() const { return total_; }

 private:
  void begin_segment();
  void end_segment();
  void drop_oldest() const;
  std::size_t put(const char* bytes, std::size_t size);

  int stream_ = 1;
  int fd_ = -1;
  long segment_bytes_ = 0;
  long keep_bytes_ = 0;
  long size_ = 0;  // of the file that is open
  long long total_ = 0;
};

}  // namespace steward::shim
