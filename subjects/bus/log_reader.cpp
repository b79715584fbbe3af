#include "subjects/bus/log_reader.hpp"

#include <utility>

namespace steward::bus {

LogReader::LogReader(Bus& bus,
                     const Query& query,
                     Bus::Sink sink,
                     std::function<void(std::string)> said)
    : said_(std::move(said)),
      reader_(bus,
              {"LOGS", query.tag, query.subject, query.since},
              {},
              std::move(sink),
              [this](std::string text) { said_(std::move(text)); }),
      merge_(query.window) {}

void LogReader::take(const Message& message, Steady now) {
  const auto taken = reader_.take(message, now);
  if (taken.kind == Follower::Taken::Kind::pause) {
    reader_.resume(taken.resume);
  } else if (taken.kind == Follower::Taken::Kind::message) {
    if (auto read = merge_.take(message); !read) {
      said_("a message of " + message.subject + " is no log: " + read.error().text());
    }
  }
}

}  // namespace steward::bus
