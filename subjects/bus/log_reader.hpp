#pragma once

#include "subjects/bus/bus.hpp"
#include "subjects/bus/log_merge.hpp"
#include "subjects/bus/stream_reader.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// Reads the stream LOGS from a moment on, and goes on with what comes. A state machine: its owner
// gives it what comes to the sink, and the time. One thread.
class LogReader {
 public:
  using Steady = StreamReader::Steady;

  struct Query {
    std::string subject;  // "ship1.event.syslogforwarding.*"
    std::optional<wire::Timestamp> since;
    std::string tag;               // of this process: a token
    std::size_t window = 100'000;  // lines that are put in order of time
  };

  // `said`: what people should know.
  LogReader(Bus& bus, const Query& query, Bus::Sink sink, std::function<void(std::string)> said);

  // Errors: bad_subject.
  [[nodiscard]] Result<void> open() { return reader_.open(); }

  // Looks at the link, and does what is due. As often as something comes, and by next_deadline().
  void tick(Steady now) { reader_.tick(now); }

  void take(const Message& message, Steady now);

  // All that there was when it began has come.
  bool caught_up() const { return reader_.caught_up(); }

  // There is no such stream: nothing was ever forwarded.
  bool missing() const { return reader_.missing(); }

  LogMerge& merged() { return merge_; }

  std::optional<Steady> next_deadline() const { return reader_.next_deadline(); }

 private:
  const std::function<void(std::string)> said_;
  StreamReader reader_;
  LogMerge merge_;
};

}  // namespace steward::bus
