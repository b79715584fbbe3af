#pragma once

#include "subjects/wire/error.hpp"
#include "tools/bench/child_process.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

namespace steward::bench {

// Where lines come from.
enum class LogInput { file, tcp, datagrams };

// Lines as a system's log has them, numbered from `first`, 110 bytes each on the average. With a
// priority before them where they are for a socket.
std::string log_lines(std::size_t first, std::size_t count, LogInput input);

// Writes that many into a new file. Errors: io.
[[nodiscard]] Result<void> write_log(const std::filesystem::path& path, std::size_t count);

// Sends that many by one connection, or as datagrams to a unix socket, as fast as they are taken.
// Errors: unavailable, io.
[[nodiscard]] Result<void> send_by_tcp(std::uint16_t port, std::size_t count);
[[nodiscard]] Result<void> send_datagrams(const std::filesystem::path& socket, std::size_t count);

// Where a peer delivers to: takes connections on a port of 127.0.0.1 and counts the line feeds and
// bytes that come. Ends with its object.
class LineSink {
 public:
  // Errors: io.
  [[nodiscard]] static Result<std::unique_ptr<LineSink>> start();

  ~LineSink();
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;

  std::uint16_t port() const { return port_; }

  std::uint64_t lines() const { return lines_; }

  std::uint64_t bytes() const { return bytes_; }

 private:
  LineSink(int listening, std::uint16_t port);
  void run();
  bool take_from(int socket);

  const int listening_;
  const std::uint16_t port_;
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// Debian's rsyslogd at the same job: lines of that input, by a queue that goes to disk when it is
// long, to the sink. `place` is the file or socket, or the port. Errors: not_found (it is not
// installed), io.
[[nodiscard]] Result<std::unique_ptr<ChildProcess>> start_rsyslogd(
    const std::filesystem::path& folder,
    LogInput input,
    const std::string& place,
    const LineSink& sink);

}  // namespace steward::bench
